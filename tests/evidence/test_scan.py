"""The scanner over a finished bundle: nothing planted is missed, wherever and however, and the value is never shown."""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from planted import KINDS, PLACES, TOKEN, notebook, png
from pydantic import SecretStr
from walks import approved, walk

from glhelpers.errors import BadPlanFile
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.notebook import finished_notebook
from glhelpers.evidence.page import html_page
from glhelpers.evidence.redact import find_secrets, forget_secrets, register_secret
from glhelpers.evidence.scan import Hit, refuse_hits, scan_bundle, scan_files
from glhelpers.models.record import RunRecord

REFERENCE = Path(__file__).parents[1] / "reference" / "force_associate.ipynb"
DIGEST = "063d28abaa87892cdea1f6089a8464c4350e76460248b071cd2353f7334e76cd"
PICTURE = base64.b64encode(png((b"IDAT", bytes(range(256)) * 9))).decode()


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """What a test makes known is forgotten after it."""
    yield
    forget_secrets()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_planted_is_missed_anywhere(kind: str) -> None:
    """A secret of each kind in each place is a hit in exactly its file, and no hit repeats it."""
    secret = KINDS[kind]
    for place, bundle in PLACES.items():
        hits = scan_files(bundle(secret))
        assert hits, place
        assert secret not in repr(hits), place
        assert len(secret) < 20 or secret[6:20] not in repr(hits), place


DISGUISES: dict[str, Callable[[str], str]] = {
    "percent": lambda text: quote(text.replace("-", "%2D"), safe="%"),
    "percent, every letter": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent, twice": lambda text: quote(quote(text.replace("-", "%2D"), safe=""), safe=""),
    "entities": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "entities in hex": lambda text: "".join(f"&#x{ord(sign):x};" for sign in text),
    "JSON escapes": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
    "Python escapes": lambda text: "".join(f"\\x{ord(sign):02x}" for sign in text),
    "JSON within JSON": lambda text: json.dumps(json.dumps({"a": text.replace("-", "\\u002d")})),
    **{
        f"base64, {shift} before": (
            lambda text, shift=shift: base64.b64encode(b"seen"[:shift] + text.encode()).decode()
        )
        for shift in range(3)
    },
    "base64 for links": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base64 in a link": lambda text: quote(base64.b64encode(f"user:{text}".encode()).decode(), safe=""),
    "packed, then base64": lambda text: base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex with spaces": lambda text: text.encode().hex(" ").upper(),
    "zero width between all": lambda text: "\u200b".join(text),
    "soft hyphen": lambda text: f"{text[:9]}\u00ad{text[9:]}",
    "colour code": lambda text: f"{text[:9]}\x1b[31m{text[9:]}\x1b[0m",
    "window title between": lambda text: f"{text[:9]}\x1b]0;x\x07{text[9:]}",
    "turned round by marks": lambda text: f"\u202a{text[:9]}\u202c{text[9:]}",
    "added up": lambda text: f'"{text[:9]}" + "{text[9:]}"',
    "side by side": lambda text: f"'{text[:9]}' '{text[9:]}'",
    "a list of signs": lambda text: json.dumps(list(text)),
    "a pair": lambda text: str((text[:9], text[9:])),
    "line broken by a backslash": lambda text: f"{text[:9]}\\\n{text[9:]}",
    "line broken by a terminal": lambda text: f"{text[:15]}\n    {text[15:]}",
    "spelled": " ".join,
    "bold in the middle": lambda text: f"{text[:9]}<b>{text[9:15]}</b>{text[15:]}",
    "a place to break": lambda text: f"{text[:9]}<wbr>{text[9:]}",
    "wide letters": lambda text: "".join(chr(ord(sign) + 0xFEE0) if sign > " " else sign for sign in text),
    "a typographer's hyphen": lambda text: text.replace("-", "\u2011"),
    "quoted printable": lambda text: codecs.encode(text.encode(), "quopri").decode(),
    "cut off": lambda text: f"{text[:18]}…",
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_hides_a_token(disguise: str) -> None:
    """Encoded, split or interrupted, in plain text and in HTML, a token is still one."""
    text = DISGUISES[disguise](TOKEN)
    for mime in ("text/plain", "text/html"):
        shown = {"output_type": "display_data", "metadata": {}, "data": {mime: f"seen {text} here"}}
        assert scan_files(notebook(output=shown)), mime


@pytest.mark.parametrize(
    "disguise", [name for name in DISGUISES if name not in ("quoted printable", "spelled", "cut off")]
)
def test_no_disguise_hides_a_token_in_use(disguise: str) -> None:
    """A registered secret without any shape is found in the same encodings."""
    secret = 'Zx9-odd"live"<secret>/+77q'
    register_secret(SecretStr(secret))
    shown = {"output_type": "stream", "name": "stdout", "text": f"seen {DISGUISES[disguise](secret)} here"}
    assert any("token in use" in hit.kind for hit in scan_files(notebook(output=shown)))


def test_half_a_token_in_use_is_a_hit_and_half_a_word_is_none() -> None:
    """An output that was shortened may keep a part; a token made of words has parts that are words."""
    register_secret(SecretStr("k3y0fTh15D3skN0b0dyKn0w5"))
    register_secret(SecretStr("sandbox-admin-without-mode"))
    assert scan_files({"a.txt": b"seen k3y0fTh15D3sk..."})
    assert scan_files({"a.txt": b"the sandbox-admin-with everything without-mode"}) == ()


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (notebook(output={"output_type": "stream", "name": "stdout", "text": f"a\n{TOKEN}"}), "cell 1, output 1, stdout, line 2"),
        (
            notebook(output={"output_type": "display_data", "metadata": {}, "data": {"text/html": f"<p>{TOKEN}</p>"}}),
            "cell 1, output 1, text/html, line 1",
        ),
        (notebook(output={"output_type": "error", "ename": "E", "evalue": "", "traceback": [TOKEN]}), "cell 1, output 1, traceback"),
        (notebook(papermill={"parameters": {"a": TOKEN}}), "metadata.papermill.parameters.a"),
        (notebook(cell={"cell_type": "markdown", "source": f"one\n{TOKEN}"}), "cell 2, source, line 2"),
    ],
)  # fmt: skip
def test_a_hit_names_the_place_as_a_person_would_look_for_it(files: dict[str, bytes], place: str) -> None:
    """File, number of the cell and of the output as counted from one, media type and line."""
    assert Hit("GitLab token", f"notebook.ipynb, {place}") in scan_files(files)


def test_a_secret_in_a_name_is_not_shown_with_the_place() -> None:
    """Places are told in words of the bundle, which may themselves be what must not be seen."""
    hits = scan_files({f"{TOKEN}.txt": TOKEN.encode(), "record.json": json.dumps({TOKEN: {TOKEN: TOKEN}}).encode()})
    assert {hit.place.partition(",")[0] for hit in hits} >= {"the name of file 1", "record.json"}
    assert TOKEN[6:] not in repr(hits)


def test_a_refusal_names_places_and_no_value() -> None:
    """The sentence is what a person reads before anything was sent."""
    with pytest.raises(BadPlanFile, match=r"Nothing was sent: in run 7 .*GitLab token in notes.txt, line 2") as caught:
        refuse_hits("run 7", scan_files({"notes.txt": f"one\n{TOKEN}\n".encode()}))
    assert TOKEN[6:] not in str(caught.value)
    refuse_hits("run 7", ())


ORDINARY = {
    "digests where they belong": json.dumps({"plan_digest": DIGEST, "why": f"Plan {DIGEST} waits."}),
    "a request in a sentence": "GitLab.com answered 500 (request id 77e817cee94744658ee074b1f740eca1).",
    "an account of Zuora": "A-S00041001 belongs to billing account 2c92a0fd56fe270b0157040dd79b35da.",
    "a commit and an upload": "https://gitlab.com/x/y/-/commit/9fceb02d0ae598e95dc970b74767f19372d61af8 "
    "and /uploads/77e817cee94744658ee074b1f740eca1/notebook.html",
    "a UUID": "idempotency key 8c7d9c8e-1d0f-4a7e-9b55-0f1e2d3c4b5a",
    "a picture": f'<img alt="seats" src="data:image/png;base64,{PICTURE}">',
    "a signed statement": json.dumps(
        {
            "payload": base64.b64encode(json.dumps({"subject": [{"digest": {"sha256": DIGEST}}]}).encode()).decode(),
            "signatures": [{"keyid": DIGEST[::-1], "sig": base64.b64encode(bytes(range(97, 161))).decode()}],
        }
    ),
    "a public key": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----",
    "names of code": "from glhelpers.models.namespace import GitlabSubscription, BillableMembership2 as Membership_v2",
    "words about tokens": "The token is missing, expired or revoked; ask for scope api. PRIVATE-TOKEN is the header. "
    "Set GLHELPERS_GITLAB_TOKEN, or run: keyring set glhelpers:production gitlab. password: ask the customer.",
    "a link to clone": "git@git.example.com:team/support.git and https://gitlab.com/gitlab-com/support.git",
    "a stage called token": json.dumps({"decision": {"path": [["token", "proceed"], ["secret", "stop"]]}}),
    "masked before": "[masked: GitLab token] Authorization: [masked: request header] person-3f2a1b@… name-3f2a1b2c",
    "an address that kept its domain": "customers?email=person-720d54@plover.example.com&page=1",
    "long words": "Donaudampfschifffahrtsgesellschaft-subscription_not_visible-20261123T044023-A-S00041001-northwind-labs",
    "version and package": "Python 3.11.7, glhelpers 0.1.0, sha256:" + DIGEST,
    "a table of Markdown": "| Seats owed | 0 | 10 |\n|---|---:|---:|\n| Compute minutes a month | 400 | 10000 |",
    "an avatar nobody is behind": "https://gitlab.com/uploads/-/system/user/avatar/1/avatar.png",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_an_ordinary_bundle_holds_is_no_hit(name: str) -> None:
    """Digests, ids, links and sentences pass, in a JSON file, on a page, in an output and as text."""
    text = ORDINARY[name]
    if text.startswith("{"):
        assert scan_files({"record.json": text.encode()}) == ()
        return
    page = f"<html><body><p>{text if text.startswith('<') else html.escape(text)}</p></body></html>"
    files = {
        "record.json": json.dumps({"why": text}).encode(),
        "notebook.html": page.encode(),
        "notes.txt": text.encode(),
    }
    files |= notebook(output={"output_type": "stream", "name": "stdout", "text": text})
    assert scan_files(files) == ()


@pytest.fixture
def bundle(tmp_path: Path, completed: RunRecord, executed: NotebookNode) -> Path:
    """A folder as a finished run leaves it, with the reference notebook beside it."""
    made = RunFolder.open(tmp_path, "", completed.runbook, completed.started_at)
    book = finished_notebook(executed, completed)
    made.write_record(completed)
    made.write_text("notebook.ipynb", nbformat.writes(book))
    made.write_text("notebook.html", html_page(completed, book))
    made.write_bytes("reference.ipynb", REFERENCE.read_bytes())
    return made.finalise().path


def test_a_finished_run_gives_no_alarm(bundle: Path) -> None:
    """No hit in record, notebook, page and reference notebook."""
    assert scan_bundle(bundle) == ()


@pytest.mark.usefixtures("on_sandbox")
def test_real_runs_give_no_alarm(tmp_path: Path) -> None:
    """A plan, its application and an administrator's account, as their folders lie on the disk."""
    given = {"customer_id": "55020", "issue": "gitlab-com/support/internal-requests#510"}
    first = walk("portal_502", {**given, "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1510"})
    folders = [first.folder]
    if first.record.status == "awaiting_approval":
        approval = approved(first.folder)
        again = walk("portal_502", {**given, "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1510"}, approval)
        folders.append(again.folder)
    assert [hit for folder in folders for hit in scan_bundle(folder)] == []
    assert (tmp_path / "runs").is_dir()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notebook.ipynb", b'{"cells": [1, {"outputs": {"a": 1}, "source": 3, "attachments": []}], "nbformat": 4}'),
        ("notebook.ipynb", b'{"cells": [{"outputs": [7, {"data": []}, {"data": {"image/png": 3}}]}], "nbformat": 4}'),
        ("notebook.ipynb", b"{"),
        ("record.json", b"[" * 100_000),
        ("a.png", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffzTXt"),
        ("a.zip", b"PK\x03\x04 broken"),
        ("a.txt.gz", b"\x1f\x8b broken"),
        ("a.html", b"<![x[<!-- <p title='" + b"&#x" * 1000),
        ("a.html", b"<" * 50_000),
        ("a.bin", bytes(range(256)) * 50),
        ("a.jsonl", b'{"a": 1}\n{"b": 2}\n'),
    ],
)
def test_a_broken_file_is_looked_at_all_the_same(name: str, content: bytes) -> None:
    """Whatever a file claims to be, reading it does not fail, and a token behind the damage is found."""
    scan_files({name: content})
    assert scan_files({name: content + b"\n" + TOKEN.encode() + b"\n"})


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["a.json", "a.ipynb", "a.html", "a.png", "a"]), st.binary(max_size=400) | st.text(max_size=200))
def test_no_content_makes_the_scanner_fail(name: str, content: bytes | str) -> None:
    """Whatever the bytes are, there is an answer."""
    scan_files({name: content.encode("utf-8", "replace") if isinstance(content, str) else content})


def test_a_name_that_is_told_twice_hides_nothing() -> None:
    """JSON keeps the last of two equal names; the first is there all the same."""
    assert scan_files({"record.json": f'{{"why": "{TOKEN}", "why": "nothing"}}'.encode()})


def test_the_outer_kinds_agree_with_the_redaction() -> None:
    """What the scanner reports by shape, redaction would have masked: a run does not stumble over its own outputs."""
    shapeless = {"OAuth token", "random string", "random hex", "password in a link"}
    assert [kind for kind, secret in KINDS.items() if kind not in shapeless and not find_secrets(secret)] == []


def test_a_kernel_does_not_load_the_second_scanner() -> None:
    """Only publishing pays for it."""
    import subprocess

    code = "import sys, glhelpers.runbook; print([m for m in ('detect_secrets', 'requests', 'nbformat', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
