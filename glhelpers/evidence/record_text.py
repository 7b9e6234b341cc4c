"""The text of `record.json`, made many times in a run: a part that has not changed since is not made again."""

from __future__ import annotations

from dataclasses import dataclass, field

from glhelpers.evidence.redact import knowledge, redact_json
from glhelpers.evidence.text import readable_json
from glhelpers.models.record import RunRecord

__all__ = ["RecordText"]


@dataclass
class RecordText:
    """Remembers the redacted text of each part, for as long as nothing more is known that must not be seen."""

    _parts: dict[str, tuple[object, str]] = field(default_factory=dict)
    _known: object = None

    def of(self, record: RunRecord) -> str:
        """What `RunFolder.write_record` writes for the record."""
        if (known := knowledge()) != self._known:
            self._parts.clear()
            self._known = known
        parts = ",\n".join(self._part(record, name) for name in type(record).model_fields)
        return f"{{\n{parts}\n}}\n"

    def _part(self, record: RunRecord, name: str) -> str:
        value = getattr(record, name)
        known = self._parts.get(name)
        if known is None or not _same(known[0], value):
            plain = redact_json(record.model_dump(mode="json", include={name}))
            text = readable_json(plain)
            known = self._parts[name] = (value, text.removeprefix("{\n").removesuffix("\n}"))
        return known[1]


def _same(one: object, other: object) -> bool:
    """Whether both have the same text for certain: a record's models are frozen, so the same object has."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return one is other or (isinstance(one, str | int) and type(one) is type(other) and one == other)
