"""The rules as a page for readers who do not code; `python -m glhelpers.rules.document` prints docs/rules.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from glhelpers.rules import handbook
from glhelpers.rules.policies import POLICIES
from glhelpers.rules.rule import Policy

__all__ = ["page"]

_HEAD = """# The rules

Made from the code by `python -m glhelpers.rules.document`; do not edit.

All rules of a runbook are put to the same facts. Stages decide in order: the first stage with a verdict that does not let pass ends the run, by the worst verdict in it. A fact that is not known never lets a write through ([decision 001](decisions/001_rules_are_pure_and_staged.md)).
"""


def page(policies: Mapping[str, Policy[Any]] = POLICIES) -> str:
    """The page as Markdown: for each runbook a table of stage, sentence, what it rests on."""
    return "\n".join([_HEAD, *(line for title, policy in policies.items() for line in _of(title, policy))])


def _of(title: str, policy: Policy[Any]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| stage | rule | it must hold that | rests on |"
    yield "|---|---|---|---|"
    for rule in policy.rules:
        link = f"[{rule.anchor}]({handbook.PAGE}#{rule.anchor}): " if rule.anchor else "not of the page: "
        yield f"| {rule.stage} | `{rule.id}` | {rule.label} | {link}{rule.paragraph} |"
    yield ""


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 (this is what the command is for)
