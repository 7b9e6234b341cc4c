"""Parameters from a command line: `name=value` pairs, a file, an approval; values stay text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from glhelpers.errors import BadParameter

__all__ = ["gather"]

_LARGEST = 100_000


def gather(pairs: list[str], file: Path | None, approval: Path | None) -> dict[str, Any]:
    """
    One set of parameters; a pair overrides the file.

    Raises `BadParameter` for a pair without `=`, a name given twice, or a file that is no mapping.
    """
    given: dict[str, Any] = _from_file(file) if file is not None else {}
    seen: set[str] = set()
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise BadParameter("A parameter is not of the form NAME=VALUE.", next_step="Write -p namespace=my-group.")
        if name in seen:
            raise BadParameter(f"Parameter {name[:60]!r} was given twice.", next_step="Give it once.")
        seen.add(name)
        given[name] = value
    if approval is not None:
        given["approval"] = str(approval)
    return given


def _from_file(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():  # a pipe or a device would be read for ever
            raise FileNotFoundError(None, "no such file")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such file"
        raise BadParameter(
            f"The parameter file {path.name} cannot be read ({why}).", next_step="Check its path."
        ) from None
    if len(content) > _LARGEST:
        raise BadParameter(f"The parameter file {path.name} is too large.", next_step="It holds a few short values.")
    try:
        value = yaml.load(content, Loader=_Plain)  # noqa: S506 (a safe loader that makes text of everything)
    except yaml.YAMLError:
        raise BadParameter(
            f"{path.name} is neither YAML nor JSON.", next_step="Write one `name: value` a line."
        ) from None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise BadParameter(f"{path.name} holds no `name: value` pairs.", next_step="Write one `name: value` a line.")
    return value


class _Plain(yaml.BaseLoader):
    """Every scalar stays the text that was written, so that 0123 or 1e5 is not taken for a number."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("no aliases")
        return super().compose_node(parent, index)
