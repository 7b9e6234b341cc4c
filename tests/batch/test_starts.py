"""A kernel that never comes up is started again; one that has begun is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glhelpers.batch import execute as module
from glhelpers.batch.execute import STARTS, execute
from glhelpers.errors import OperatorError
from glhelpers.sandbox_process import Running
from glhelpers.settings import load_settings

pytestmark = pytest.mark.notebook

CASE = {"namespace": "fox-university", "subscription_name": "A-S00010002"}


@pytest.mark.parametrize("failures", [0, 1, STARTS - 1, STARTS])
def test_a_start_that_fails_is_repeated(failures: int, on_sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the last attempt the run goes on as if nothing had been; after it, one sentence."""
    real, begun = module._run, []

    def unlucky(source: Path, given: Any, environment: dict[str, str], seconds: int) -> Any:
        begun.append(1)
        if len(begun) <= failures:
            # A kernel whose program ends at once, as one does that finds its port taken.
            environment = {**environment, "PYTHONHOME": "/nowhere"}
        return real(source, given, environment, seconds)

    monkeypatch.setattr(module, "_run", unlucky)
    if failures == STARTS:
        with pytest.raises(OperatorError, match="did not start"):
            execute("force_associate", CASE, load_settings())
    else:
        assert execute("force_associate", CASE, load_settings()).record.complete
    assert len(begun) == min(failures + 1, STARTS)
