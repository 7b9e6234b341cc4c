"""What GitLab does with the text of a note besides showing it: quick actions are carried out, mentions notify people."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glhelpers.sandbox.store import Doc, Store

__all__ = ["carry_out", "mentions", "split"]

# More is taken for live here than on GitLab.com, where a command must stand at the very start of its line.
_ACTION = re.compile(r"^[ \t]*/(close|reopen|label|unlabel|relabel|assign|unassign|confidential|lock|title)\b(.*)$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_MENTION = re.compile(r"(?<![\w\\/@.])@([A-Za-z0-9_][\w.-]*)")
_LABEL = re.compile(r'~"([^"]+)"|~(\S+)')


def split(body: str) -> tuple[str, list[tuple[str, str]]]:
    """The text without its quick actions, and these: name and what follows it."""
    kept: list[str] = []
    actions: list[tuple[str, str]] = []
    for line, in_code in _lines(body):
        match = None if in_code else _ACTION.match(line)
        if match:
            actions.append((match[1], match[2].strip()))
        else:
            kept.append(line)
    return "\n".join(kept).strip(), actions


def mentions(body: str) -> list[str]:
    """Who is notified: every name behind an @ that is neither in code nor behind a backslash."""
    text = "\n".join(line for line, in_code in _lines(body) if not in_code)
    return sorted(set(_MENTION.findall(_CODE.sub("", text))))


def carry_out(store: Store, project: Doc, issue: Doc, actions: list[tuple[str, str]]) -> Doc:
    """The issue as the actions leave it; what is not modelled only counts as carried out."""
    changed = dict(issue)
    for name, given in actions:
        labels = [first or second for first, second in _LABEL.findall(given)]
        if name in ("close", "reopen"):
            changed["state"] = "closed" if name == "close" else "opened"
        elif name == "label":
            known = [label for label in labels if store.get("label", f"{project['id']}/{label}") is not None]
            changed["labels"] = list(dict.fromkeys([*changed["labels"], *known]))
        elif name == "unlabel":
            changed["labels"] = [label for label in changed["labels"] if labels and label not in labels]
        elif name == "title" and given:
            changed["title"] = given
    return store.put("issue", f"{project['id']}/{issue['iid']}", changed) if actions else issue


def _lines(body: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a fenced block of code."""
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
            yield line, True
        elif mark and line.strip() == fence:
            fence = ""
            yield line, True
        else:
            yield line, bool(fence)
