"""Addresses and names of persons: masked by the policy of the destination, the same person always the same."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from planted import TOKEN, notebook
from pydantic import SecretStr

from glhelpers.clients.tape import Heard, Recorder
from glhelpers.errors import BadSettings
from glhelpers.evidence import personal
from glhelpers.evidence.answers import keep_answers
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.personal import (
    BUILT_IN_KEY,
    POLICY,
    Destination,
    Level,
    Masking,
    bound_for,
    masking_at,
    name_pseudonym,
    register_person,
    use_policy,
    use_pseudonym_key,
)
from glhelpers.evidence.redact import forget_secrets, masked_fields, redact_json, redact_text
from glhelpers.evidence.scan import outgoing, scan_bundle, scan_files, scan_sent
from glhelpers.evidence.secrets import KEY_FILE, people_of, register_tokens, watch_answers
from glhelpers.models.namespace import Member, User
from glhelpers.models.record import RunRecord
from glhelpers.models.subscription import Customer
from glhelpers.models.ticket import ZendeskUpload
from glhelpers.profiles import profile_table
from glhelpers.settings import Endpoint, Settings

FIRST = "Dana Robin José Zoë Anne-Marie Bjørn Łukasz Yuki Siân Małgorzata".split()  # noqa: SIM905
LAST = ["Reader", "O'Brien", "van der Berg", "Müller-Lüdenscheidt", "Nguyễn"]
NAMES = [f"{first} {last}" for first in FIRST for last in LAST]
ADDRESSES = [
    f"{local}@{domain}"
    for local in (
        "dana",
        "dana.reader",
        "d.o'brien",
        "dana+tag",
        "DANA",
        "dana_reader-2",
        "зоя",
        "d",
        "dana%r",
        "9lives",
    )
    for domain in (
        "example.com",
        "mail.sub.example.co.uk",
        "bücher.example",
        "xn--bcher-kva.example",
        "пример.xn--p1ai",
    )
]
WRITTEN = {
    "plain": "{}",
    "in brackets": "<{}>",
    "quoted": "'{}'",
    "in a sentence": "It was {}, they said.",
    "in a table": "|{}|x|",
    "in a link": "mailto:{}?subject=x",
    "in HTML": "<td title='x'>{}</td>",
}


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Policy, key and names as they are at the start of a process."""
    yield
    forget_secrets()
    use_policy({})
    use_pseudonym_key(BUILT_IN_KEY)


@pytest.mark.parametrize("written", WRITTEN)
def test_fifty_addresses_are_masked_and_stay_the_same(written: str) -> None:
    """No address is seen, each has one pseudonym however it is written, and fifty have fifty."""
    seen = {address: redact_text(WRITTEN[written].format(address)) for address in ADDRESSES}
    for address, shown in seen.items():
        assert address not in shown
        assert re.search(r"person-[0-9a-f]{6}@…", shown), address
        assert redact_text(address) in shown
    assert len({redact_text(address.casefold()) for address in ADDRESSES}) == len({one.casefold() for one in ADDRESSES})


def test_fifty_addresses_are_found_by_the_scanner() -> None:
    """Each in an output of a notebook, as it stands and percent-encoded."""
    for address in ADDRESSES:
        for text in (address, address.replace("@", "%40"), address.replace("@", "&#64;")):
            assert scan_files(notebook(output={"output_type": "stream", "name": "stdout", "text": f"to {text}"})), text


@pytest.mark.parametrize("name", NAMES)
def test_a_name_once_heard_is_masked_everywhere(name: str) -> None:
    """As told, in capitals, last part first and in a link; the words around it stay."""
    register_person(name)
    pseudonym = name_pseudonym(name)
    first, _, last = name.partition(" ")
    for text in (
        name,
        name.upper(),
        f"{last} {first}",
        f"{last}, {first}",
        name.replace(" ", "%20"),
        name.replace(" ", "+"),
    ):
        assert redact_text(f"Asked by {text} today.") == f"Asked by {pseudonym} today."
    assert redact_text(pseudonym) == pseudonym


def test_the_notebook_is_finished_with_the_names_that_its_kernel_heard(tmp_path: Path) -> None:
    """The process around the kernel has only the pseudonyms of the kept answers, and masks the names all the same."""
    (tmp_path / "answers.json").write_text(json.dumps([name_pseudonym(name) for name in NAMES]))
    with people_of(tmp_path):
        for name in NAMES:
            assert redact_text(f"{name} and {name}.") == f"{name_pseudonym(name)} and {name_pseudonym(name)}."
    assert redact_text(NAMES[0]) == NAMES[0]


def test_the_scanner_knows_a_name_by_its_pseudonym_alone() -> None:
    """Publishing happens in another process, which has the bundle and no names."""
    told = json.dumps([redact_json({"username": f"u{index}", "name": name}) for index, name in enumerate(NAMES)])
    for name in NAMES:
        files = {
            "answers.json": told.encode(),
            **notebook(cell={"cell_type": "markdown", "source": f"Thanks to {name}."}),
        }
        assert [hit.place for hit in scan_files(files)] == ["notebook.ipynb, cell 2, source"], name
    assert scan_files({"answers.json": told.encode()}) == ()


@pytest.mark.parametrize(
    "word", ["Support Admin", "An Owner", "Seats Owed", "Premium", "Li", "name-3f2a1b2c", "Owner 12"]
)
def test_a_name_that_is_a_word_of_the_trade_masks_no_sentence(word: str) -> None:
    """Anybody may call themselves Seats Owed; the table still has to be read. Under `name` it is masked all the same."""
    register_person(word)
    text = f"The {word} of the group"
    assert redact_text(text) == text
    assert word not in redact_json({"username": "x", "name": word})["name"] or word.startswith("name-")


def test_names_are_masked_where_json_tells_a_person_and_only_there() -> None:
    """A user, a member, an author; not a group, a label, a project token."""
    value = {
        "author": {"username": "dana", "name": "Dana Reader"},
        "contact_name": "Robin Reader",
        "group": {"name": "Northwind Labs", "path": "northwind-labs"},
        "bot": {"username": "bot", "name": "Release Helper", "bot": True},
    }
    shown = redact_json(value)
    assert shown["author"]["name"] == name_pseudonym("Dana Reader")
    assert shown["contact_name"] == name_pseudonym("Robin Reader")
    assert shown["group"] == value["group"]
    assert shown["bot"] == value["bot"]


def test_a_name_is_masked_from_the_moment_a_service_tells_it() -> None:
    """The redaction follows the answers of a run; one's own account is the operator's, who stands by name."""
    recorder = Recorder()
    watch_answers(recorder)
    assert redact_text("Dana Reader asked") == "Dana Reader asked"
    recorder.keep(
        Heard(service="gitlab", method="GET", path="/api/v4/users/7", body={"username": "d", "name": "Dana Reader"})
    )
    recorder.keep(
        Heard(service="gitlab", method="GET", path="/api/v4/user", body={"username": "s", "name": "Sam Operator"})
    )
    assert redact_text("Dana Reader asked Sam Operator") == f"{name_pseudonym('Dana Reader')} asked Sam Operator"


def test_kept_answers_hold_nobody(tmp_path: Path, completed: RunRecord) -> None:
    """Bodies, queries and links of the answers: the domain stays for the rules, the person does not."""
    recorder = Recorder()
    body = {
        "email": "dana@plover.example",
        "username": "dana",
        "name": "Dana Reader",
        "avatar_url": f"https://www.gravatar.com/avatar/{'0f' * 16}",
    }
    link = "<https://x.example/customers?email=dana%40plover.example&page=1>; rel=next"
    recorder.keep(
        Heard(
            service="customersdot",
            method="GET",
            path="/c",
            query=(("email", "dana@plover.example"), ("private_token", "abcd")),
            headers={"link": link},
            body=[body],
        )
    )  # fmt: skip
    folder = RunFolder.open(tmp_path, "", completed.runbook, completed.started_at)
    keep_answers(folder, recorder, None)
    text = (folder.path / "answers.json").read_text()
    assert not [one for one in ("dana@", "dana%40", "Dana", "0f0f0f0f", "abcd") if one in text]
    assert len(set(re.findall(r"person-[0-9a-f]{6}@plover\.example", text))) == 1
    assert scan_bundle(folder.path) == ()


def test_a_model_knows_which_of_its_fields_tell_a_person() -> None:
    """They show in no `repr`, and the record asks the policy; a token of an upload shows in none either."""
    user, customer = User(id=1, username="dana", name="Dana Reader"), Customer(id=2, email="dana@example.com")
    member = Member(id=1, username="dana", name="Dana Reader", state="active", access_level=50)
    upload = ZendeskUpload(token="a1B2c3D4e5F6")
    shown = f"{user!r} {customer!r} {member!r} {upload!r} {user} {upload}"
    assert not [one for one in ("Dana", "dana@", "a1B2") if one in shown]
    assert masked_fields(user)["name"] == masked_fields(member)["name"] == name_pseudonym("Dana Reader")
    assert masked_fields(customer)["email"].startswith("person-")


LEVELS = {
    Level.full: "Dana Reader, dana@example.com",
    Level.masked: f"{name_pseudonym('Dana Reader')}, person-",
    Level.none: "[name], [address]",
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("destination", Destination)
def test_each_destination_has_a_level_of_its_own(destination: Destination, level: Level) -> None:
    """Full, a pseudonym, or only that there was somebody; a secret is masked at every level."""
    register_person("Dana Reader")
    use_policy({destination.value: {"addresses": level.value, "names": level.value}})
    with bound_for(destination):
        shown = redact_text(f"Dana Reader, dana@example.com, {TOKEN}")
    assert shown.startswith(LEVELS[level])
    assert shown.endswith("[masked: GitLab token]")


def test_outside_everything_is_masked_unless_a_profile_says_otherwise() -> None:
    """The table in the code is the policy of everybody who configured nothing."""
    assert set(POLICY) == set(Destination)
    assert {masking_at(destination) for destination in Destination} == {Masking(Level.masked, Level.masked)}


def test_a_stricter_destination_gets_copies_of_its_own(tmp_path: Path) -> None:
    """The files on disk stay as they were sealed; what is sent is masked further, and only that is held against the level."""
    book = notebook(cell={"cell_type": "markdown", "source": "Dana Reader <dana@example.com>"})["notebook.ipynb"]
    (tmp_path / "notebook.ipynb").write_bytes(book)
    (tmp_path / "record.json").write_text('{"why": "dana@example.com wrote"}')
    use_policy({"disk": {"addresses": "full", "names": "full"}, "issue": {"addresses": "none"}})
    sent = outgoing({"notebook.ipynb": book}, Destination.issue)
    assert b"[address]" in sent["notebook.ipynb"]
    assert scan_sent(tmp_path, sent, Destination.issue) == ()
    assert scan_sent(tmp_path, {"notebook.ipynb": book}, Destination.issue)
    (tmp_path / "record.json").write_text(json.dumps({"why": TOKEN}))
    assert [hit.kind for hit in scan_sent(tmp_path, sent, Destination.issue)] != []
    use_policy({})
    assert outgoing({"notebook.ipynb": book}, Destination.issue) == {"notebook.ipynb": book}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('issue = "none"', {"issue": {"addresses": "none", "names": "none"}}),
        ('ticket = {names = "full"}', {"ticket": {"names": "full"}}),
        ("", {}),
    ],
)
def test_a_profile_may_set_levels(tmp_path: Path, written: str, told: dict[str, dict[str, str]]) -> None:
    """One word for both, or one for each."""
    path = tmp_path / "config.toml"
    path.write_text(f'[profiles.sandbox]\nescalation_label = "x"\n[profiles.sandbox.masking]\n{written}\n')
    assert profile_table("sandbox", path)["masking"] == told


@pytest.mark.parametrize(
    "written", ['issue = "some"', 'mail = "none"', 'issue = {phones = "none"}', "issue = 3", "issue = {names = 1}"]
)
def test_a_level_that_nobody_knows_is_refused(tmp_path: Path, written: str) -> None:
    """A misspelt level must not turn into no masking."""
    path = tmp_path / "config.toml"
    path.write_text(f"[profiles.sandbox.masking]\n{written}\n")
    with pytest.raises(BadSettings, match="masking"):
        profile_table("sandbox", path)


def _settings(tmp_path: Path, profile: str) -> Settings:
    nowhere = Endpoint("gitlab", "https://gitlab.example", SecretStr("a-token-of-gitlab"))
    return Settings(
        profile=profile,
        production=False,
        gitlab=nowhere,
        customersdot=nowhere,
        zendesk=nowhere,
        customersdot_driver="http",
        operator="tester",
        runs_dir=tmp_path,
        state_dir=tmp_path / "state",
        journal_url="",
        escalation_label="",
    )


def test_outside_the_sandbox_pseudonyms_have_a_key_that_nobody_else_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn once on this machine, read by its owner only, the same in every process; the sandbox reads alike everywhere."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    built_in = redact_text("dana@example.com")
    register_tokens(_settings(tmp_path, "team"))
    own = redact_text("dana@example.com")
    assert own != built_in
    assert stat.S_IMODE((tmp_path / "state" / KEY_FILE).stat().st_mode) == 0o600
    use_pseudonym_key(b"another")
    register_tokens(_settings(tmp_path, "team"))
    assert redact_text("dana@example.com") == own
    register_tokens(_settings(tmp_path, "sandbox"))
    assert redact_text("dana@example.com") == built_in


def test_a_replay_masks_no_ordinary_word(tmp_path: Path) -> None:
    """The tokens of a replay are the word `replayed`; sentences keep it."""
    register_tokens(replace(_settings(tmp_path, "sandbox"), replay=tmp_path))
    assert redact_text("The run was replayed.") == "The run was replayed."


def test_nothing_is_left_of_those_who_were_known() -> None:
    """A process that serves several runs forgets the people of one before the next."""
    register_person("Dana Reader")
    forget_secrets()
    assert redact_text("Dana Reader") == "Dana Reader"
    assert personal.pseudonyms_in([]) == frozenset()
