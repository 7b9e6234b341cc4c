"""What a notebook's setup cell opens: a run where nobody sits, a seat with a form where somebody does."""

from __future__ import annotations

from typing import Any

from glhelpers.actions.catalogue import Runbook, runbook
from glhelpers.errors import BadParameter
from glhelpers.models.request import RunbookParameters, parse_parameters
from glhelpers.run import Run
from glhelpers.session import is_interactive, parameters_in
from glhelpers.settings import load_settings, require_tokens
from glhelpers.steps import STEPS

__all__ = ["STEPS", "open_runbook"]


def open_runbook(id: str, variables: dict[str, Any]) -> Any:
    """
    A run with the parameters among a notebook's variables; for a person, a `Seat` that makes it when they look up.

    Both offer the steps of `STEPS` as methods.  Without a person, raises `BadParameter` before anything is
    read if a parameter is unknown, missing or ill-typed; a person is told in the form.
    """
    book = runbook(id)
    given = parameters_in(variables, set(book.parameters.model_fields))
    if is_interactive():
        from glhelpers.seat.seat import take_seat  # widgets are only needed where a person sits

        return take_seat(book, given)
    asked = parse_parameters(book.parameters, given, id)
    settings = load_settings()
    if settings.profile != "sandbox":
        _refuse_examples(book, asked)
    require_tokens(settings)
    if not settings.driven:
        from glhelpers.evidence.keys import own_signer

        own_signer()  # a key that cannot be used is told now, not when the evidence of a change is to be sealed
    return Run(book, asked, settings)


def _refuse_examples(book: Runbook, asked: RunbookParameters) -> None:
    """A value left over from the demonstration would put a real change on somebody else's ticket."""
    left = [name for name, value in book.examples.items() if getattr(asked, name) == value]
    if left:
        raise BadParameter(
            f"{', '.join(left)} still holds the demonstration's value.",
            next_step="Put the values of your ticket into the parameters cell; leave empty what you do not have.",
        )
