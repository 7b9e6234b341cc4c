"""An admin page's form as a value, and what a person says that the page answered."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from glhelpers.models.base import OwnModel

__all__ = ["LONGEST_ANSWER", "AnswerKind", "FormField", "ManualAnswer", "ManualForm", "one_line"]

LONGEST_ANSWER = 500
"""Of what a page said, so many characters are kept."""

AnswerKind = Literal["success", "refused", "not_done", "no_answer"]


class FormField(OwnModel):
    """One field of the form: its label on the page, and exactly what goes into it."""

    label: str
    value: str


class ManualForm(OwnModel):
    """
    A form for a person to fill in: `url` leads to it, `place` says in words where it is found.

    `success` is what the page shows when it worked; `read_back` what the person can look at
    afterwards; `note` a line to leave in the admin note, where one is asked for.
    """

    action: str
    title: str
    url: str
    place: str
    fields: tuple[FormField, ...]
    button: str
    success: str
    read_back: tuple[str, ...] = ()
    warning: str
    note: str | None = None


def one_line(value: object) -> object:
    """The text in one line without control or direction marks, cut off where it grows long; other values as they are."""
    if not isinstance(value, str):
        return value
    kinds = ((char, unicodedata.category(char)) for char in value[: 4 * LONGEST_ANSWER])
    visible = "".join(
        " " if kind in ("Cc", "Zl", "Zp") else char for char, kind in kinds if kind == "Cc" or kind[0] != "C"
    )
    return " ".join(visible.split())[:LONGEST_ANSWER].rstrip()


class ManualAnswer(OwnModel):
    """
    A person's word on what an admin page answered.

    `success`: it showed success; `refused`: it showed an error, whose text is `text`; `not_done`: the
    button was not pressed; `no_answer`: it was, and no usable answer came, so what became of it must
    be read back.
    """

    action: str
    kind: AnswerKind
    text: Annotated[str, BeforeValidator(one_line)] = ""
    answered_by: str = Field(min_length=1)
    answered_at: AwareDatetime

    @property
    def says(self) -> str:
        """The answer in the words of a receipt."""
        match self.kind:
            case "success":
                return "success"
            case "refused":
                return f"refused: {self.text or 'without a reason'}"
            case "no_answer":
                return f"no usable answer: {self.text or 'the page showed none'}"
            case "not_done":
                return "not sent: the button was not pressed"

    @property
    def sent(self) -> bool:
        """Whether the request may have reached the service."""
        return self.kind != "not_done"
