"""What one ticket's kernel has done, the next one does not see; what must differ between two kernels does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from forked import DOORS, Played, play

from glhelpers.kernels.owner import begin

pytestmark = pytest.mark.notebook

TRACES = {
    #                        what a first notebook does, what a second one asks, and what it must find
    "an attribute of a module": ("import httpx; httpx.left = 1", "import httpx; hasattr(httpx, 'left')", "False"),
    "a module": ("import wave", "import sys; 'wave' in sys.modules", "False"),
    "a built-in name": ("import builtins; builtins.left = 1", "'left' in dir(__import__('builtins'))", "False"),
    "a variable": ("left = 1", "'left' in globals()", "False"),
    "an option of pandas": (
        "import pandas; pandas.options.display.max_rows = 7",
        "import pandas; pandas.options.display.max_rows",
        "60",
    ),
    "an environment variable": (
        "import os; os.environ['GLHELPERS_LEFT'] = '1'",
        "import os; 'GLHELPERS_LEFT' in os.environ",
        "False",
    ),
    "a time zone": (
        "import os, time; os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()",
        "import time; 'JST' in time.tzname",
        "False",
    ),
    "the current folder": ("import os; os.chdir('/')", "import os; os.getcwd() == '/'", "False"),
    "the search path": ("import sys; sys.path.append('/left')", "import sys; '/left' in sys.path", "False"),
    "a temporary file": (
        "import tempfile; open(tempfile.gettempdir() + '/left', 'w').close()",
        "import os, tempfile; os.path.exists(tempfile.gettempdir() + '/left')",
        "False",
    ),
    "the handler of a signal": (
        "import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "import signal; signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL",
        "True",
    ),
    "the rights of new files": ("import os; os.umask(0o777)", "import os; os.umask(0o22) == 0o777", "False"),
    "a thread": (
        "import threading, time; threading.Thread(target=time.sleep, args=(60,), name='left', daemon=True).start()",
        "import threading; 'left' in [thread.name for thread in threading.enumerate()]",
        "False",
    ),
    "the cells it has run": ("'a cell before'", "any('a cell ' + 'before' in cell for cell in In[:-1])", "False"),
    "a command of IPython": (
        "get_ipython().register_magic_function(print, magic_name='left')",
        "get_ipython().find_line_magic('left') is None",
        "True",
    ),
    "a listener of IPython": (
        "get_ipython().events.register('post_run_cell', print)",
        "print in get_ipython().events.callbacks['post_run_cell']",
        "False",
    ),
    "how a type is shown": (
        "get_ipython().display_formatter.formatters['text/html'].for_type(complex, lambda value, *rest: 'left')",
        "complex in get_ipython().display_formatter.formatters['text/html'].type_printers",
        "False",
    ),
    "a person that the redaction knows": (
        "from glhelpers.evidence.personal import register_person; register_person('Mina Testperson')",
        "from glhelpers.evidence.redact import redact_text; redact_text('Mina Testperson')",
        "Mina Testperson",
    ),
    "a rehearsal before the fork": (
        "'nothing'",
        "import os, sys; from glhelpers.evidence.redact import live_forms; from glhelpers.evidence.personal import people_known; "
        "any('rehearsed' in str(x) for x in (sorted(os.environ.items()), live_forms(), people_known(), dir()))",
        "False",
    ),
    "a token that the redaction knows": (
        "from pydantic import SecretStr; from glhelpers.evidence.redact import register_secret; "
        "register_secret(SecretStr('left-behind'))",
        "from glhelpers.evidence.redact import redact_text; redact_text('left-behind')",
        "left-behind",
    ),
}


@pytest.fixture(scope="module", params=DOORS)
def door(request: pytest.FixtureRequest) -> Callable[..., Played]:
    """A way to ask a forked kernel."""
    return DOORS[request.param]


@pytest.fixture(scope="module")
def found(door: Callable[..., Played]) -> dict[str, str]:
    """One kernel leaves every trace; what the next one shows."""
    first = door(*(cell for cell, _, _ in TRACES.values()))
    second = door(*(cell for _, cell, _ in TRACES.values()))
    assert first.forked
    assert second.forked
    return dict(zip(TRACES, second.shown, strict=True))


@pytest.mark.parametrize("trace", TRACES)
def test_a_kernel_finds_nothing_of_the_one_before(found: dict[str, str], trace: str) -> None:
    """Each of these would be there in a kernel that is used again."""
    assert found[trace] == TRACES[trace][2]


def test_a_kernel_has_the_credentials_of_its_own_run_only(door: Callable[..., Played]) -> None:
    """Its environment is what it was given; neither the server nor what the system tells of the process has another's."""
    cell = "import os; sorted(value for name, value in os.environ.items() if name.endswith('_TOKEN'))"
    asked = "open('/proc/self/environ').read().count('-secret')"
    one = door(cell, asked, env={**os.environ, "GLHELPERS_GITLAB_TOKEN": "first-secret"})
    other = door(cell, asked, env={**os.environ, "GLHELPERS_ZENDESK_TOKEN": "second-secret"})
    assert one.shown == ("['first-secret']", "0")
    assert other.shown == ("['second-secret']", "0")
    (server,) = [child for child in psutil.Process().children() if child.name() == "glh-fork-server"]
    assert not [name for name in server.environ() if name.endswith("_TOKEN")]


def test_nothing_random_is_the_same_in_two_kernels(door: Callable[..., Played]) -> None:
    """Generators that were made before the fork are made anew; names of temporary files and ids differ."""
    cell = (
        "import random, numpy, uuid, tempfile, secrets; "
        "print(random.random(), numpy.random.random(), uuid.uuid4(), tempfile.mktemp(), secrets.token_hex(4))"
    )
    one, other = (door(cell).shown[0].split() for _ in range(2))
    assert len(one) == len(other) == 5
    assert not set(one) & set(other)


def test_the_shell_is_made_before_the_fork_and_belongs_to_its_kernel(tmp_path: Path) -> None:
    """It knows its own kernel, folders and settings, not those of the server that made it."""
    settings = tmp_path / "ipython" / "profile_default" / "ipython_config.py"
    settings.parent.mkdir(parents=True)
    settings.write_text("c.InteractiveShell.ast_node_interactivity = 'all'\n", encoding="utf-8")
    shown = play(
        "shell = get_ipython(); print(shell.kernel.shell is shell, shell.ipython_dir, shell.profile_dir.location)",
        "print(shell.home_dir, shell.starting_dir == __import__('os').getcwd())",
        "print('one'); 'two'; 'three'",
        env={**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path)},
    ).shown
    assert shown[0].split() == ["True", str(tmp_path / "ipython"), str(settings.parent)]
    assert shown[1].split() == [str(tmp_path), "True"]
    assert "two" in shown[2]


def test_a_page_may_talk_to_a_kernel_that_is_busy() -> None:
    """JupyterLab asks a kernel for subshells, so that a button is heard while a cell runs."""
    assert play("get_ipython().kernel._supports_kernel_subshells").shown == ("True",)


def test_no_history_is_kept_on_disk(door: Callable[..., Played], tmp_path: Path) -> None:
    """What was typed may hold what a record must not; the home folder is that of the run."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    played = door("import os; os.path.expanduser('~')", "get_ipython().history_manager.enabled", env=environment)
    assert played.shown == (str(home), "False")
    assert not list(home.rglob("*.sqlite"))


def test_the_server_can_be_reached_by_its_owner_only() -> None:
    """Its folder and its socket are closed to everybody else."""
    folder = begin()
    assert folder is not None
    play("1")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "kernels.sock").stat().st_mode & 0o777 == 0o600
