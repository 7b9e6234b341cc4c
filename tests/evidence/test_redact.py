"""Redaction: every kind of secret in every kind of place is masked, and what is no secret stays."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from glhelpers.evidence.redact import (
    find_secrets,
    find_secrets_in_json,
    redact_json,
    redact_text,
    register_secret,
    use_pseudonym_key,
)
from glhelpers.evidence.text import clean_text, one_line

BODY = "a1B2c3D4e5F6g7H8i9J0"
KINDS = {
    **{
        prefix: f"{prefix}-{BODY}"
        for prefix in (
            "glpat gloas gldt glrt glrtr glcbt glptt glft glimt glagent glwt glsoat glffct".split()  # noqa: SIM905
        )
    },
    "routable": f"glpat-{BODY}{BODY}.01.0z1abcdef",
    "own prefix": f"acme-glpat-{BODY}",
    "own prefix, no dash": f"acmeglpat-{BODY}",
    "registration": f"GR1348941{BODY}",
    "dash percent-encoded": f"glpat%2D{BODY}",
    "dash as entity": f"glpat&#45;{BODY}",
    "JSON web token": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{BODY}",
    "in base64": base64.b64encode(f"user:glpat-{BODY}".encode()).decode(),
    "cut by zero width": f"glpat-{BODY[:8]}\u200b{BODY[8:]}",
    "cut by a colour code": f"glpat-{BODY[:8]}\x1b[31m{BODY[8:]}",
    "e-mail address": "dana.reader@mail.example.com",
    "e-mail address, encoded": "dana.reader%40mail.example.com",
}
CONTEXTS = {
    "header": ("Authorization: Bearer {}", f"{BODY}xyz"),
    "header in a dictionary": ("{{'PRIVATE-TOKEN': '{}'}}", f"{BODY}xyz"),
    "header escaped in JSON": ('{{\\"Authorization\\": \\"Basic {}\\"}}', f"{BODY}xyz"),
    "internal header": ("X-CUSTOMERS-DOT-INTERNAL-TOKEN: {}", f"{BODY}xyz"),
    "cookie": ("Cookie: _gitlab_session={}; path=/", "0f" * 16),
    "password in a link": ("https://robin:{}@git.example.com/x", "s3cretword"),
    "query": ("GET https://example.com/?private_token={}&x=1", f"{BODY}xyz"),
    "hex after token": ("access token: {}", "0a1b2c3d" * 8),
    "Zendesk": ("me@example.com/token:{}", BODY * 2),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", f"MIIE{BODY}"),
}
PLACES = {
    "alone": "{}",
    "in a sentence": "It was {}, they said.",
    "quoted": '"{}"',
    "after a newline": "one\n{}\nthree",
    "in a link": "https://example.com/?q={}&z=1",
    "in a table": "| {} | x |",
    "in HTML": "<td>{}</td>",
    "in a traceback": "ValueError: bad value '{}'",
}
HARMLESS = (
    "plan digest 063d28abaa87892cdea1f6089a8464c4350e76460248b071cd2353f7334e76cd",
    '"plan_digest": "063d28abaa87892cdea1f6089a8464c4350e76460248b071cd2353f7334e76cd"',
    "sha256:063d28abaa87892cdea1f6089a8464c4350e76460248b071cd2353f7334e76cd",
    "https://gitlab.zendesk.com/agent/tickets/401001",
    "https://handbook.gitlab.com/handbook/support/#force-associate-saas-subscription",
    "A-S00041001 on northwind-labs, order 7001, run 20261123T044023.123456Z",
    "The token may not see billing; ask for scope api.",
    "GitLab.com answered 401: the token is missing, expired or revoked.",
    "from glhelpers.runbook import open_runbook",
    "run = open_runbook('force_associate', namespace=namespace)",
    "zürich-größe 東京 café",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_secret_survives_in_any_place(kind: str, place: str) -> None:
    """A secret is gone after redaction, was reported before it, and is not reported after it."""
    text = PLACES[place].format(KINDS[kind])
    shown = redact_text(text)
    assert BODY[:8] not in shown
    assert "dana" not in shown
    assert find_secrets(text)
    assert find_secrets(shown) == []
    assert redact_text(shown) == shown


@pytest.mark.parametrize("context", CONTEXTS)
def test_what_only_its_surroundings_give_away_is_masked(context: str) -> None:
    """A value behind a telling name is masked though it has no shape of its own; the name stays."""
    template, secret = CONTEXTS[context]
    shown = redact_text(template.format(secret))
    assert secret not in shown
    assert "[masked: " in shown
    assert find_secrets(template.format(secret))
    assert find_secrets(shown) == []


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    """Digests, links, names and plain sentences of a run are neither masked nor reported."""
    assert redact_text(text) == text
    assert find_secrets(text) == []


@pytest.mark.parametrize("lead", ["", "x", "xy"])
@pytest.mark.parametrize(
    "encode",
    [
        str,
        lambda text: quote(text, safe=""),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        lambda text: json.dumps(text),
        html.escape,
        lambda text: text.encode().hex(),
    ],
    ids=["plain", "percent", "base64", "base64url", "JSON", "HTML", "hex"],
)
def test_a_token_in_use_is_known_in_every_encoding(encode: object, lead: str) -> None:
    """A registered secret has no shape at all, and is masked all the same, wherever in a text it was encoded."""
    secret = 'sandbox "odd" & <token>/+ 1234'
    register_secret(SecretStr(secret))
    text = encode(f"{lead}{secret}y")  # type: ignore[operator]
    assert find_secrets(text)
    shown = redact_text(text)
    assert "[masked: token in use]" in shown
    assert "odd" not in shown


def test_a_hit_never_holds_the_value() -> None:
    """The scanner names kind and place only."""
    hits = find_secrets_in_json({"cells": [{"outputs": [{"text": f"ok\nglpat-{BODY}"}]}]})
    assert [(hit.kind, hit.where) for hit in hits] == [("GitLab token", "cells[0].outputs[0].text, line 2")]
    assert BODY not in repr(hits)


def test_the_same_address_reads_the_same_and_another_does_not() -> None:
    """A pseudonym depends on the address alone, not on its case, its encoding or the text around it."""
    one = redact_text("dana@example.com wrote; DANA@EXAMPLE.COM answered; dana%40example.com").split()
    assert one[0] == one[2] == one[4]
    assert one[0].startswith("person-")
    assert redact_text("dan@example.com") != one[0]


def test_a_key_of_ones_own_gives_other_pseudonyms() -> None:
    """Who does not know the key cannot test a guess."""
    before = redact_text("dana@example.com")
    use_pseudonym_key(b"a key of a team")
    try:
        assert redact_text("dana@example.com") != before
    finally:
        use_pseudonym_key(b"glhelpers.pseudonym/1")


def test_json_is_redacted_in_values_keys_and_under_telling_names() -> None:
    """Structure and everything that is not text stay as they are."""
    value = {"n": 1, "ok": True, "none": None, "private_token": "short", f"glpat-{BODY}": ["dana@example.com", 2.5]}
    shown = redact_json(value)
    assert shown["n"] == 1
    assert shown["ok"] is True
    assert shown["none"] is None
    assert shown["private_token"] == "[masked: private_token]"
    assert BODY not in json.dumps(shown)
    assert find_secrets_in_json(shown) == []


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[2J\x1b[1;1Hclean", "clean"),
        ("\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("\x9b31mred", "red"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("no\u200bthing\ufeff", "nothing"),
        ("tag\U000e0041s", "tags"),
        ("bell\x07null\x00del\x7f", "bellnulldel"),
        ("two\r\nlines\u2028more\x85end", "two\nlines\nmore\nend"),
        ("half \ud83d pair", "half \ufffd pair"),
    ],
)
def test_text_of_a_server_is_made_harmless_to_look_at(hostile: str, harmless: str) -> None:
    """Nothing is left that moves the cursor, hides a character or turns a line round."""
    assert clean_text(hostile) == harmless


def test_one_line_is_one_line() -> None:
    """Every kind of white space becomes one space."""
    assert one_line(" a\n\tb\r\n  c ") == "a b c"


@given(st.text(max_size=300))
def test_redaction_is_done_after_one_pass(text: str) -> None:
    """Whatever the text, a second pass finds nothing more to do, and the result can be written as UTF-8."""
    shown = redact_text(text)
    assert redact_text(shown) == shown
    shown.encode()


def test_a_long_text_takes_no_long_time() -> None:
    """A megabyte of letters, of digits or of dashes does not make a pattern run away."""
    for piece in ("a", "gl", "eyJ", "0f", "-", "x@", "a.", "%40", "token: "):
        text = piece * (200_000 // len(piece))
        assert isinstance(redact_text(text), str)
