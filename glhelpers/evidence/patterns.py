"""What a secret looks like: the table of shapes that redaction masks and the scanner reports."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["EMAIL", "MASKED", "SECRETS", "SUSPICIOUS", "Shape", "masked"]

MASKED = "[masked:"
"""How every mask begins; a masked text holds no secret any more."""


def masked(kind: str) -> str:
    """What stands in the place of a secret of this kind."""
    return f"{MASKED} {kind}]"


@dataclass(frozen=True)
class Shape:
    """One kind of secret; the group `secret` of the pattern is what must not be seen."""

    kind: str
    pattern: re.Pattern[str]


# A dash, also as it looks percent-encoded, as an HTML entity or as a JSON or Python escape.
_DASH = r"(?:-|%2[dD]|&\#45;|&\#[xX]2[dD];|\\u002[dD]|\\x2[dD])"
_NOT_MASKED = r"(?!\[masked:)"
_SEPARATED = r"""\\?["']?\s*[:=]\s*\\?["']?"""


def _shape(kind: str, pattern: str, flags: int = 0) -> Shape:
    return Shape(kind, re.compile(pattern, re.VERBOSE | flags))


SECRETS: tuple[Shape, ...] = (
    _shape(
        "private key",
        r"(?P<secret>-----BEGIN[ ](?:[A-Z0-9]+[ ])*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----.*?(?:-----END[^-]{0,60}-----|\Z))",
        re.DOTALL,
    ),
    _shape(
        "request header",
        rf"""\b(?:proxy-)?authorization{_SEPARATED}{_NOT_MASKED}
             (?P<secret>(?:(?:basic|bearer|digest|token)\s+)?[^\s"'\\,;<>]{{6,}})""",
        re.IGNORECASE,
    ),
    _shape(
        "request header",
        rf"""\b(?:private-token|job-token|deploy-token|x-customers-dot-internal-token|x-admin-token|x-gitlab-token)
             {_SEPARATED}{_NOT_MASKED}(?P<secret>[^\s"'\\,;<>]{{4,}})""",
        re.IGNORECASE,
    ),
    _shape("session cookie", rf"\b_gitlab_session\w*{_SEPARATED}{_NOT_MASKED}(?P<secret>[\w%.~+/=-]{{8,}})"),
    _shape(
        "GitLab token",
        rf"""(?<![\w-])(?P<secret>[\w-]*?
             gl(?:pat|oas|dt|rtr|rt|cbt|ptt|ft|imt|agent|wt|soat|ffct|sdt){_DASH}(?:[\w=.\-]|{_DASH}){{16,}})""",
        re.ASCII,
    ),
    _shape("GitLab token", rf"(?P<secret>GR1348941(?:[\w=.\-]|{_DASH}){{16,}})", re.ASCII),
    _shape("JSON web token", r"(?<![\w-])(?P<secret>eyJ[\w-]{10,}(?:\.[\w=-]{4,}){1,4}\.?)", re.ASCII),
    _shape(
        "password in a link", rf"\b[a-z][a-z0-9+.-]{{1,20}}://{_NOT_MASKED}(?P<secret>[^\s/@:\"'<>]*:[^\s/@\"'<>]+)@"
    ),
    _shape(
        "token in hex",
        rf"""\b\w*(?:token|secret|bearer|oauth|session)\w*(?:{_SEPARATED}|\s+)
             (?P<secret>[0-9a-f]{{64}})(?![0-9a-f])""",
        re.IGNORECASE,
    ),
    _shape(
        "password",
        rf"""\b(?:password|passwd|api_?key|client_secret|secret_key|access_token|refresh_token|private_token|job_token)
             {_SEPARATED}{_NOT_MASKED}(?P<secret>[A-Za-z0-9_.~%+/=!$*-]{{8,}})(?![A-Za-z0-9_.(\[])""",
        re.IGNORECASE,
    ),
    _shape("Zendesk token", rf"/token:{_NOT_MASKED}(?P<secret>[A-Za-z0-9]{{20,}})"),
    _shape("cloud key", r"\b(?P<secret>A[KS]IA[A-Z0-9]{16}|AIza[\w-]{35}|xox[abposr]-[\w-]{10,}|gh[pousr]_\w{36,})"),
)

# A pseudonym that kept its domain, as in answers.json, names nobody any more.
EMAIL = re.compile(
    r"(?<![\w.+%-])(?!person-[0-9a-f]{6}@)(?P<local>[\w.+%'-]{1,256}?)(?P<at>@|%40|&#64;|&#[xX]40;|\\u0040|\\x40)"
    r"(?P<domain>[^\W_](?:[\w-]{0,62})(?:\.[\w-]{1,63}){0,8}\.[^\W\d_]{2,24})(?![\w-])"
)

# Nearly every text of a run holds nothing of the kind: one look decides whether the table is walked.
SUSPICIOUS = re.compile(
    r"@|40|gl[a-z]{2,5}(?:[-%&\\])|GR1348941|eyJ|://|PRIVATE|(?i:token|secret|bearer|oauth|session|authori[sz]ation|passw|key)"
    r"|AKIA|ASIA|AIza|xox|gh[pousr]_|[A-Za-z0-9+/_=-]{24}"
)
