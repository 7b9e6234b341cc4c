"""What a ticket names: subscriptions, groups, issues and accounts that stand in its text in full."""

from __future__ import annotations

import re
from collections.abc import Sequence

from glhelpers.evidence.text import one_line
from glhelpers.models.parameter_words import PARAMETERS

__all__ = ["named_in", "told_by_ticket"]

_SUBSCRIPTION = re.compile(r"(?<![\w-])A-S[0-9]{8,12}(?![\w-])", re.ASCII)
_GROUP = re.compile(r"https://gitlab\.com/(?:groups/)?([A-Za-z0-9_][A-Za-z0-9_./-]*)", re.ASCII)
_ISSUE = re.compile(r"https://gitlab\.com/([A-Za-z0-9_./-]+?)/-/(?:issues|work_items)/([1-9][0-9]{0,9})", re.ASCII)
_ACCOUNT = re.compile(r"https://customers\.gitlab\.com/admin/customer/([1-9][0-9]{0,14})(?![0-9])", re.ASCII)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)

_NO_GROUPS = frozenset(
    [
        "-",
        "admin",
        "api",
        "dashboard",
        "explore",
        "help",
        "import",
        "jwt",
        "oauth",
        "profile",
        "projects",
        "public",
        "search",
        "uploads",
        "users",
    ]
) | {"gitlab-com", "gitlab-org", "groups"}
"""First parts of a path that are pages of GitLab.com, or GitLab's own groups, whose issues a ticket often names."""


def named_in(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """
    The parameters that the texts of a ticket name, each with all values found, in the order of their first mention.

    Only what is written in full counts; that somebody wrote it does not make it true, so it is a proposal.
    A group is its top-level group.
    """
    text = "\n".join(texts)
    issues = [f"{path}#{number}" for path, number in _ISSUE.findall(text)]
    tops = [path.split("/")[0].rstrip(".") for path in _GROUP.findall(_ISSUE.sub(" ", text))]
    found = {
        "subscription_name": _SUBSCRIPTION.findall(text),
        "namespace": [top for top in tops if top not in _NO_GROUPS],
        "issue": issues,
        "customer_id": _ACCOUNT.findall(text),
        "customer_email": [
            one for one in _ADDRESS.findall(text) if not one.lower().endswith(("@gitlab.com", ".zendesk.com"))
        ],
    }
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items() if values}


def told_by_ticket(
    number: int,
    subject: str | None,
    sure: dict[str, str],
    several: dict[str, tuple[str, ...]],
    others: dict[str, str],
) -> str:
    """
    What a ticket told, in a line: `sure` was filled in, of `several` one is to be chosen, `others` was taken out.

    All three are by the parameter's name.
    """
    about = f"Ticket {number}" + (f" ({one_line(subject)[:120]})" if subject else "")
    gone = [_labelled(name, value) for name, value in others.items() if name not in sure]
    parts = [f"taken out, as of another ticket: {', '.join(gone)}"] if gone else []
    if sure:
        parts.append(f"filled in: {', '.join(_labelled(name, value) for name, value in sure.items())}")
    parts += [f"{PARAMETERS[name].label} could be {' or '.join(found)}: choose" for name, found in several.items()]
    return f"{about}: {'; '.join(parts)}. Check each." if parts else f"{about} names nothing that is missing here."


def _labelled(name: str, value: str) -> str:
    return f"{PARAMETERS[name].label} {value}"
