"""What an attach says of itself, and that a dry run leaves no byte out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glhelpers.evidence.attach_words import done, would_send
from glhelpers.evidence.personal import Destination
from glhelpers.evidence.publish import Attached, SentFile

FILE = SentFile("evidence.zip", 34567, "ab" * 32)
NOTE = Attached(
    destination=Destination.issue,
    place="group/project#5",
    action="created",
    message_id=12,
    url="https://gitlab.com/group/project/-/issues/5#note_12",
    body="### A run\n\n| a | b |\n\n<!-- mark -->\n",
    files=(FILE,),
)
COMMENT = replace(
    NOTE,
    destination=Destination.ticket,
    place="ticket 1005",
    url="https://gitlab.zendesk.com/agent/tickets/1005",
    body="A run\nFiles: evidence.zip",
)


@pytest.mark.parametrize(
    ("told", "action", "marks", "says"),
    [
        (NOTE, "created", (), "One internal note was added: https://gitlab.com/group/project/-/issues/5#note_12"),
        (NOTE, "updated", ("L&R",), "The note was brought up to date; label added: L&R: https://"),
        (NOTE, "unchanged", (), "The note is there already; nothing was sent: https://"),
        (NOTE, "unchanged", ("L&R",), "The note is there already; label added: L&R: https://"),
        (COMMENT, "created", ("a", "b"), "One private comment was added; tags added: a, b: https://"),
        (COMMENT, "updated", (), "One more private comment was added, which says that it replaces the earlier one: "),
        (COMMENT, "unchanged", (), "The comment is there already; nothing was sent: https://"),
    ],
)
def test_what_was_done(told: Attached, action: str, marks: tuple[str, ...], says: str) -> None:
    """One sentence with the address."""
    assert done(replace(told, action=action, marks=marks)).startswith(says)  # type: ignore[arg-type]


@pytest.mark.parametrize("told", [NOTE, COMMENT], ids=["issue", "ticket"])
def test_a_dry_run_shows_every_byte(told: Attached) -> None:
    """Files with size and digest, labels or tags, notices, and the text between two lines of dashes, unchanged."""
    lines = list(would_send(replace(told, marks=("x",), notices=("Heed this.",), dry_run=True)))
    text = "\n".join(lines)
    assert f"  file   evidence.zip  34,567 bytes  sha256 {'ab' * 32}" in lines
    assert ("  label  x" in lines, "  tag    x" in lines) == (told is NOTE, told is COMMENT)
    assert "  note   Heed this." in lines
    assert text.split("-" * 80)[1] == f"\n{told.body.rstrip()}\n"


def test_an_upload_of_an_earlier_attach_is_told() -> None:
    """It is not sent again."""
    lines = list(would_send(replace(NOTE, files=(replace(FILE, again=False),))))
    assert any(line.endswith(", uploaded before") for line in lines)
    assert not any("zeros" in line for line in lines)


@pytest.mark.parametrize("told", [NOTE, COMMENT], ids=["issue", "ticket"])
def test_where_nothing_changed_a_dry_run_shows_no_text(told: Attached) -> None:
    """Only what would be sent is shown."""
    first, marks = would_send(replace(told, action="unchanged", files=()))
    assert "no file and no text would be sent" in first
    assert marks.endswith("none to add")
