"""What a run was told, kept in its folder: redacted, and only as much as an issue takes."""

from __future__ import annotations

import json

from glhelpers.clients.tape import TAPE, Recorder, Tape
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.personal import Masking
from glhelpers.evidence.redact import redact_json
from glhelpers.models.sheet import PortalSheet

__all__ = ["SHEET", "keep_answers"]

SHEET = "portal_facts.json"
"""What a person looked up by hand, in a run folder."""

_REPLAYABLE = Masking(domains=True)
"""Of an address the domain stays, since rules compare domains, and who it is does not."""

_MOST = 600_000
"""Bytes: a bundle stays under 1 MB."""


def keep_answers(folder: RunFolder, recorder: Recorder, sheet: PortalSheet | None) -> None:
    """Write `answers.json`, and what was looked up by hand, so that the run can be replayed."""
    heard = redact_json([one.model_dump(mode="json") for one in recorder.heard], _REPLAYABLE)
    tape = {"format": Tape.model_fields["format"].default, "whole": True, "heard": heard}
    text = json.dumps(tape, ensure_ascii=False, separators=(",", ":"))
    if len(text) > _MOST:
        text = json.dumps({**tape, "whole": False, "heard": []})
    folder.write_text(TAPE, text + "\n")
    if sheet is not None:
        folder.write_json(SHEET, redact_json(sheet.model_dump(mode="json")))
