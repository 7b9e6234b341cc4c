"""The one Jinja2 environment: every value on its way into HTML is redacted, cleaned and escaped here."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from glhelpers.evidence.redact import redact_text

__all__ = ["environment", "macro", "stylesheet"]


def _harmless(value: object) -> object:
    """Redact and clean any value but markup of our own; autoescape does the rest."""
    if isinstance(value, (Markup, StrictUndefined)):
        return value
    return redact_text(str(value))


@cache
def environment() -> Environment:
    """The environment of all templates; autoescape is on for every one of them."""
    return Environment(
        loader=PackageLoader("glhelpers.evidence"),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def stylesheet() -> str:
    """The CSS of the cards; every selector begins with `.glh`, so nothing else on a page changes."""
    source, _, _ = environment().loader.get_source(environment(), "style.css")  # type: ignore[union-attr]
    return source.replace("\n", "")


def macro(name: str, *arguments: object) -> Markup:
    """What the macro of `cards.html` makes of the arguments."""
    template = environment().get_template("cards.html").module
    return Markup(getattr(template, name)(*arguments))  # noqa: S704 - made by our own autoescaping template
