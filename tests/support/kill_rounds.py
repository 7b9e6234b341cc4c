"""
Writers killed at random moments: `python kill_rounds.py ROUNDS SEED PLAN APPROVAL FOLDER`; prints a line a round.

Each round has a world and a journal as new.  A child applies the plan and is killed; then its write is settled, and
made by another approval if it had not been made.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

from glhelpers.actions.journal import Journal
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import open_clients
from glhelpers.models.change import Approval, ChangePlan
from glhelpers.settings import Settings, load_settings

LONGEST = 0.14
"""Seconds after which a child has finished on an idle machine; the kills are spread over them."""


def apply(settings: Settings, journal_url: str, plan: ChangePlan, approval: Approval) -> None:
    """What a run does between approval and record."""
    with open_clients(settings) as clients:
        writer = writer_for(settings, clients, Journal(journal_url))
        writer.verify(*writer.send(plan, approval))


def writer_for(settings: Settings, clients: object, journal: Journal) -> Writer:
    """A writer whose requests are on their way for a moment only."""
    return Writer(
        clients=clients,  # type: ignore[arg-type]
        journal=journal,
        origin=settings.customersdot.base_url,
        run_id="killed",
        operator="ada",
        in_flight=timedelta(seconds=0.3),
        sleep=lambda seconds: time.sleep(seconds / 10),
    )


def control(settings: Settings, method: str, path: str) -> dict[str, object]:
    """Use one of the sandbox's controls."""
    with urlopen(Request(f"{settings.gitlab.base_url}/__sandbox/{path}", method=method)) as answer:
        told: dict[str, object] = json.loads(answer.read())
        return told


def one_round(settings: Settings, url: str, plan: ChangePlan, approval: Approval, wait: float) -> dict[str, object]:
    """Kill a writer after so long, then do what the next run does."""
    control(settings, "POST", "reset")
    child = multiprocessing.get_context("fork").Process(target=apply, args=(settings, url, plan, approval))
    child.start()
    time.sleep(wait)
    child.kill()
    child.join()
    journal = Journal(url)
    with open_clients(settings) as clients:
        writer = writer_for(settings, clients, journal)
        before = [entry.kind for entry in journal.entries()]
        settled = writer.settle_open(plan.target.key)
        applied = control(settings, "GET", "writes")["support_tools"]
        outcome = next((entry.payload["outcome"] for entry in journal.entries() if entry.kind == "settled"), None)
        if not applied:
            other = approval.model_copy(update={"approved_by": "carol"})
            assert writer.verify(*writer.send(plan, other)).verified
        end = control(settings, "GET", "writes")["support_tools"]
    return {
        "died_after": before,
        "settled_by_next": settled is not None,
        "applied": applied,
        "journal": outcome,
        "applied_in_the_end": end,
        "broken": journal.first_broken_row(),
    }


def main(rounds: str, seed: str, plan_path: str, approval_path: str, folder: str) -> None:
    """Kill so many writers."""
    settings, chance = load_settings(), random.Random(int(seed))
    plan = ChangePlan.model_validate_json(Path(plan_path).read_text())
    approval = Approval.model_validate_json(Path(approval_path).read_text())
    for number in range(int(rounds)):
        url = f"sqlite:///{Path(folder) / f'{number}.db'}"
        print(json.dumps(one_round(settings, url, plan, approval, chance.uniform(0.02, LONGEST))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
