"""Sealed folders, and Ada, who has sealed them: what is trusted where seals are tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from sealed import Sealed, sealed_folders, use


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """The folders, made once."""
    return sealed_folders(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def ada(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ada's key is at hand and trusted."""
    use(monkeypatch, sealed.root)


@pytest.fixture
def folder(sealed: Sealed, tmp_path: Path) -> Path:
    """A copy of the folder that waits for approval."""
    return sealed.copy_of(sealed.waiting, tmp_path)
