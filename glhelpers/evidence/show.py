"""
Pictures for notebook cells: typed values in, HTML fragments out.

Every fragment brings its own style, whose selectors all begin with `.glh`, and takes its colours
from the text around it, so that it reads in a light and in a dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from glhelpers.evidence import cards, pictures
from glhelpers.evidence.render import stylesheet
from glhelpers.models.change import Approval, ChangePlan, Receipt
from glhelpers.models.fact import Fact
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.record import Draft, FactLine, Minutes, NextRunbook, RunRecord, Seats, Step

__all__ = [
    "broken_glass",
    "catalogue_card",
    "decision_path",
    "differences_table",
    "drafts_card",
    "facts_table",
    "findings_table",
    "minutes_picture",
    "next_card",
    "plan_card",
    "progress_line",
    "receipt_card",
    "seat_head",
    "seats_picture",
    "sent_note",
    "step_note",
    "steps_table",
    "stop_card",
    "style",
    "summary_card",
    "way_back_line",
]


def style() -> str:
    """The style of all fragments, for a place that shows several of them."""
    return f"<style>{stylesheet()}</style>"


def broken_glass(approval: Approval | None) -> str:
    """That one person has approved alone, in red; empty where two have; see `cards.broken_glass`."""
    return _styled(cards.broken_glass(approval)) if approval is not None and approval.break_glass else ""


def facts_table(facts: Sequence[Fact[Any] | FactLine]) -> str:
    """The facts as a table; see `cards.facts`."""
    return _styled(cards.facts(facts))


def findings_table(findings: Sequence[Finding]) -> str:
    """The findings as a table; see `cards.findings`."""
    return _styled(cards.findings(findings))


def decision_path(decision: Decision, stages: Sequence[str] = (), *, words: bool = True) -> str:
    """The way through the stages and where it ended; see `cards.decision`."""
    return _styled(cards.decision(decision, stages, words=words))


def plan_card(plan: ChangePlan) -> str:
    """The plan as a card; see `cards.plan`."""
    return _styled(cards.plan(plan))


def receipt_card(receipt: Receipt) -> str:
    """The receipt as a card; see `cards.receipt`."""
    return _styled(cards.receipt(receipt))


def seats_picture(seats: Seats) -> str:
    """The seats as bars; see `pictures.seats_svg`."""
    return _styled(pictures.seats_svg(seats), "glh-beside")


def minutes_picture(minutes: Minutes) -> str:
    """The compute minutes as bars; see `pictures.minutes_svg`."""
    return _styled(pictures.minutes_svg(minutes), "glh-beside")


def drafts_card(drafts: Sequence[Draft]) -> str:
    """The drafts as cards; see `cards.drafts`."""
    return _styled(cards.drafts(drafts))


def next_card(following: Sequence[NextRunbook], links: Mapping[str, str] | None = None) -> str:
    """The runbooks to go on with as cards; see `cards.next_runbooks`."""
    return _styled(cards.next_runbooks(following, links))


def way_back_line(link: str | None, command: str) -> str:
    """How the change can be taken back as a line; see `cards.way_back`."""
    return _styled(cards.way_back(link, command))


def steps_table(steps: Sequence[Step]) -> str:
    """The steps as a table; see `cards.steps`."""
    return _styled(cards.steps(steps))


def differences_table(moved: Sequence[tuple[str, str, str]]) -> str:
    """What moved since a plan was made; see `cards.differences`."""
    return _styled(cards.differences(moved))


def step_note(title: str, status: Status, why: str, next_step: str | None) -> str:
    """A step's sentence on how the run stands; see `cards.step_note`."""
    return _styled(cards.step_note(title, status, why, next_step))


def sent_note() -> str:
    """That a change was sent and is to be read back; see `cards.sent`."""
    return _styled(cards.sent())


def seat_head(title: str, purpose: str, profile: str, production: bool, writes: bool) -> str:
    """What stands above a form: the runbook, what it does, and where; see `cards.seat_head`."""
    return _styled(cards.seat_head(title, purpose, profile, production, writes))


def catalogue_card(books: Sequence[tuple[str, str, str, bool]]) -> str:
    """All runbooks with links to open them; see `cards.catalogue`."""
    return _styled(cards.catalogue(books))


def progress_line(looked_up: Sequence[str], seconds: float) -> str:
    """How far a look-up is; see `cards.progress`."""
    return _styled(cards.progress(looked_up, seconds))


def stop_card(status: Status, why: str, next_step: str | None) -> str:
    """That the run ends here; see `cards.stop`."""
    return _styled(cards.stop(status, why, next_step))


def summary_card(record: RunRecord) -> str:
    """The first screen of a run; see `cards.summary`."""
    return _styled(cards.summary(record))


def _styled(fragment: Markup, looks: str = "") -> str:
    return f'<div class="{f"glh {looks}".strip()}">{style()}{fragment}</div>'
