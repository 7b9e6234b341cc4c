"""The notebook around a run: is a person there, which variables are parameters, how results show."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from typing import Any

from IPython.core.getipython import get_ipython
from pydantic import SecretStr

from glhelpers.errors import BadParameter

__all__ = ["View", "ask_portal_token", "is_interactive", "parameters_in"]


def is_interactive() -> bool:
    """
    Whether a person can answer.

    A front end such as JupyterLab allows input with every cell it sends; papermill, nbclient and
    nbval never do.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def parameters_in(variables: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """
    The parameters among a notebook's variables.

    Papermill injects a name it does not know without a word.  So a run without a person refuses
    every variable that is neither a parameter nor the setup cell's own; in a person's session other
    variables may lie around and are left alone.
    """
    if is_interactive():
        return {name: variables[name] for name in known if name in variables}
    shell = get_ipython()
    hidden = set(getattr(shell, "user_ns_hidden", ()))
    own = {"open_runbook", "run", "get_ipython", "exit", "quit", "open", "In", "Out"}
    names = [name for name in variables if not name.startswith("_") and name not in hidden | own]
    if any(not isinstance(variables[name], (str, int, float, bool, type(None), list, dict)) for name in names):
        raise BadParameter(
            "A cell before the setup defines more than parameters.", next_step="Keep only parameters there."
        )
    return {name: variables[name] for name in names}


def ask_portal_token() -> SecretStr | None:
    """
    Ask the person for the token that the portal keeps for the customer; None for an empty answer.

    A prompt, not a widget: a widget's value would be saved with the notebook.
    """
    told = getpass.getpass("The customer's portal token (nothing is shown; empty for none): ").strip()
    return SecretStr(told) if told else None


@dataclass(frozen=True)
class View:
    """A result as a cell shows it: HTML for notebooks, a line of text elsewhere."""

    html: str
    text: str
    extra: dict[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/html": self.html, "text/plain": self.text, **self.extra}

    def __repr__(self) -> str:
        return self.text
