"""
Sixteen processes at one journal: `python claimants.py approval|target|appends JOURNAL`; prints a line a round.

They are forked from one process that has imported everything, so that a barrier lets them go at the same moment.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from typing import Any

from glhelpers.actions.journal import Intent, Journal, me
from glhelpers.errors import GlhelpersError

PROCESSES, ROUNDS = 16, 10


def intent(id: str, target: str = "here|namespace:7") -> Intent:
    """A write about to be sent by this process."""
    host, pid, started = me()
    return Intent(
        id=id,
        target=target,
        plan={"action": "force_associate"},
        run_id="run",
        operator="ada",
        host=host,
        pid=pid,
        process_started=started,
        in_flight_until="2026-11-23T09:00:00+00:00",
    )


def claim(journal: Journal, same: str, number: int, turn: int) -> str:
    """Try for what all want at once; how it went."""
    mine = f"{turn}-{number}"
    try:
        if same == "approval":
            journal.begin(intent(mine, f"target-{mine}"), f"approval-{turn}")
        elif same == "target":
            journal.begin(intent(mine, f"target-{turn}"), f"approval-{mine}")
        else:
            journal.begin(intent(mine, f"target-{mine}"), f"approval-{mine}")
            journal.answered(intent(mine, f"target-{mine}"), {"says": "success"})
            journal.settle(intent(mine, f"target-{mine}"), "APPLIED", [])
    except GlhelpersError as refused:
        return type(refused).__name__
    return "won"


def compete(same: str, url: str, number: int, barrier: Any, results: Any) -> None:
    """Open the journal and claim, at the same moment as all others, round by round."""
    barrier.wait()
    journal = Journal(url)
    for turn in range(ROUNDS):
        barrier.wait()
        results.put((turn, claim(journal, same, number, turn)))


def main(same: str, url: str) -> None:
    """Let all compete; print what each got in each round."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(PROCESSES), context.SimpleQueue()
    processes = [context.Process(target=compete, args=(same, url, n, barrier, results)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    rounds: list[list[str]] = [[] for _ in range(ROUNDS)]
    for _ in range(PROCESSES * ROUNDS):
        turn, got = results.get()
        rounds[turn].append(got)
    for process in processes:
        process.join()
    print("\n".join(json.dumps(sorted(got)) for got in rounds))


if __name__ == "__main__":
    main(*sys.argv[1:])
