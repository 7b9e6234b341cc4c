"""The run that the fork server makes before it forks: it comes to its end, and nothing of it is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from processes import gone

pytestmark = pytest.mark.notebook

LOOK = """
import json, os, tempfile
from glhelpers.evidence.personal import names_are_known
from glhelpers.evidence.redact import live_forms
from glhelpers.kernels.rehearsal import rehearse

def stands():
    return {
        "descriptors": sorted(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "environment": dict(os.environ),
        "folders": sorted(name for name in os.listdir(tempfile.gettempdir()) if "rehearsed" in name),
        "secrets": len(live_forms()),
        "persons": names_are_known(),
        "folder": os.getcwd(),
    }

before = stands()
status = rehearse()
print(json.dumps([status, before, stands()]))
"""


def test_it_ends_as_a_run_of_the_demonstration_does_and_leaves_nothing(tmp_path: Path) -> None:
    """The kept answers are all that today's runbook asks for: else a fact would be unknown and the run be stopped."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOOK], capture_output=True, text=True, check=True, env=environment
    )
    status, before, after = json.loads(done.stdout)
    assert status == "awaiting_approval"
    assert after == before
    assert (after["threads"], after["secrets"], after["persons"]) == (1, 0, False)


def test_whoever_gives_the_answers_ends_with_the_server(tmp_path: Path) -> None:
    """Killed in the middle of it, the server leaves no child that answers for ever."""
    script = (
        "import time; from glhelpers.kernels import rehearsal; "
        "rehearsal._run = lambda folder: (print('begun', flush=True), time.sleep(60)); "
        f"from pathlib import Path; rehearsal.rehearse(Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-P", "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    (answering,) = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert gone(answering.pid)
