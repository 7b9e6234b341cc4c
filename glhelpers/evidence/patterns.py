"""What a secret looks like: the table of shapes that redaction masks and the scanner reports."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

from glhelpers.evidence.patterns_services import SERVICE_KEYS

__all__ = [
    "EMAIL",
    "MASKED",
    "SECRETS",
    "SECRET_KEY",
    "SECRET_PAIR",
    "Shape",
    "masked",
    "may_hold_address",
    "may_hold_secret",
]

MASKED = "[masked:"
"""How every mask begins; a masked text holds no secret any more."""


def masked(kind: str) -> str:
    """What stands in the place of a secret of this kind."""
    return f"{MASKED} {kind}]"


def _anything(_: str) -> bool:
    return True


@dataclass(frozen=True)
class Shape:
    """
    One kind of secret; the group `secret` of the pattern is what must not be seen.

    No text matches that holds none of `needles` in lower case, or nothing like `telltale`; and a match only counts if
    `holds` says so.
    """

    kind: str
    pattern: re.Pattern[str]
    needles: tuple[str, ...]
    holds: Callable[[str], bool] = _anything
    telltale: re.Pattern[str] | None = None


# A dash, also as it looks percent-encoded, as an HTML entity, as a JSON or Python escape, or set by a typographer.
_DASH = r"(?:[-\u2010-\u2015\u2212\uff0d]|%2[dD]|&\#45;|&\#[xX]2[dD];|\\u002[dD]|\\x2[dD])"
_NOT_MASKED = r"(?!\[masked:|\*{3}|\$\{?\w|<\w)"
# `name: value`, `name=value`, "name": "value", b'name', b'value'; each also with escaped quotes.
_SEPARATED = r"""(?:\\?["']?\s*[:=]\s*b?\\?["']?|\\?["']\s*,\s*b?\\?["'])"""
_GITLAB = "pat|oas|dt|rtr|rt|cbt|ptt|ft|imt|agent|wt|soat|ffct|sdt"


# Our own pages are full of names that begin with `gl`; what looks for whole tokens need not walk through them.
_GITLAB_PREFIX = re.compile(rf"gl[a-z]{{2,6}}{_DASH}")


_LINK_WITH_PASSWORD = re.compile(r"://[^\s/@:\"'<>]*:[^\s/@\"'<>]+@")


def _shape(
    kind: str,
    needles: str,
    pattern: str,
    flags: int = 0,
    holds: Callable[[str], bool] = _anything,
    telltale: re.Pattern[str] | None = None,
) -> Shape:
    return Shape(kind, re.compile(pattern, re.VERBOSE | flags), tuple(needles.split()), holds, telltale)


def _service_key(kind: str, needles: str, pattern: str) -> Shape:
    """A key that begins with signs of its own is sought for by them first, which is quicker than to look at each word."""
    telltale = re.compile(pattern) if pattern[:2].isalpha() else None
    return _shape(kind, needles, f"(?<![A-Za-z0-9])(?P<secret>{pattern})", telltale=telltale)


def _is_user_and_password(encoded: str) -> bool:
    try:
        told = base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in told and told.isascii() and told.decode("ascii").isprintable()


def _is_mixed(value: str) -> bool:
    """Letters and digits, as in what a machine made; a word or a number is none."""
    return any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)


SECRETS: tuple[Shape, ...] = (
    _shape(
        "private key",
        "-----begin",
        r"(?P<secret>-----BEGIN[ ](?:[A-Z0-9]+[ ])*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----[^\0]*?"
        r"(?:-----END[^-]{0,60}-----|(?=\0)|\Z))",
    ),
    _shape(
        "private key",
        "putty-user-key",
        r"(?P<secret>PuTTY-User-Key-File-\d[^\0]*?(?:Private-MAC:[ ]*[0-9a-f]+|(?=\0)|\Z))",
    ),
    _shape(
        "cookie",
        "cookie",
        rf"""\b(?:set-)?cookie2?{_SEPARATED}{_NOT_MASKED}
             (?P<secret>[\w.%-]+=[^\s;,"'\\<>]{{6,}}(?:;\s*[\w.%-]+(?:=[^\s;"'\\<>]*)?)*)""",
        re.IGNORECASE,
    ),
    _shape(
        "request header",
        "authorization",
        rf"""\b(?:proxy-)?authorization{_SEPARATED}{_NOT_MASKED}
             (?P<secret>(?:(?:basic|bearer|digest|token)\s+)?(?!\[masked:)[^\s"'\\,;<>]{{6,}})""",
        re.IGNORECASE,
    ),
    _shape(
        "request header",
        "-token x-api-key",
        rf"""\b(?:private-token|job-token|deploy-token|x-customers-dot-internal-token|x-admin-token|x-gitlab-token
             |x-csrf-token|x-auth-token|x-api-key){_SEPARATED}{_NOT_MASKED}(?P<secret>[^\s"'\\,;<>]{{4,}})""",
        re.IGNORECASE,
    ),
    _shape(
        "Basic auth",
        "basic",
        rf"\bBasic\s+{_NOT_MASKED}(?P<secret>[A-Za-z0-9+/]{{8,}}={{0,2}})",
        re.IGNORECASE,
        _is_user_and_password,
    ),
    _shape(
        "bearer token",
        "bearer",
        rf"\bBearer\s+{_NOT_MASKED}(?P<secret>[\w.~+/-]{{16,}}=*)",
        re.IGNORECASE | re.ASCII,
        _is_mixed,
    ),
    _shape(
        "session cookie",
        "_session sessid sessionid remember_user_token",
        rf"\b(?:\w*_session(?:_id)?|[A-Z]*SESS(?:ION)?ID|remember_user_token)\w*{_SEPARATED}{_NOT_MASKED}(?P<secret>[\w%.~+/=-]{{8,}})",
        re.ASCII,
    ),
    _shape(
        "GitLab token",
        "gl",
        rf"""(?<![\w-])(?P<secret>[\w-]*?
             gl(?:{_GITLAB}){_DASH}(?:[\w=.\-]|{_DASH}){{16,}})""",
        re.ASCII,
        telltale=_GITLAB_PREFIX,
    ),
    _shape(
        "GitLab token",
        "gl",
        # A prefix that is newer than this list.
        rf"(?<![\w-])(?P<secret>gl[a-z]{{2,6}}{_DASH}(?=[\w-]{{0,40}}\d)(?=[\w-]{{0,40}}[A-Z])[\w=.\-]{{20,}})",
        re.ASCII,
        telltale=_GITLAB_PREFIX,
    ),
    _shape(
        "part of a GitLab token",
        "gl",
        rf"(?<![\w-])(?P<secret>[\w-]*?gl(?:{_GITLAB}){_DASH}(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w.=\-]{{8,15}})(?![\w.=\-])",
        re.ASCII,
        telltale=_GITLAB_PREFIX,
    ),
    _shape("GitLab token", "gr1348941", rf"(?P<secret>GR1348941(?:[\w=.\-]|{_DASH}){{16,}})", re.ASCII),
    _shape("JSON web token", "eyj", r"(?<![\w-])(?P<secret>eyJ[\w-]{10,}(?:\.[\w=-]{4,}){1,4}\.?)", re.ASCII),
    _shape(
        "password in a link",
        "://",
        rf"\b[a-z][a-z0-9+.-]{{1,20}}://{_NOT_MASKED}(?P<secret>[^\s/@:\"'<>]*:[^\s/@\"'<>]+)@",
        re.IGNORECASE,
        telltale=_LINK_WITH_PASSWORD,
    ),
    _shape(
        "token in hex",
        "token secret bearer oauth session",
        rf"""\b\w*(?:token|secret|bearer|oauth|session)\w*(?:{_SEPARATED}|\s+)
             (?P<secret>[0-9a-f]{{64}})(?![0-9a-f])""",
        re.IGNORECASE,
    ),
    _shape(
        "password",
        "passw pwd api_key apikey api-key client_secret secret_key access_token refresh_token private_token job_token",
        rf"""\b(?:password|passwd|pwd|api[_-]?key|client_secret|secret_key|access_token|refresh_token|private_token
             |job_token){_SEPARATED}{_NOT_MASKED}(?P<secret>[A-Za-z0-9_.~%+/=!$*-]{{8,}})(?![A-Za-z0-9_.(\[])""",
        re.IGNORECASE,
    ),
    _shape(
        "password",
        "passw",
        rf"""["']password\\?["']\s*:\s*\\?["']{_NOT_MASKED}(?P<secret>[^"'\\\n]{{4,}})""",
        re.IGNORECASE,
    ),
    _shape(
        "token",
        "token secret",
        rf"\b[\w-]{{0,40}}(?:token|secret)s?{_SEPARATED}{_NOT_MASKED}(?P<secret>[\w.~+/-]{{16,}}=*)(?![\w(\[])",
        re.IGNORECASE | re.ASCII,
        _is_mixed,
    ),
    _shape(
        "variable with a secret",
        "token= secret= password= passwd= key=",
        rf"\b[A-Z][A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD|KEY)=\\?[\"']?{_NOT_MASKED}(?P<secret>[^\s\"'\\,;<>]{{8,}})",
        re.ASCII,
    ),
    # The picture's name is a hash of the address: whoever has a guess can test it.
    _shape("hash of an address", "gravatar", r"gravatar\.com/avatar/(?P<secret>[0-9a-f]{32,64})", re.IGNORECASE),
    _shape(
        "password on a command line",
        "curl wget",
        rf"(?<![A-Za-z])(?:curl|wget)\b[^\n\0]{{0,200}}?\s(?:-u|--user)[ =]+[\"']?{_NOT_MASKED}(?P<secret>[^\s:\"']+:[^\s\"']+)",
    ),
    _shape(
        "signed address",
        "signature= sig=",
        rf"(?:X-(?:Amz|Goog)-Signature|[?&]sig(?:nature)?)={_NOT_MASKED}(?P<secret>[\w%+/.~-]{{24,}}=*)",
        re.IGNORECASE | re.ASCII,
    ),
    _shape("Zendesk token", "/token:", rf"/token:{_NOT_MASKED}(?P<secret>[A-Za-z0-9]{{20,}})"),
    *(_service_key(*one) for one in SERVICE_KEYS),
)

SECRET_KEY = re.compile(
    r"(?!ask_for_token\Z)(?:[\w-]+[_-])?(?:token|password|passwd|pwd|secret|client_secret|api[_-]?key|private[_-]?key)"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|_gitlab_session",
    re.IGNORECASE,
)
"""A name that is reason enough to hide what stands under it."""

SECRET_PAIR = re.compile(
    r"(?!ask_for_token\Z)[\w-]+[_-](?:token|password|secret|key)|password|apikey|(?:proxy-)?authorization|(?:set-)?cookie",
    re.IGNORECASE,
)
"""The same for the first of two texts, as headers and queries are told: a plain word may begin any pair."""

# A pseudonym that kept its domain, as in answers.json, names nobody any more; nor does the `git@` of a clone address.
EMAIL = re.compile(
    r"(?<![\w.+%-])(?!person-[0-9a-f]{6}@|git@[\w.-]+:)"
    r"(?P<local>[\w+%](?:[\w.+%'-]{0,255}?))(?P<at>@|%40|&#64;|&#[xX]40;|&commat;|\\u0040|\\x40|\uff20|\s?[\[(]at[\])]\s?)"
    r"(?P<domain>[^\W_](?:[\w-]{0,62})(?:\.[\w-]{1,63}){0,8}\.(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24}))(?![\w-])"
)

# What follows is no address where it was masked: `person-0a1b2c@…`.
_AT = re.compile(r"(?:@|%40|&#64;|&#[xX]40;|&commat;|\\u0040|\\x40|\uff20|[\[(]at[\])]\s?)[^\W_]")


def may_hold_address(text: str) -> bool:
    """Whether there is any sign in the text without which it holds no e-mail address; quicker than to look for one."""
    return _AT.search(text) is not None


# One of these stands, whatever the case, in every text that holds a secret, an address or the beginning of either.
_SIGNS = (
    *("@", "40", "&#64", "commat", "\uff20", "at]", "at)", "://"),
    *("token", "secret", "bearer", "basic", "cookie", "oauth", "sess", "authori", "passw", "pwd", "key", "private"),
    *("gr1348941", "eyj", "akia", "asia", "xox", "xapp-", "hvs.", "hvb.", "hvr.", "sg."),
    *("curl", "wget", "signature", "sig="),
)
_GITLAB_SIGN = re.compile(r"gl[a-z]{2,6}(?:[-%&\\\u2010-\u2015\u2212\uff0d])")
_LONG_WORD = re.compile(r"[\w+/=-]{20}")
_SHORTEST = 20
"""Signs of the shortest secret that is known by its shape alone."""


def may_hold_secret(text: str) -> bool:
    """
    Whether there is any sign in the text without which it holds neither a secret nor an address.

    Nearly every text of a run has none, so one look at the words decides whether the table is walked.
    """
    lower = text.lower()
    for sign in _SIGNS:
        if sign in lower:
            return True
    if len(text) < _SHORTEST and "gl" not in text:
        return False
    return _LONG_WORD.search(text) is not None or _GITLAB_SIGN.search(text) is not None
