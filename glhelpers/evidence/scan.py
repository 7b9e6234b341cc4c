"""
The scanner that stands before every way out: what is still secret or personal in a finished bundle, and where.

Nothing it finds is ever shown: a hit is a kind and a place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glhelpers.errors import BadPlanFile
from glhelpers.evidence.personal import Destination, Level, Masking, masking_at, pseudonyms_in, stricter
from glhelpers.evidence.redact import redact_json, redact_text
from glhelpers.evidence.scan_find import found_in
from glhelpers.evidence.scan_random import our_values, random_strings
from glhelpers.evidence.scan_read import Piece, pieces
from glhelpers.evidence.scan_rules import SECOND

__all__ = ["Hit", "outgoing", "refuse_hits", "scan_bundle", "scan_files", "scan_sent"]

_MASKED = Masking()
_ANYTHING_PERSONAL = Masking(addresses=Level.full, names=Level.full)
_TOLD = 5
_NEXT = "Revoke what was a live token, then run the runbook again so that new evidence is written."


@dataclass(frozen=True, order=True)
class Hit:
    """Something that must not leave: of what kind, and where it stands, never what it is."""

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.place}"


def scan_bundle(folder: Path, masking: Masking = _MASKED) -> tuple[Hit, ...]:
    """
    Every secret and every personal value in the files of a run folder, folders in it included.

    File names count as text.  An empty answer is what publishing asks for.
    """
    return scan_files(_files_of(folder), masking)


def scan_files(files: Mapping[str, bytes], masking: Masking = _MASKED) -> tuple[Hit, ...]:
    """The same for files in memory: name, and content as it would be sent."""
    read: list[Piece] = []
    for number, (name, content) in enumerate(files.items(), 1):
        shown = redact_text(name)
        read.append(Piece(f"the name of file {number}", name))
        read += pieces(shown, content)
    hits: dict[Hit, None] = {}
    for piece, kind, line in [*_found(read, masking), *_random(read)]:
        several = "\n" in piece.text.strip() and ", line " not in piece.place
        place = f"{piece.place}, line {line}" if several else piece.place
        hits[Hit(kind, redact_text(place))] = None
    told = {hit.place for hit in hits if not hit.kind.startswith(SECOND)}
    return tuple(hit for hit in hits if hit.place not in told or not hit.kind.startswith(SECOND))


def outgoing(files: Mapping[str, bytes], destination: Destination) -> dict[str, bytes]:
    """
    The files as the destination may see them: as they lie on disk, unless its policy is the stricter one.

    Only then a copy is made that is masked further; the files on disk stay as they were written.
    """
    there, here = masking_at(destination), masking_at(Destination.disk)
    if stricter(there, here) == here:
        return dict(files)
    return {name: _masked_copy(name, content, there) for name, content in files.items()}


def scan_sent(folder: Path, files: Mapping[str, bytes], destination: Destination) -> tuple[Hit, ...]:
    """
    What forbids sending these files of a run folder to the destination.

    No secret may stand in any file of the folder, sent or not; personal values only count in what is sent.
    """
    there, here = masking_at(destination), masking_at(Destination.disk)
    rest = {name: content for name, content in _files_of(folder).items() if name not in files}
    if stricter(there, here) == here:
        return scan_files({**files, **rest}, there)
    return (*scan_files(files, there), *scan_files(rest, _ANYTHING_PERSONAL))


def refuse_hits(what: str, hits: Sequence[Hit]) -> None:
    """Raise `BadPlanFile`, which names every place and no value, if there is a hit."""
    if not hits:
        return
    told = "; ".join(str(hit) for hit in hits[:_TOLD])
    more = f"; and {len(hits) - _TOLD} more" if len(hits) > _TOLD else ""
    raise BadPlanFile(f"Nothing was sent: in {what} stands what must not leave: {told}{more}.", next_step=_NEXT)


def _files_of(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _masked_copy(name: str, content: bytes, masking: Masking) -> bytes:
    text = content.decode("utf-8", "replace")
    if name.endswith((".json", ".ipynb")):
        return (json.dumps(redact_json(json.loads(text), masking), indent=1, ensure_ascii=False) + "\n").encode()
    return redact_text(text, masking).encode()


def _found(read: Sequence[Piece], masking: Masking) -> list[tuple[Piece, str, int]]:
    """Hits by what a text says. Of a file as it stands only what its decoded texts have not told."""
    people = pseudonyms_in(piece.text for piece in read)
    found = []
    for raw in (False, True):
        places: dict[str, list[Piece]] = {}
        for piece in read:
            if piece.raw is raw and piece.text.strip():
                places.setdefault(piece.text, []).append(piece)
        texts = list(places)
        hits = found_in(texts, masking, people, decode=not raw)
        found += [(piece, kind, line) for index, kind, line in hits for piece in places[texts[index]]]
    found += [(piece, "value under a telling name", 1) for piece in read if piece.telling]
    known = {(part, kind) for piece, kind, _ in found if not piece.raw for part in _around(piece.place)}
    return [one for one in found if not one[0].raw or (one[0].place, one[1]) not in known]


def _random(read: Sequence[Piece]) -> list[tuple[Piece, str, int]]:
    """Strings that look drawn by lot, where none of ours stands."""
    ours = our_values(read)
    judged: dict[str, list[tuple[str, int]]] = {}
    hits = []
    for piece in read:
        if piece.raw or len(piece.text) < 20:
            continue
        if piece.text not in judged:
            judged[piece.text] = list(random_strings(piece.text, ours))
        hits += [(piece, kind, piece.text.count("\n", 0, at) + 1) for kind, at in judged[piece.text]]
    return hits


def _around(place: str) -> list[str]:
    """The places that this one is a part of: `a, cell 4, output 2` is in `a, cell 4` and in `a`."""
    parts = place.split(", ")
    return [", ".join(parts[:size]) for size in range(1, len(parts) + 1)]
