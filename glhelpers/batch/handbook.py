"""A newer copy of the handbook page, read from a file and held against the fingerprints that the rules rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from glhelpers.errors import BadParameter
from glhelpers.rules.comparison import Comparison, compare
from glhelpers.rules.fingerprints import Base, load_base
from glhelpers.rules.markdown_page import Page, parse
from glhelpers.rules.policies import POLICIES
from glhelpers.rules.rule import Policy

__all__ = ["Report", "check_page", "read_base", "read_page"]

_LARGEST = 1_000_000
_NEXT = "Name the Markdown source of the page, as the handbook's repository holds it."


@dataclass(frozen=True)
class Report:
    """What the comparison found, and in which runbooks each rule is at work."""

    comparison: Comparison
    runbooks: Mapping[str, tuple[str, ...]]

    @property
    def differs(self) -> bool:
        """Whether anything but looks has changed."""
        return self.comparison.differs

    def as_json(self) -> dict[str, Any]:
        """The same for other programs: every list empty where the page is still the one the rules rest on."""
        return {
            "differs": self.differs,
            "unchanged": len(self.comparison.paragraphs) - len(self.comparison.alarming),
            "paragraphs": [self._with_runbooks(asdict(traced)) for traced in self.comparison.alarming],
            "headings": [self._with_runbooks(asdict(heading)) for heading in self.comparison.headings],
            "new": [asdict(fresh) for fresh in self.comparison.fresh],
        }

    def _with_runbooks(self, entry: dict[str, Any]) -> dict[str, Any]:
        rules = [{"id": id, "runbooks": list(self.runbooks.get(id, ()))} for id in entry["rules"]]
        return {**entry, "rules": rules}


def read_page(path: Path) -> Page:
    """The page in a file; `BadParameter` where there is none, it is too large, or it is no text with paragraphs."""
    page = parse(_text(path, _NEXT))
    if not page.passages:
        raise BadParameter(f"{path} has no paragraph.", next_step=_NEXT)
    return page


def read_base(path: Path) -> Base:
    """Fingerprints in a file; `BadParameter` where it holds none."""
    made = "They are made by: python -m glhelpers.rules.fingerprints PAGE.md"
    try:
        return Base.model_validate_json(_text(path, made))
    except ValidationError:
        raise BadParameter(f"{path} holds no fingerprints of a page.", next_step=made) from None


def _text(path: Path, next_step: str) -> str:
    try:
        with path.open("rb") as file:
            # Read, not asked for: what is no plain file has no size.
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise BadParameter(f"There is no file {path}.", next_step=next_step) from None
    except OSError as error:
        raise BadParameter(f"{path} cannot be read ({type(error).__name__}).", next_step=next_step) from None
    if len(content) > _LARGEST:
        raise BadParameter(f"{path} is larger than a handbook page ever is (1 MB).", next_step=next_step)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadParameter(f"{path} is no text in UTF-8.", next_step=next_step) from None


def check_page(path: Path, policies: Mapping[str, Policy[Any]] = POLICIES, base: Base | None = None) -> Report:
    """Hold the page in the file against the fingerprints: those of the package unless others are given."""
    page = read_page(path)
    rules = [rule for policy in policies.values() for rule in policy.rules]
    at_work: dict[str, tuple[str, ...]] = {}
    for policy in policies.values():
        for rule in policy.rules:
            at_work[rule.id] = tuple(dict.fromkeys((*at_work.get(rule.id, ()), policy.runbook)))
    return Report(compare(base or load_base(), page, rules), at_work)
