"""What a run was told, kept in its folder: redacted, and only as much as an issue takes."""

from __future__ import annotations

import json
from typing import Any

from glhelpers.clients.tape import TAPE, Recorder, Tape
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.patterns import EMAIL
from glhelpers.evidence.redact import redact_json, redact_text
from glhelpers.models.sheet import PortalSheet

__all__ = ["SHEET", "keep_answers"]

SHEET = "portal_facts.json"
"""What a person looked up by hand, in a run folder."""

_MOST = 600_000
"""Bytes: a bundle stays under 1 MB."""


def keep_answers(folder: RunFolder, recorder: Recorder, sheet: PortalSheet | None) -> None:
    """Write `answers.json`, and what was looked up by hand, so that the run can be replayed."""
    heard = _masked([one.model_dump(mode="json") for one in recorder.heard])
    tape = {"format": Tape.model_fields["format"].default, "whole": True, "heard": heard}
    text = json.dumps(tape, ensure_ascii=False, separators=(",", ":"))
    if len(text) > _MOST:
        text = json.dumps({**tape, "whole": False, "heard": []})
    folder.write_text(TAPE, text + "\n")
    if sheet is not None:
        folder.write_json(SHEET, redact_json(sheet.model_dump(mode="json")))


def _masked(value: Any) -> Any:
    """The value redacted; of an address the domain stays, since rules compare domains, and who it is does not."""
    match value:
        case str() if (found := EMAIL.search(value)) is not None:
            rest = _masked(value[found.end() :])
            who = redact_text(found[0]).partition("@")[0]
            return f"{redact_text(value[: found.start()])}{who}@{found[0].rpartition('@')[2]}{rest}"
        case str():
            return redact_text(value)
        case dict():
            return {
                name: redact_json({name: item})[name] if _is_secret(name, item) else _masked(item)
                for name, item in value.items()
            }
        case list() | tuple():
            return [_masked(item) for item in value]
        case _:
            return value


def _is_secret(name: str, item: Any) -> bool:
    """Whether the name alone is a reason to mask the value."""
    return (
        name in redact_json({name: item})
        and isinstance(item, str)
        and redact_json({name: item})[name] != redact_text(item)
    )
