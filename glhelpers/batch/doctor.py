"""What is configured, what answers, what is missing, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa

from glhelpers.actions.catalogue import notebook_path
from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import OPEN, flaws, stories
from glhelpers.clients.clients import Clients, open_clients
from glhelpers.errors import GlhelpersError, NotFound
from glhelpers.settings import Settings, load_settings

__all__ = ["Row", "examine"]

_NEEDED = {"api", "admin_mode"}


@dataclass(frozen=True)
class Row:
    """One thing looked at: well or not, how it stands, what to do about it."""

    what: str
    well: bool
    how: str
    mend: str = ""


def examine() -> list[Row]:
    """Look at settings, services, tokens, journal and notebooks; never raises a foreseen error."""
    try:
        settings = load_settings()
    except GlhelpersError as error:
        return [Row("settings", False, error.message, error.next_step or "")]
    kind = "PRODUCTION" if settings.production else "not production"
    rows = [Row("profile", True, f"{settings.profile} ({kind}), you are {settings.operator}")]
    with open_clients(settings) as clients:
        rows += [
            _row("GitLab.com", lambda: f"{settings.gitlab.base_url}, signed in as {clients.gitlab.me().username}"),
            _token_row(clients),
            _row("CustomersDot", lambda: _customersdot(settings, clients)),
            _row("Zendesk", lambda: f"{settings.zendesk.base_url}{_answers(lambda: clients.zendesk.ticket(1))}"),
        ]
    rows.append(_journal_row(settings))
    rows.append(_row("runs", lambda: str(settings.runs_dir)))
    rows.append(_row("notebooks", lambda: str(notebook_path("force_associate").parent.name)))
    return rows


def _row(what: str, look: Callable[[], str]) -> Row:
    try:
        return Row(what, True, look())
    except GlhelpersError as error:
        return Row(what, False, error.message, error.next_step or "")


def _token_row(clients: Clients) -> Row:
    try:
        token = clients.gitlab.own_token()
    except GlhelpersError as error:
        return Row("GitLab.com token", False, error.message, error.next_step or "")
    missing = sorted(_NEEDED - set(token.scopes))
    expires = f", expires {token.expires_at.isoformat()}" if token.expires_at else ""
    if missing:
        return Row("GitLab.com token", False, f"lacks scope {', '.join(missing)}", "Make a token with these scopes.")
    return Row("GitLab.com token", True, f"scopes {', '.join(token.scopes)}{expires}")


def _customersdot(settings: Settings, clients: Clients) -> str:
    if settings.by_hand:
        return f"{settings.customersdot.base_url}, driver manual: a person looks up and acts in its admin pages"
    answers = _answers(lambda: clients.customersdot.orders(gl_namespace_id="1"))
    return f"{settings.customersdot.base_url}, driver {settings.customersdot_driver}{answers}"


def _answers(ask: Callable[[], object]) -> str:
    """Asking for a thing that need not exist shows that address and token are accepted."""
    try:
        ask()
    except NotFound:
        return ", answers"
    return ", answers"


def _journal_row(settings: Settings) -> Row:
    try:
        with closing(Journal(settings.journal_url)) as journal:
            found, told = flaws(journal), stories(journal)
    except GlhelpersError as error:
        return Row("journal", False, error.message, error.next_step or "")
    if found:
        return Row(
            "journal", False, " ".join(found), "Keep a copy, and look at what was written with: glhelpers journal list"
        )
    waiting = sum(story.state == OPEN for story in told)
    kind = sa.make_url(settings.journal_url).get_backend_name()
    how = f"{len(told)} writes in {kind}, chain whole"
    return Row(
        "journal",
        not waiting,
        how + (f", {waiting} open" if waiting else ""),
        "glhelpers journal settle" if waiting else "",
    )
