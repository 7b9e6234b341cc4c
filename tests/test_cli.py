"""The command line: one clear sentence and an exit code for everything that can be wrong, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sandboxes import addresses, lent_sandbox

from glhelpers import __version__
from glhelpers.cli import main
from glhelpers.sandbox_process import Running

FOX = {
    "namespace": "fox-university",
    "subscription_name": "A-S00010002",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
}
HEAVY = ["pandas", "nbformat", "nbconvert", "papermill", "IPython", "ipywidgets", "jupyterlab", "uvicorn"]
NOBODY = "http://127.0.0.1:9"
"""An address on which nothing listens."""


@dataclass
class Said:
    """How a command ended, and what it said."""

    code: int
    text: str


Command = Callable[..., Said]


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    """One sandbox for all commands here; none of them changes anything."""
    with lent_sandbox() as running:
        yield running


@pytest.fixture
def environment(served: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a user whose commands reach the sandbox, in a folder of their own."""
    for name, value in addresses(served).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def glhelpers(environment: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command, run in this process as the shell would run it."""

    def command(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["glhelpers", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capfd.readouterr()
        return Said(int(ended.value.code or 0), told.out + told.err)

    return command


def given(**changed: str | None) -> list[str]:
    """The parameters of a good run as words of a command, some of them changed, those that are None left out."""
    values = {**FOX, **changed}
    return [word for name, value in values.items() if value is not None for word in ("-p", f"{name}={value}")]


def assert_one_sentence(said: Said, sentence: str, code: int) -> None:
    """The exit code fits, the sentence is there with what to do, and nothing of our insides."""
    assert said.code == code, said.text
    assert sentence in " ".join(said.text.split())
    assert "What to do: " in said.text
    for inside in ("Traceback", 'File "', ".py", "pydantic", "httpx", "sandbox-admin"):
        assert inside not in said.text
    assert len(said.text) < 1000


def runs() -> list[Path]:
    """What lies in the folder of runs."""
    return list(Path(os.environ["GLHELPERS_RUNS_DIR"]).rglob("*"))


REFUSED: list[tuple[str, dict[str, str | None], str]] = [
    ("unknown", {"colour": "blue"}, "colour is not a parameter of this runbook"),
    ("missing", {"namespace": None}, "namespace is missing"),
    ("empty", {"subscription_name": ""}, "subscription_name is missing"),
    ("ill-typed", {"subscription_name": "12345"}, "subscription_name is not a subscription name such as A-S00012345"),
    ("an id that is no number", {"customer_id": "1e5"}, "customer_id is not a CustomersDot id (a number)"),
    ("a path with dots", {"namespace": "fox/../admin"}, "namespace is not a group path"),
    ("dots alone", {"namespace": ".."}, "namespace is not a group path"),
    ("encoded dots", {"namespace": "%2e%2e"}, "namespace is not a group path"),
    ("an encoded slash", {"namespace": "fox%2funiversity"}, "namespace is not a group path"),
    ("spaces", {"namespace": "fox university"}, "namespace is not a group path"),
    ("a double slash", {"namespace": "fox//university"}, "namespace is not a group path"),
    ("a host", {"namespace": "//elsewhere.example/x"}, "namespace is not a group path"),
    ("a query", {"namespace": "fox?admin=1"}, "namespace is not a group path"),
    ("a line break", {"namespace": "fox\r\nX-Admin: 1"}, "namespace holds control characters"),
    ("other digits", {"namespace": "٣"}, "namespace is not a group path"),
    ("a leading zero", {"namespace": "0123"}, "namespace is neither a path nor an id: an id has no leading zero"),
    ("10 MB", {"namespace": "x" * 10_000_000}, "namespace is longer than 2000 characters"),
    ("an unsafe link", {"customer_confirmation": "javascript:alert(1)"}, "customer_confirmation is not an https link"),
    ("no issue", {"issue": "12"}, "issue is not an issue reference such as group/project#12"),
    ("code as a name", {"x=1;import os;y": "1"}, "x is not a parameter of this runbook"),
    ("two at once", {"colour": "blue", "namespace": None}, "namespace is missing; colour is not a parameter"),
]


@pytest.mark.parametrize(("changed", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_bad_parameter_is_named_before_anything_starts(
    glhelpers: Command, changed: dict[str, str | None], says: str
) -> None:
    """Exit code 2, the parameter by name, its value never repeated, no folder made."""
    said = glhelpers("run", "force_associate", *given(**changed))
    assert_one_sentence(said, "Runbook force_associate cannot start: ", 2)
    assert says in " ".join(said.text.split())
    assert runs() == []


FILES: list[tuple[str, bytes, str]] = [
    ("not YAML", b"namespace: [", "params.yaml is neither YAML nor JSON."),
    ("a list", b"- namespace", "params.yaml holds no `name: value` pairs."),
    ("an alias", b"a: &a x\nb: *a\n", "params.yaml is neither YAML nor JSON."),
    ("a tag", b"namespace: !!python/object/apply:os.getcwd []", "namespace must be text"),
    ("no text", b"\xfe\x80namespace", "params.yaml is neither YAML nor JSON."),
    ("a nested value", b"namespace: {a: b}", "namespace must be text"),
    ("too large", b"#" * 200_000, "The parameter file params.yaml is too large."),
]


@pytest.mark.parametrize(("content", "says"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_a_broken_parameter_file_is_said(glhelpers: Command, tmp_path: Path, content: bytes, says: str) -> None:
    """Exit code 2 and the file by name."""
    (tmp_path / "params.yaml").write_bytes(content)
    assert_one_sentence(glhelpers("run", "force_associate", "--params", "params.yaml"), says, 2)
    assert runs() == []


OTHERS: list[tuple[str, list[str], str]] = [
    ("an unknown runbook", ["run", "force_asociate"], "There is no runbook 'force_asociate'."),
    ("no such parameter file", ["run", "force_associate", "--params", "no.yaml"], "no.yaml cannot be read"),
    ("no pair", ["run", "force_associate", "-p", "namespace"], "A parameter is not of the form NAME=VALUE."),
    ("twice", ["run", "force_associate", "-p", "issue=", "-p", "issue="], "Parameter 'issue' was given twice."),
    ("no such plan", ["approve", "nowhere/plan.json"], "plan.json cannot be read ("),
    ("a folder as plan", ["approve", "."], "holds no batch"),
    ("no such run", ["attach", "nowhere"], "The run record "),
]


@pytest.mark.parametrize(("words", "says"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_a_bad_argument_is_said(glhelpers: Command, words: list[str], says: str) -> None:
    """Exit code 2 and one sentence."""
    said = glhelpers(*words)
    assert said.code == 2
    assert says in " ".join(said.text.split())
    assert "What to do: " in said.text
    assert "Traceback" not in said.text


@pytest.mark.parametrize("words", [["run"], ["runs"], ["run", "--loud"], ["demo", "--jobs", "many"]])
def test_a_wrong_usage_is_said(glhelpers: Command, words: list[str]) -> None:
    """What the command does not understand is exit code 2, with its usage."""
    said = glhelpers(*words)
    assert said.code == 2
    assert "Usage" in said.text
    assert "Traceback" not in said.text


@pytest.mark.parametrize("service", ["GITLAB", "CUSTOMERSDOT", "ZENDESK"])
def test_a_missing_token_is_said_before_anything_is_read(
    glhelpers: Command, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """Exit code 2, the service, the variable to set; no folder made."""
    monkeypatch.delenv(f"GLHELPERS_{service}_TOKEN")
    said = glhelpers("run", "force_associate", *given())
    assert_one_sentence(said, f"Profile sandbox has no token for {service.lower()}.", 2)
    assert f"GLHELPERS_{service}_TOKEN" in said.text
    assert runs() == []


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GLHELPERS_GITLAB_TOKEN", "sandbox-revoked", "GitLab.com answered 401 to /namespaces/:id: "),
        ("GLHELPERS_CUSTOMERSDOT_TOKEN", "wrong-token", "CustomersDot answered 401 to /subscriptions/:name: "),
        ("GLHELPERS_GITLAB_URL", NOBODY, "GitLab.com cannot be reached for /namespaces/:id (connection refused)."),
    ],
    ids=["a revoked token", "a wrong token", "the server is down"],
)
def test_a_service_that_does_not_let_in_ends_the_run(
    glhelpers: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    """Exit code 3, the service and the reason in a sentence, what to do next, and no token."""
    monkeypatch.setenv(name, value)
    said = glhelpers("run", "force_associate", *given())
    assert said.code == 3
    assert says in said.text
    assert "Next: " in said.text
    assert "Traceback" not in said.text
    assert "sandbox-" not in said.text
    assert "wrong-token" not in said.text


WORLDS: list[tuple[str, str, str, str]] = [
    ("a world that is not YAML", "WORLD", "groups: [", "world.yaml"),
    ("a world of another format", "WORLD", "format: other/1\nname: a\ntoday: 2026-11-23\n", "format"),
    ("a world's unknown key", "WORLD", "format: glhelpers.world/1\nname: a\ntoday: 2026-11-23\nmoons: []\n", "moons"),
    ("an unknown fault", "FAULTS", "- {do: explode}\n", "do: "),
]


@pytest.mark.parametrize(("name", "content", "says"), [row[1:] for row in WORLDS], ids=[row[0] for row in WORLDS])
def test_a_bad_world_or_fault_file_is_said(
    glhelpers: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str, says: str
) -> None:
    """The sandbox that would be started on demand names what is wrong; exit code 2, no folder made."""
    for service in ("GITLAB", "CUSTOMERSDOT", "ZENDESK"):
        monkeypatch.delenv(f"GLHELPERS_{service}_URL")
    path = tmp_path / "world.yaml"
    path.write_text(content)
    monkeypatch.setenv(f"GLHELPERS_{name}", str(path))
    said = glhelpers("run", "force_associate", *given())
    assert said.code == 2
    assert "The sandbox did not start: " in said.text
    assert says in said.text
    assert "Traceback" not in said.text
    assert runs() == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[profiles.staging]\ngitlab_token = 'x'\n", "never stand in a file"),
        ("[profiles.staging]\ncolour = 'x'\n", "unknown keys"),
        ("[profiles", "config.toml cannot be read"),
        ("", "There is no profile 'staging'."),
    ],
    ids=["a token in the file", "an unknown key", "not TOML", "no such profile"],
)
def test_a_bad_profile_is_said(
    glhelpers: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, says: str
) -> None:
    """Exit code 2, what is wrong, what to do."""
    (tmp_path / "config.toml").write_text(content)
    monkeypatch.setenv("GLHELPERS_PROFILE", "staging")
    assert_one_sentence(glhelpers("run", "force_associate", *given()), says, 2)


def test_the_runbooks_are_listed_with_their_parameters(glhelpers: Command) -> None:
    """Id, whether it writes, and every parameter."""
    said = glhelpers("runbooks")
    assert said.code == 0
    for word in ("force_associate", "once, after approval", *FOX, "approval"):
        assert word in said.text


def test_the_version_is_told(glhelpers: Command) -> None:
    """One line and exit code 0."""
    assert glhelpers("--version") == Said(0, f"{__version__}\n")


@pytest.mark.parametrize("word", ["--help", "run --help", "runbooks"])
def test_help_comes_without_heavy_imports(word: str) -> None:
    """Neither pandas nor anything of Jupyter is loaded to say how the command is used."""
    code = f"""if True:
        import sys
        from glhelpers.cli import main
        sys.argv = ["glhelpers", *{word.split()!r}]
        try:
            main()
        except SystemExit as ended:
            print(ended.code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.stderr.strip() == "0 []"
    assert done.stdout
