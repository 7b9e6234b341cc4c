"""Seats and compute minutes as bars: what is drawn where, and the same in one sentence for who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from glhelpers.evidence.render import macro
from glhelpers.models.record import Minutes, Seats

__all__ = ["minutes_svg", "seats_svg"]

_WIDTH = 440
_CALM, _GOOD, _WARN, _BAD = "#428fdc", "#2da160", "#c17d10", "#dd2b0e"


@dataclass(frozen=True)
class _Row:
    """One bar: `most` beyond `amount` is drawn open, for a figure that is only known within bounds."""

    label: str
    amount: int | None
    fill: str
    most: int | None = None
    words: str | None = None

    @property
    def value(self) -> str:
        if self.words is not None:
            return self.words
        if self.amount is None:
            return "not known"
        exact = self.most is None or self.most == self.amount
        return f"{self.amount}" if exact else f"{self.amount} to {self.most}"


def seats_svg(seats: Seats) -> Markup:
    """The seats bars: in subscription, in use, max used, owed, new, and the forecast both ways."""
    rows = [
        _Row("Seats in subscription now", seats.seats_in_subscription, _CALM),
        _Row("Seats in use", seats.seats_in_use, _GOOD),
        _Row("Max seats used this term", seats.max_seats_used, _GOOD),
        _Row("Seats owed now", seats.seats_owed, _BAD),
    ]
    if seats.new_seats is not None:
        rows.append(_Row("Seats of the new subscription", seats.new_seats, _CALM))
        rows.append(_Row("Seats needed under the new plan", seats.needed_low, _GOOD, most=seats.needed_high))
        rows.append(_Row("Would be owed if max seats used is reset", seats.owed_if_reset, _WARN))
        rows.append(_Row("Would be owed if max seats used is carried over", seats.owed_if_carried_over, _WARN))
    words = _true_up(seats) if seats.new_seats is not None else ""
    return _drawn("Seats", rows, words, mark=seats.new_seats, mark_label="| seats of the new subscription")


def _true_up(seats: Seats) -> str:
    """What the forecast means for whoever pays (docs: quarterly reconciliation; annual true-up)."""
    low, high = seats.owed_if_reset, seats.owed_if_carried_over
    if low is None and high is None:
        return "Forecast: how many seats would be owed is not known, so what a true-up would cost is not known."
    figures = sorted({figure for figure in (low, high) if figure is not None})
    if figures == [0]:
        return "Forecast: no seat would be owed, so there is nothing for a true-up to bill."
    most = figures[-1]
    owed = f"{most} seat{'s' if most != 1 else ''}" if len(figures) == 1 else f"{figures[0]} to {most} seats"
    if low is None or high is None:
        owed = f"at least {owed}"
    return (
        f"Forecast: {owed} would be owed. A true-up bills the customer for each of them: by the quarters that are left of "
        "the term where usage is reconciled each quarter, for the whole year where it is not. Education and open "
        "source programmes pay nothing for them."
    )


def minutes_svg(minutes: Minutes) -> Markup:
    """The compute minutes bars: quota before and after, used this month, additional units before and after."""
    rows = [
        _quota("Quota a month, before", minutes.quota_before),
        _quota("Quota a month, after", minutes.quota_after),
        _Row("Used this month (a new plan does not reset it)", minutes.used, _GOOD),
        _Row("of it from additional minutes", minutes.used_of_additional, _WARN),
        _Row("Additional minutes, before", minutes.additional, _CALM),
        _Row("Additional minutes, after", minutes.additional_after, _CALM),
    ]
    return _drawn("Compute minutes", rows)


def _quota(label: str, quota: int | None) -> _Row:
    return _Row(label, quota, _CALM, words="unlimited" if quota == 0 else None)


def _drawn(title: str, rows: list[_Row], words: str = "", *, mark: int | None = None, mark_label: str = "") -> Markup:
    """Title, bars, and what they mean, as one block."""
    largest = max((figure for row in rows for figure in (row.amount or 0, row.most or 0)), default=0)
    full = max(largest, mark or 0, 1)
    bars = [
        {
            "label": row.label,
            "value": row.value,
            "width": _length(row.amount, full),
            "extra": max(0, _length(row.most, full) - _length(row.amount, full)),
            "fill": row.fill,
        }
        for row in rows
    ]
    sentence = "; ".join(f"{row.label}: {row.value}" for row in rows) + "."
    return macro("picture", title, sentence, bars, _line(mark, full, mark_label), words)


def _line(mark: int | None, full: int, label: str) -> dict[str, object] | None:
    if mark is None:
        return None
    x = _length(mark, full)
    anchor = "end" if x > _WIDTH / 2 else "start"
    return {"x": x, "text_x": x, "anchor": anchor, "label": f"{label}: {mark}"}


def _length(amount: int | None, full: int) -> int:
    """Length of a bar; what is not nothing is never invisible."""
    if not amount or amount < 0:
        return 0
    return max(2, round(_WIDTH * amount / full))
