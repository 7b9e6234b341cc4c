"""
What a seal is made of: an in-toto statement about the files of a run folder, and the DSSE envelope that signs its bytes.

Both have exactly one form in bytes, canonical JSON; whatever differs by a byte is not one of ours.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import rfc8785
from pydantic import AfterValidator, Field, ValidationError

from glhelpers.evidence.text import one_line
from glhelpers.models.base import OwnModel, Texts

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signer

__all__ = [
    "ENVELOPE",
    "MANIFEST",
    "Digest",
    "JournalRows",
    "Predicate",
    "Resealed",
    "Size",
    "Statement",
    "Subject",
    "may_be_named",
    "read_envelope",
    "read_statement",
    "signed",
]

MANIFEST = "manifest.json"
"""The statement, in a run folder."""

ENVELOPE = "manifest.dsse.json"
"""The same bytes, signed."""

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_SHA256 = r"^[0-9a-f]{64}$"


def may_be_named(name: str) -> bool:
    """Whether a file can stand in a manifest: it lies in the folder itself, and its name can be shown as it is."""
    return name == one_line(name) and name not in ("", ".", "..") and "/" not in name and "\\" not in name


def _plain(name: str) -> str:
    if not may_be_named(name):
        raise ValueError("no name of a file in the folder")
    return name


class Digest(OwnModel):
    """SHA-256 in hex digits."""

    sha256: str = Field(pattern=_SHA256)


class Size(OwnModel):
    """Bytes of a file."""

    size: int = Field(ge=0, strict=True)


class Subject(OwnModel):
    """One file: its name in the folder, its digest, its size."""

    name: Annotated[str, AfterValidator(_plain)]
    digest: Digest
    annotations: Size


class JournalRows(OwnModel):
    """
    What the journal held about one write when the folder was sealed: a digest over its first `rows` rows.

    `intent_digest` is the id of the write's intent, which is a digest over plan and approval.
    """

    intent_digest: str
    rows: int = Field(ge=1)
    sha256: str = Field(pattern=_SHA256)


class Resealed(OwnModel):
    """That files were taken in after the run had ended: which, and by which seal the folder was sealed before."""

    added: Texts
    manifest_sha256: str | None
    keyid: str | None


class Predicate(OwnModel):
    """
    What is said of the run beside its files; `keyid` is the key that signs, None for nobody.

    `journal` is None where the journal could not be read, and empty where the run wrote nothing.
    """

    run_id: str
    runbook: str
    runbook_sha256: str | None
    rules_sha256: str
    glhelpers: str
    status: str
    complete: bool
    profile: str
    production: bool
    operator: str
    started_at: str
    ended_at: str | None
    plan_digest: str | None
    journal: tuple[JournalRows, ...] | None
    keyid: str | None
    resealed: Resealed | None = None


class Statement(OwnModel):
    """An in-toto statement, version 1."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field("https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:glhelpers:run:1"] = Field("urn:glhelpers:run:1", alias="predicateType")
    predicate: Predicate

    def as_bytes(self) -> bytes:
        """The one form of this statement in bytes."""
        return rfc8785.dumps(self.model_dump(mode="json", by_alias=True))


def read_statement(content: bytes) -> Statement | None:
    """The statement, None if these bytes are not exactly how it is written, each file named once."""
    try:
        statement = Statement.model_validate_json(content)
        names = [subject.name for subject in statement.subject]
        exact = rfc8785.dumps(json.loads(content)) == content and len(set(names)) == len(names)
    except (ValidationError, ValueError, RecursionError, rfc8785.CanonicalizationError):
        return None
    return statement if exact else None


def signed(payload: bytes, signer: Signer) -> bytes:
    """The envelope of these bytes under this key."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, _PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return rfc8785.dumps(envelope.to_dict())


def read_envelope(content: bytes) -> tuple[Envelope, str] | None:
    """
    The envelope and the id of the one key that has signed it, not verified yet; None if it is none.

    Base64 with stray bits, members nobody asked for, other white space: an envelope is written in one way.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError
    from securesystemslib.signer import Signature

    try:
        told: Any = json.loads(content)
        (one,) = told["signatures"]
        signature = Signature(str(one["keyid"]), base64.b64decode(one["sig"], validate=True).hex())
        payload = base64.b64decode(told["payload"], validate=True)
        envelope = Envelope(payload, str(told["payloadType"]), {signature.keyid: signature})
        exact = rfc8785.dumps(envelope.to_dict()) == content
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, FormatError):
        return None
    except rfc8785.CanonicalizationError:
        return None
    return (envelope, signature.keyid) if exact and envelope.payload_type == _PAYLOAD_TYPE else None
