"""A training case as a card of HTML, for a notebook or a page; it gives neither hint nor solution away."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from glhelpers.evidence.render import environment, stylesheet
from glhelpers.rehearsal.case import Case

__all__ = ["case_card"]


@cache
def _environment() -> Environment:
    """Redacts, cleans and escapes as that of the evidence does; only the templates are others."""
    return environment().overlay(loader=PackageLoader("glhelpers.rehearsal"))


def case_card(case: Case, *, begun: bool = False) -> str:
    """
    The card of a case, with the style that it needs: ticket, goal, what it teaches, how it is started.

    Once it has `begun`, the ticket is there to be read, and nothing has to be started.
    """
    template = _environment().get_template("case.html")
    comments = [
        {"by": comment.by, "link": case.ticket.link_of(number), "lines": comment.says.splitlines()}
        for number, comment in enumerate(case.ticket.comments, 1)
    ]
    return template.render(case=case, begun=begun, comments=comments, css=Markup(stylesheet()))  # noqa: S704 - our own file
