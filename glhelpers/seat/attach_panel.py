"""After a run: see exactly what would be sent to the issue or the ticket, then send exactly that; copy the drafts."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from glhelpers.errors import GlhelpersError
from glhelpers.evidence.attach import Asked, attach_run
from glhelpers.evidence.attach_words import done, would_send
from glhelpers.gates.copying import linked, spoken, status_line, texts_to_copy
from glhelpers.models.record import Draft
from glhelpers.settings import Settings

__all__ = ["AttachPanel"]

_MARKS = {"open": "▢", "working": "…", "shown": "▶", "sent": "✔", "failed": "✘"}


class AttachPanel:
    """
    Attaches one closed run, after a preview.

    `save` asks the page to save the notebook and answers by `page_saved`; it is False where no page can. What
    was previewed is sent and nothing else: a change of issue or ticket asks for another preview.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        issue: str,
        ticket: str,
        drafts: Sequence[Draft],
        save: Callable[[], bool],
    ) -> None:
        self._folder, self._settings, self._save = folder, settings, save
        self.issue = _text("Issue", issue, "group/project#12; empty: not there")
        self.ticket = _text("Ticket", ticket, "link of the ticket; empty: not there")
        self.preview = _button("Preview what will be sent", "Sends nothing", "")
        self.attach = _button("Attach exactly this", "Sends what the preview shows", "primary")
        self.attach.disabled = True
        self.shown, self.message = widgets.HTML(), spoken()
        copies = texts_to_copy((f"{draft.title} ({draft.audience})", draft.body) for draft in drafts)
        head = f'<div class="glh">{copies}<h3 style="margin-top:1rem">Attach the evidence</h3></div>'
        buttons = widgets.HBox([self.preview, self.attach], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([widgets.HTML(head), self.issue, self.ticket, buttons, self.message, self.shown])
        self.box.add_class("glh-attach")
        for field in (self.issue, self.ticket):
            field.observe(self._changed, names="value")
        self.preview.on_click(lambda button: self._ask_to_save())
        self.attach.on_click(lambda button: self._send())
        self._say("open", "Nothing was sent. See first what would be sent.")

    def page_saved(self, *, saved: bool) -> None:
        """The page's answer: the notebook is on the disk, or it could not be put there."""
        if saved:
            self._show()
        else:
            self._say(
                "failed", "The notebook could not be saved, so there is nothing to attach yet. Save it, try again."
            )

    def _changed(self, change: dict[str, Any]) -> None:
        self.attach.disabled, self.shown.value = True, ""
        self._say("open", "Nothing was sent. See first what would be sent.")

    def _ask_to_save(self) -> None:
        self._say("working", "Saving the notebook ...")
        if not self._save():
            self._show()

    def _asked(self, *, dry_run: bool) -> Asked:
        return Asked(issue=self.issue.value.strip(), ticket=self.ticket.value.strip(), dry_run=dry_run)

    def _show(self) -> None:
        """Every byte of text that would be sent, and each file with size and digest."""
        self._say("working", "Putting together what would be sent ...")
        try:
            told = list(attach_run(self._folder, self._asked(dry_run=True), self._settings))
        except GlhelpersError as failed:
            self._say("failed", str(failed))
            return
        text = "\n\n".join("\n".join(would_send(one)) for one in told)
        self.shown.value = (
            '<div class="glh"><pre class="glh-d" tabindex="0" role="region" aria-label="What will be sent">'
            f"{html.escape(text)}</pre></div>"
        )
        self.attach.disabled = False
        self._say("shown", "This is what will be sent. Nothing was sent yet.")

    def _send(self) -> None:
        """A second press finds the button without effect until there is another preview."""
        if self.attach.disabled:
            return
        self.attach.disabled = True
        self._say("working", "Sending ...")
        said: list[str] = []
        try:
            for told in attach_run(self._folder, self._asked(dry_run=False), self._settings):
                said += [done(told), *told.notices]
        except GlhelpersError as failed:
            self._say("failed", " ".join([*said, str(failed)]))
            return
        self._say("sent", "This was sent, once:", said)

    def _say(self, state: str, text: str, items: Sequence[str] = ()) -> None:
        told = "".join(f"<li>{linked(item)}</li>" for item in items)
        line = status_line("attach", state, _MARKS[state], text)
        self.message.value = f'<div class="glh">{line}{f"<ul>{told}</ul>" if told else ""}</div>'


def _text(label: str, value: str, hint: str) -> widgets.Text:
    layout = widgets.Layout(width="min(100%, 46em)")
    return widgets.Text(
        description=label,
        value=value,
        placeholder=hint,
        tooltip=hint,
        layout=layout,
        style={"description_width": "13em"},
    )


def _button(text: str, tooltip: str, style: str) -> widgets.Button:
    layout = widgets.Layout(width="auto", max_width="100%")
    return widgets.Button(description=text, tooltip=tooltip, button_style=style, layout=layout)
