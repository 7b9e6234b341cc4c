"""Links to admin pages and values with copy buttons, as HTML for widgets; every value is text there, never markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

import ipywidgets as widgets

__all__ = ["link", "linked", "rows_to_copy", "spoken", "status_line", "texts_to_copy"]

_ADDRESS = re.compile(r"(https://[^\s<>\"']*[^\s<>\"'.,;:)])", re.ASCII)

# The value travels in an attribute, so that this script is the same for every button. Off https (and
# off this machine) browsers offer no clipboard; the old way of copying a selection works there.
_COPY = """
var button = this, told = button.nextElementSibling, text = button.dataset.copy;
function done() { told.textContent = 'copied'; }
function old() {
  var area = document.createElement('textarea');
  area.value = text; document.body.appendChild(area); area.select();
  told.textContent = document.execCommand('copy') ? 'copied' : 'not copied: select the text';
  area.remove(); button.focus();
}
if (navigator.clipboard) { navigator.clipboard.writeText(text).then(done, old); } else { old(); }
"""
_SCRIPT = html.escape(" ".join(_COPY.split()))


def link(url: str, text: str) -> str:
    """A link that opens in a tab of its own, which learns nothing of this page."""
    looks = "text-decoration:underline"  # the notebook's own style shows a link in a widget as plain text
    return f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer" style="{looks}">{html.escape(text)}</a>'


def linked(text: str) -> str:
    """A text in which every https address can be followed."""
    parts = _ADDRESS.split(text)
    return "".join(link(part, part) if number % 2 else html.escape(part) for number, part in enumerate(parts))


def rows_to_copy(rows: Iterable[tuple[str, str]]) -> str:
    """A table of labels and values, each value with a button that copies it."""
    body = "".join(
        f'<tr><th scope="row">{html.escape(label)}</th><td>{_value(label, value)}</td></tr>' for label, value in rows
    )
    return f'<table class="glh-t glh-copy"><tbody>{body}</tbody></table>' if body else ""


def texts_to_copy(texts: Iterable[tuple[str, str]]) -> str:
    """A button for each text, which copies all of it; the texts themselves are shown elsewhere."""
    items = "".join(f"<p>{_button(label, text, f'Copy: {label}')}</p>" for label, text in texts)
    return f"<h3>Copy a draft</h3>{items}" if items else ""


def _value(label: str, value: str) -> str:
    return f"<code>{html.escape(value)}</code> {_button(label, value)}"


def _button(label: str, value: str, words: str = "Copy") -> str:
    name, shown = html.escape(f"Copy {label}"), html.escape(value)
    return (
        f'<button type="button" class="jupyter-button" aria-label="{name}" data-copy="{shown}" onclick="{_SCRIPT}">{html.escape(words)}</button> '
        '<span role="status" aria-live="polite"></span>'
    )


def spoken() -> widgets.HTML:
    """
    A place for lines that change.

    A screen reader speaks what changes within a node that stays; what is shown here is made anew each time. So the
    page's own half makes the place itself one to be listened to.
    """
    place = widgets.HTML()
    place.add_class("glh-spoken")
    return place


def status_line(name: str, state: str, mark: str, text: str) -> str:
    """A line that a screen reader speaks when it changes: its state in a word and a sign, then the sentence."""
    return (
        f'<div class="glh-{name}-message glh-{name}-{state}" role="status" aria-live="polite">'
        f"<strong>{mark} {state.upper()}</strong> {html.escape(text)}</div>"
    )
