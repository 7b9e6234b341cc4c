"""The server of forked kernels that the tests of this folder use ends with each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glhelpers.kernels.owner import end


@pytest.fixture(scope="module", autouse=True)
def no_server_is_left() -> Iterator[None]:
    """The server of this process ends with the module."""
    yield
    end()
