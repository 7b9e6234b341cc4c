"""A training case in words for a terminal: the ticket as it arrived, what to type, and the solution."""

from __future__ import annotations

import os
from collections.abc import Iterator

from glhelpers.models.record import NextRunbook
from glhelpers.rehearsal.case import YOURSELF, Case, Played

__all__ = ["command_of", "next_lines", "solution_lines", "ticket_lines"]


def ticket_lines(case: Case) -> Iterator[str]:
    """The ticket, comment by comment, each with its link."""
    yield f"Ticket {case.ticket.id}: {case.ticket.subject}"
    yield f"{case.ticket.url}   issue {case.issue}"
    for number, comment in enumerate(case.ticket.comments, 1):
        yield ""
        yield f"  {comment.by}, {case.ticket.link_of(number)}"
        yield from (f"    {line}" for line in comment.says.splitlines())


def next_lines(case: Case) -> Iterator[str]:
    """What to type in another terminal; nothing of it gives the solution away."""
    start = _profile()
    yield "Leave this terminal open. In another one, in this folder, begin with what only looks:"
    yield f"  {start}{command_of(case, case.first)}"
    yield "or work in the notebooks, with the ticket's values in the form:"
    yield f"  {start}glhelpers lab"
    yield "When you think the ticket is where it should be:"
    yield f"  glhelpers sandbox judge {case.id}"
    yield f"Stuck? Add --hint or --solution to: glhelpers sandbox rehearse {case.id}"


def solution_lines(case: Case) -> Iterator[str]:
    """What is right and why, and the commands that do it."""
    yield case.solution.says
    start = _profile()
    for played in case.solution.runs:
        command = command_of(case, played)
        yield ""
        yield f"  {start}{command}"
        if played.approved_by:
            where = f"runs/{case.ticket.id}/{played.runbook}/<run id>"
            alone = played.approved_by == YOURSELF
            who = "" if alone else f"GLHELPERS_OPERATOR={played.approved_by} "
            by = "Read it, and approve it:" if alone else "A second person approves it; here you play one:"
            yield f"It prints where the plan lies. {by}"
            yield f"  {who}{start}glhelpers approve {where}/plan.json"
            yield "Then the same command, with the approval:"
            yield f"  {start}{command} --approval {where}/approval.json"


def command_of(case: Case, played: Played) -> str:
    """The command of a run, to copy into a terminal."""
    return NextRunbook(runbook=played.runbook, why="", parameters=case.parameters_of(played)).command


def _profile() -> str:
    """Where the environment names another profile, a rehearsal's commands name the sandbox themselves."""
    return "" if os.environ.get("GLHELPERS_PROFILE", "sandbox") in ("", "sandbox") else "GLHELPERS_PROFILE=sandbox "
