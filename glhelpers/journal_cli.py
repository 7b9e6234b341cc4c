"""`glhelpers journal`: what was written, what is still open, and how to bring it to an end."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

if TYPE_CHECKING:
    from glhelpers.actions.journal import Entry, Journal
    from glhelpers.actions.journal_story import Story
    from glhelpers.batch.settling import Settled

__all__ = ["journal_app"]

journal_app = typer.Typer(
    no_args_is_help=True, help="The memory of every write: what was sent, what came of it, what is still open."
)
_STILL_OPEN = 4
_COLOUR = {"APPLIED": "green", "NOOP": "green", "NOT_APPLIED": "yellow", "PUT_BACK": "yellow"}


@journal_app.command(name="list")
def list_writes(
    only_open: Annotated[bool, typer.Option("--open", help="Only writes whose outcome is not settled.")] = False,
    target: Annotated[str, typer.Option(help="Only writes to targets whose name or id holds this text.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="So many at most, the latest first.")] = 30,
) -> None:
    """List writes, the latest first; exit code 4 if the journal was changed behind glhelpers' back."""
    from glhelpers.actions.journal_story import OPEN, flaws, stories
    from glhelpers.evidence.words import action_in_words

    journal, out = _journal(), _console()
    found = [
        story
        for story in stories(journal)
        if (not only_open or story.state == OPEN) and target in f"{story.plan.target.name} {story.intent.target}"
    ]
    table = Table("write", "at (UTC)", "state", "what", Column("target", overflow="fold"), "by", "run")
    for story in found[:limit]:
        plan = story.plan
        table.add_row(
            story.short_id,
            story.entries[0].at[:19].replace("T", " "),
            _state(story.state) + (" [bold white on red]⚠ BREAK-GLASS[/]" if story.intent.break_glass else ""),
            action_in_words(plan.action),
            f"{escape(plan.target.name)} ({story.target})",
            escape(story.intent.operator),
            story.intent.run_id,
        )
    out.print(table if found else "No write fits." if only_open or target else "Nothing was ever written.")
    if len(found) > limit:
        out.print(f"… and {len(found) - limit} more; --limit shows them.")
    raise typer.Exit(_say_flaws(out, flaws(journal), journal))


@journal_app.command()
def show(
    write: Annotated[str, typer.Argument(help="The write's id, or its beginning.")],
    as_json: Annotated[bool, typer.Option("--json", help="The rows as one JSON list.")] = False,
) -> None:
    """Show one write row by row: intent, requests, answers, end."""
    from glhelpers.actions.journal_story import stories, story_of
    from glhelpers.evidence.words import action_in_words

    story, out = story_of(stories(_journal()), write), _console()
    if as_json:
        typer.echo(json.dumps([vars(entry) for entry in story.entries], ensure_ascii=False, indent=1))
        return
    plan, intent = story.plan, story.intent
    out.print(
        f"{_state(story.state)}  [bold]{action_in_words(plan.action)}[/] on [bold]{escape(plan.target.name)}[/] ({story.target}), "
        f"profile {escape(plan.profile)}"
    )
    out.print(
        f"  write {intent.id}\n  run {intent.run_id} by {escape(intent.operator)}, ticket {escape(plan.ticket_url)}"
    )
    out.print(f"  sent to {escape(intent.target.partition('|')[0])} by process {intent.pid} on {escape(intent.host)}")
    if intent.approved_by:
        out.print(
            f"  approved by {escape(intent.approved_by)}{escape(f' in {intent.approved_in}' if intent.approved_in else '')}"
        )
    if intent.break_glass:
        out.print(f"  [bold white on red]⚠ BREAK-GLASS[/] [red]approved alone: {escape(intent.break_glass)}[/]")
    table = Table("row", "at (UTC)", "kind", Column("what", overflow="fold"))
    for entry in story.entries:
        table.add_row(str(entry.seq), entry.at[:23].replace("T", " "), entry.kind, escape(_words(entry, story)))
    out.print(table)
    if story.state == "open":
        out.print(f"  To find out what became of it: glhelpers journal settle {story.short_id}")


@journal_app.command()
def settle(
    write: Annotated[str, typer.Argument(help="The write's id, or its beginning; without it, all open ones.")] = "",
    word: Annotated[
        str, typer.Option("--as", metavar="applied|not-applied", help="What you saw, where no read-back can tell.")
    ] = "",
    because: Annotated[str, typer.Option("--because", metavar="REASON", help="Where you looked; with --as.")] = "",
) -> None:
    """
    Read open writes back and record what became of them; nothing is sent again.

    Exit codes: 0 nothing is open any more of what was asked for, 4 something is.
    """
    from glhelpers.batch.settling import settle_open_writes
    from glhelpers.settings import load_settings

    settings, out = load_settings(), _console()
    if word:
        found = [_by_word(write, word, because)]
    else:
        with Console(stderr=True).status("Reading back ...") as status:
            found = settle_open_writes(
                settings, write, lambda story: status.update(f"Reading back {escape(story.plan.target.name)} ...")
            )
    for row in found:
        mark = _state(row.outcome.value) if row.outcome is not None else _state("open")
        out.print(f"{mark}  {row.story.short_id} {escape(row.story.plan.target.name)}: {escape(row.why)}")
    if not found:
        out.print("[green]✔[/] Nothing is open.")
    raise typer.Exit(0 if all(row.outcome is not None for row in found) else _STILL_OPEN)


def _by_word(write: str, word: str, because: str) -> Settled:
    from glhelpers.actions.journal_story import stories, story_of
    from glhelpers.batch.settling import BY_WORD, settle_by_word
    from glhelpers.errors import BadParameter
    from glhelpers.evidence.words import action_in_words
    from glhelpers.settings import load_settings

    if word not in BY_WORD:
        raise BadParameter(f"A write cannot be settled as {word[:30]!r}.", next_step=f"Say {' or '.join(BY_WORD)}.")
    journal = _journal()
    story = story_of(stories(journal), write)
    journal.close()
    _console().print(
        f"Your word, and your name, will stand in the journal for {action_in_words(story.plan.action)} on "
        f"{escape(story.plan.target.name)}. It is asked for only where the read-back cannot tell."
    )
    typed = typer.prompt(f"Type {story.plan.target.typed} to settle", default="", show_default=False)
    return settle_by_word(load_settings(), story.intent.id, BY_WORD[word], because, typed)


@journal_app.command()
def export(
    to: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A file; else the terminal.")] = None,
    masked: Annotated[bool, typer.Option("--masked", help="Mask personal data; the hashes then fit no more.")] = False,
) -> None:
    """Write every row as one JSON line, as it is kept, so that anybody can check the chain."""
    from glhelpers.evidence.redact import redact_json

    lines = []
    for row in _journal().kept_rows():
        if masked:
            row = {**row, "payload": json.dumps(redact_json(json.loads(row["payload"])), sort_keys=True)}
        lines.append(json.dumps(row, ensure_ascii=False))
    text = "".join(f"{line}\n" for line in lines)
    if to is None:
        typer.echo(text, nl=False)
        return
    _write_new(to, text)
    _console().print(f"[green]✔[/] {len(lines)} rows in {escape(str(to))}; the payloads name customers' namespaces.")


def _write_new(to: Path, text: str) -> None:
    from glhelpers.errors import BadParameter

    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadParameter(
            f"{to.name} cannot be written ({error.strerror}).", next_step="Name a file that does not exist yet."
        ) from None


def _journal() -> Journal:
    from glhelpers.actions.journal import Journal
    from glhelpers.settings import journal_url

    return Journal(journal_url())


def _console() -> Console:
    # In a pipe or a CI log there is no width to ask for.
    return Console(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 150)


def _state(state: str) -> str:
    if state == "open":
        return "[bold yellow]… open[/]"
    mark = "✔" if state in ("APPLIED", "NOOP") else "✘"
    return f"[bold {_COLOUR.get(state, 'red')}]{mark} {state}[/]"


def _say_flaws(out: Console, found: list[str], journal: Journal) -> int:
    for flaw in found:
        out.print(f"[bold red]✘[/] {flaw}")
    if found:
        out.print(
            "  What to do: keep a copy of the journal, and compare it with the run records and an earlier export."
        )
        return _STILL_OPEN
    out.print(f"[green]✔[/] The chain of {len(journal.kept_rows())} rows is whole.")
    return 0


def _words(entry: Entry, story: Story) -> str:
    said: dict[str, Any] = entry.payload
    match entry.kind:
        case "intent":
            changes = [change for change in story.plan.changes if change.before != change.after]
            return "; ".join(f"{change.label}: {change.before} -> {change.after}" for change in changes)
        case "sending":
            return f"request {said.get('step', 0) + 1}: {said.get('action')}"
        case "answer":
            event = said.get("audit_event_id")
            return f"{said.get('says')}" + (f" (Support Audit Event {event})" if event else "")
        case "settled":
            told = said.get("told")
            return f"{said.get('outcome')}" + (f", by the word of {told['by']}: {told['reason']}" if told else "")
        case _:
            return str(said.get("why", ""))
