"""Plan and approval files, read with suspicion."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from glhelpers.errors import BadPlanFile
from glhelpers.models.base import OwnModel
from glhelpers.models.change import Approval, PlanFile

__all__ = ["read_approval", "read_plan"]

_LARGEST = 1_000_000

M = TypeVar("M", bound=OwnModel)


def read_plan(path: Path) -> PlanFile:
    """The plan file at `path`; raises `BadPlanFile` if it is not one or if its digest does not fit."""
    file = _read(path, PlanFile, "a plan file (plan.json)")
    if file.digest != file.plan.digest:
        raise BadPlanFile(
            f"{path.name} was changed after it was made: its digest does not fit.", next_step="Make the plan anew."
        )
    return file


def read_approval(path: Path) -> Approval:
    """The approval file at `path`; raises `BadPlanFile` if it is not one."""
    return _read(path, Approval, "an approval file (approval.json)")


def _read(path: Path, model: type[M], what: str) -> M:
    try:
        if not path.is_file():  # a pipe or a device would be read for ever
            raise FileNotFoundError(None, "no such file")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadPlanFile(
            f"{path.name or 'The file'} cannot be read ({error.strerror or 'no such file'}).",
            next_step=f"Give the path of {what}.",
        ) from None
    try:
        if len(content) > _LARGEST:
            raise ValueError("too large")
        return model.model_validate_json(content)
    except (ValidationError, ValueError):
        raise BadPlanFile(f"{path.name} is not {what}.", next_step="Give the file that glhelpers wrote.") from None
