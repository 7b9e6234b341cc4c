"""Every training case played on a real sandbox: nothing done, the right thing, and the typical wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from rehearsals import Stage, Turn, staged

from glhelpers.rehearsal.case import Played, case_named, cases
from glhelpers.rehearsal.verdict import Judged, Judgement

pytestmark = pytest.mark.notebook

IDS = [case.id for case in cases()]


def link(number: int, comment: int | None = None) -> str:
    """The link of a case's ticket, or of a comment of it."""
    return f"https://gitlab.zendesk.com/agent/tickets/{number}" + (f"#comment-{comment}" if comment else "")


def forced(namespace: str, subscription: str, ticket: int) -> Turn:
    """The button of Force Associate, pressed past every runbook."""
    return lambda clients: clients.customersdot.force_associate(namespace, subscription, link(ticket), key=subscription)


def cleared(subscription: str, ticket: int) -> Turn:
    """The button of Clear Subscription, pressed past every runbook."""
    return lambda clients: clients.customersdot.clear_subscription(subscription, link(ticket), key=subscription)


WRONG: dict[str, tuple[Turn, str]] = {
    "forty_users_ten_seats": (forced("merlin-motors", "A-S00091010", 9101), "nobody had asked the customer"),
    "owed_seats_confirmed": (
        [
            Played(
                runbook="force_associate",
                parameters={
                    "namespace": "osprey-optics",
                    "subscription_name": "A-S00091020",
                    "customer_confirmation": link(9102, 1),
                },
                approved_by="colleague",
            )
        ],
        "something else than the comment",
    ),
    "button_is_missing": (
        [
            Played(
                runbook="force_associate",
                parameters={"namespace": "lark-university-lab", "subscription_name": "A-S00091030"},
                approved_by="you",
            )
        ],
        "the group that the customer asked to leave alone",
    ),
    "minutes_after_association": (
        [
            Played(
                runbook="force_associate",
                parameters={
                    "namespace": "wagtail-works",
                    "subscription_name": "A-S00091040",
                    "compute_minutes": "reset",
                },
            )
        ],
        "asked for a reset",
    ),
    "greyed_out_by_minutes": (cleared("A-S00091059", 9105), "5,000 paid minutes"),
    "already_associated": (cleared("A-S00091069", 9106), "the customer is on Free now"),
    "plan_still_runs": (cleared("A-S00091079", 9107), "paid for until March"),
    "portal_502_admin_linked": (
        lambda clients: clients.customersdot.unlink(93208, "9109", link(9108), key="wrong-account"),
        "another customer's",
    ),
    "reseller_read_only": (forced("godwit-games", "A-S00091100", 9110), "the customer can link it alone"),
    "who_may_see_it": (
        [
            Played(
                runbook="subscription_not_visible",
                parameters={
                    "customer_id": "93111",
                    "subscription_name": "A-S00091110",
                    "proof": "contact_approval",
                    "proof_from": "sold_to",
                    "proof_link": link(9111, 2),
                },
                approved_by="you",
            )
        ],
        "nothing proves that they speak for the customer",
    ),
}


@dataclass(frozen=True)
class Ends:
    """
    How each case was judged after nothing, after the first look, after the wrong thing, and after the right one.

    `doubted` is one case judged again after its solution, by what should not count any more.
    """

    nothing: dict[str, Judgement]
    looked: dict[str, Judgement]
    wrong: dict[str, Judgement]
    right: dict[str, Judgement]
    doubted: dict[str, Judgement]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    """All cases, played one after another on one sandbox."""
    with staged(tmp_path_factory.mktemp("rehearsals")) as stage:
        yield _played(stage)


def _played(stage: Stage) -> Ends:
    return Ends(
        nothing=stage.play({id: [] for id in IDS}),
        looked=stage.play({case.id: [case.first] for case in cases()}),
        wrong=stage.play({id: turn for id, (turn, _) in WRONG.items()}),
        right=stage.play({case.id: list(case.solution.runs) for case in cases()}),
        doubted=_doubted(stage),
    )


def _doubted(stage: Stage) -> dict[str, Judgement]:
    case = case_named("forty_users_ten_seats")
    ends = {"still": stage.judge(case, stage.since), "later": stage.judge(case, datetime.now(UTC))}
    (page,) = stage.runs.glob(f"{case.ticket.id}/*/*/notebook.html")
    as_it_was = page.read_bytes()
    page.write_bytes(as_it_was + b" ")
    ends["changed"] = stage.judge(case, stage.since)
    page.write_bytes(as_it_was)
    stage.reset()
    ends["elsewhere"] = stage.judge(case, stage.since)
    return ends


@pytest.mark.parametrize("id", IDS)
def test_doing_nothing_is_not_yet_right(ends: Ends, id: str) -> None:
    """Not even where nothing is to be written: a run tells it, silence does not."""
    assert ends.nothing[id].verdict is Judged.not_yet
    assert "No finished run" in ends.nothing[id].reasons[0]


@pytest.mark.parametrize("id", IDS)
def test_the_command_that_is_printed_first_can_be_run_and_gives_nothing_away(ends: Ends, id: str) -> None:
    """It ran to its end on the case's world, and the case is not solved by it."""
    assert ends.looked[id].verdict is Judged.not_yet
    assert "The latest run" in ends.looked[id].reasons[0]
    assert "ended failed" not in ends.looked[id].reasons[0]


@pytest.mark.parametrize("id", IDS)
def test_the_typical_wrong_thing_is_wrong_and_is_told(ends: Ends, id: str) -> None:
    """With the sentence that belongs to this mistake."""
    assert ends.wrong[id].verdict is Judged.wrong
    assert WRONG[id][1] in " ".join(ends.wrong[id].reasons)


@pytest.mark.parametrize("id", IDS)
def test_the_solution_is_right(ends: Ends, id: str) -> None:
    """The runs that --solution prints, with a colleague's approval where one is named."""
    assert ends.right[id].verdict is Judged.right, ends.right[id].reasons


@pytest.mark.parametrize(
    ("doubt", "says"),
    [
        ("later", "No finished run"),
        ("changed", "its folder was changed after it was sealed"),
        ("elsewhere", "it did not talk to the sandbox of this rehearsal"),
    ],
)
def test_a_run_that_vouches_for_nothing_does_not_count(ends: Ends, doubt: str, says: str) -> None:
    """One from before the rehearsal, one that was changed afterwards, one that was made on another sandbox."""
    assert ends.doubted["still"].verdict is Judged.right
    assert ends.doubted[doubt].verdict is Judged.not_yet
    assert says in " ".join(ends.doubted[doubt].reasons)
