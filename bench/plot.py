"""The lines of the table as bars: milliseconds a ticket."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment

from bench.table import Line

__all__ = ["svg"]

_LEFT, _BAR, _ROW, _TOP = 430, 420, 26, 30
_OURS, _PEER, _FLOOR = "#2da160", "#428fdc", "#868686"

# Colours that hold on a light and on a dark page; the figure stands beside each bar, so that none hangs on colour.
_DRAWN = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ width }} {{ height }}" role="img" aria-label="{{ label }}">
<style>
text { font: 13px system-ui, sans-serif; fill: #303030 }
@media (prefers-color-scheme: dark) { text { fill: #e0e0e0 } }
</style>
<text x="8" y="18" font-weight="bold">{{ title }}</text>
{% for bar in bars %}
<text x="{{ left - 10 }}" y="{{ bar.y + 15 }}" text-anchor="end">{{ bar.title }}</text>
<rect x="{{ left }}" y="{{ bar.y + 3 }}" width="{{ bar.width }}" height="17" rx="2" fill="{{ bar.fill }}"/>
<text x="{{ left + bar.width + 6 }}" y="{{ bar.y + 16 }}">{{ bar.word }}</text>
{% endfor %}
</svg>
""")


def svg(lines: Sequence[Line]) -> str:
    """The picture of the ways that did not fail."""
    drawn = [line for line in lines if not line.wrong]
    figures = [line.a_ticket * 1000 for line in drawn] or [1.0]
    longest = max(figures)
    bars = [
        {
            "title": line.way.title.replace("`", ""),
            "y": _TOP + _ROW * number,
            "width": max(2.0, round(figure / longest * _BAR, 1)),
            "fill": _fill(line),
            "word": f"{figure:.0f} ms",
        }
        for number, (line, figure) in enumerate(zip(drawn, figures, strict=False))
    ]
    return _DRAWN.render(
        width=_LEFT + _BAR + 80,
        height=_TOP + _ROW * len(drawn) + 12,
        left=_LEFT,
        title="Milliseconds a ticket (shorter is better)",
        label="Milliseconds a ticket. "
        + "; ".join(f"{line.way.title.replace('`', '')}: {line.a_ticket * 1000:.0f}" for line in drawn),
        bars=bars,
    )


def _fill(line: Line) -> str:
    return _OURS if line.way.forks else _PEER if line.way.writes else _FLOOR
