"""The outbox: one holder at a time, no more notes in a minute than GitLab.com takes, nothing sent without it."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from glhelpers.actions.journal import Journal
from glhelpers.errors import BadSettings, WriteInProgress
from glhelpers.evidence.publish_outbox import Outbox, Place

HERE = Place("group/project#1", "issue 1", "run-1 force_associate")
ORIGIN = "https://gitlab.example.com"


class Clock:
    """A time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'journal.db'}"


@pytest.fixture
def outbox(url: str, clock: Clock) -> Iterator[Outbox]:
    with Outbox(url, ORIGIN, operator="ada", clock=clock, sleep=clock.sleep) as made:
        yield made


def test_no_more_notes_in_a_minute_than_are_taken(outbox: Outbox, clock: Clock) -> None:
    """150 notes in a hurry: in no minute are there more than 60, and none waits without need."""
    chance, sent = random.Random(1), []
    for _ in range(150):
        outbox.turn()
        sent.append(clock.now)
        clock.now += chance.uniform(0, 0.5)
    assert max(sum(start <= at < start + 60 for at in sent) for start in sent) == 60
    assert sent[-1] - sent[0] < 3 * 61


def test_other_services_have_a_minute_of_their_own(outbox: Outbox, url: str, clock: Clock) -> None:
    """The pace is that of one GitLab instance."""
    for _ in range(60):
        outbox.turn()
    with Outbox(url, "https://other.example.com", clock=clock, sleep=clock.sleep) as other:
        other.turn()
    assert clock.now == 1000.0
    outbox.turn()
    assert clock.now > 1060.0


def test_what_is_held_by_a_living_process_is_not_taken(outbox: Outbox) -> None:
    """The second one is told who holds it; other places are free, and so is this one afterwards."""
    with outbox.claim(HERE, "a"):
        with pytest.raises(WriteInProgress, match=r"group/project#1 right now, by ada \(process"), ExitStack() as stack:
            stack.enter_context(outbox.claim(HERE, "a"))
        with outbox.claim(Place("ticket 1", "ticket 1", HERE.run), "a"):
            pass
    with outbox.claim(HERE, "a"):
        pass


@pytest.mark.parametrize("stage", ["open", "sending"])
def test_what_a_dead_process_held_is_taken_over(outbox: Outbox, url: str, stage: str) -> None:
    """At once, or, if its text was on the way, when it cannot arrive any more; its uploads are known."""

    def die() -> None:
        with Outbox(url, ORIGIN, clock=lambda: 1000.0, sleep=lambda seconds: None) as theirs:
            claim = theirs.claim(HERE, "a")
            message = claim.__enter__()
            message.keep("page", "0", "[page](/uploads/1)")
            if stage == "sending":
                message.sending()
            os._exit(0)

    child = multiprocessing.get_context("fork").Process(target=die)
    child.start()
    child.join()
    began = outbox._clock()
    with outbox.claim(HERE, "a") as message:
        assert outbox._clock() - began == (25 if stage == "sending" else 0)
        assert message.uploaded("page", "0") == "[page](/uploads/1)"
        assert message.uploaded("page", "1") is None


def test_of_another_machine_only_time_can_tell(outbox: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claim is respected for three minutes after its last step."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
        claim = outbox.claim(HERE, "a")
        claim.__enter__()
    with pytest.raises(WriteInProgress, match="on elsewhere"), outbox.claim(HERE, "a"):
        pass
    clock.sleep(181)
    with outbox.claim(HERE, "a"):
        pass


def test_a_wait_that_a_service_asks_for_renews_what_is_on_its_way(url: str, clock: Clock) -> None:
    """After it the text leaves anew, so the time in which it may arrive begins anew."""
    with Outbox(url, ORIGIN, in_flight=timedelta(seconds=5), clock=clock, sleep=clock.sleep) as outbox:
        with outbox.claim(HERE, "a") as message:
            message.sending()
            message.pause(50)
        began = clock.now
        with outbox.claim(HERE, "a"):
            assert clock.now - began == 5


def test_it_shares_the_database_of_the_journal(outbox: Outbox, url: str) -> None:
    """The journal's rows and their chain are not touched by it."""
    journal = Journal(url)
    with outbox.claim(HERE, "a") as message:
        message.settle(7)
    assert outbox.look(HERE).message_id == 7
    assert journal.first_broken_row() is None
    assert list(journal.entries()) == []
    journal.close()


@pytest.mark.parametrize("url", ["sqlite:////proc/nowhere/journal.db", "mysql://localhost/x"])
def test_without_an_outbox_nothing_is_attached(url: str) -> None:
    """One sentence says where to look."""
    with pytest.raises(BadSettings):
        Outbox(url, ORIGIN)


def test_a_database_that_breaks_is_told_in_a_sentence(outbox: Outbox, url: str) -> None:
    """Nothing is sent on from there."""
    with sa.create_engine(url).begin() as connection:
        connection.exec_driver_sql("DROP TABLE outbox")
    with pytest.raises(BadSettings, match="outbox"), outbox.claim(HERE, "a"):
        pass
