"""
A person's seat at a runbook: the form, the profile, and the steps of the run that the form begins.

Nothing is read or kept before the first look-up.  A look-up with other parameters is another run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from glhelpers.actions.catalogue import CATALOGUE, Runbook
from glhelpers.clients.clients import open_clients
from glhelpers.errors import GlhelpersError, NotAuthenticated, RunbookContractError
from glhelpers.evidence import show
from glhelpers.evidence.words import STATUS_SIGNS
from glhelpers.gates.alive import close_all, watch_pages
from glhelpers.gates.presence import PRESENCE
from glhelpers.models.fact import FactState
from glhelpers.models.request import parse_parameters, ticket_number
from glhelpers.rehearsal.session import running_case
from glhelpers.run import Run
from glhelpers.sandbox_process import shows_demonstration
from glhelpers.seat.attach_panel import AttachPanel
from glhelpers.seat.front import Front
from glhelpers.seat.parameter_form import ParameterForm
from glhelpers.seat.standing import how_it_stands, progress
from glhelpers.seat.ticket_text import named_in, told_by_ticket
from glhelpers.seat.tokens import NAMES, ask_for, too_small, with_lent, with_tokens
from glhelpers.seat.training import TrainingPanel
from glhelpers.session import View
from glhelpers.settings import Settings, load_settings, profiles_to_choose, require_tokens

__all__ = ["Seat", "take_seat"]

_FRONT = Front()
_LEFT: dict[str, tuple[list[dict[str, str]], dict[str, str]]] = {}
"""By runbook: the parameters cells that the form has followed on, and what stands in the form since."""
_ASKED_FOR_MORE: set[tuple[str, str]] = set()
_TO_THE_GATE = ("look up", "confirm")
_FROM_THE_GATE = ("apply", "record")


def take_seat(book: Runbook, given: dict[str, Any]) -> Seat:
    """The seat that a setup cell opens; the pages that show this notebook speak with it from now on."""
    seat = Seat(book, {name: "" if value is None else str(value) for name, value in given.items()})
    _FRONT.serve(seat.greeting, seat.joined, seat.told)
    _FRONT.listen()
    watch_pages()
    return seat


@dataclass(frozen=True)
class _Closed:
    """A run that was recorded: what its last cell shows, and the panel below it."""

    view: View
    panel: AttachPanel


class Seat:
    """
    What `open_runbook` gives a person: shown, it is the form; its steps are those of the run that the form began.

    `cell` are the values of the parameters cell.  What was typed into the form since that cell was last
    changed is kept, so that running all cells again does not undo it.
    """

    def __init__(self, book: Runbook, cell: dict[str, str]) -> None:
        self.book, self._cell = book, cell
        self._run: Run | None = None
        self._closed: _Closed | None = None
        self._filled: tuple[int | None, dict[str, str]] = (None, {})
        self._hinted = False
        close_all("The runbook was opened anew.")
        self.settings: Settings = load_settings()
        values = self._begin_with()
        self.form = ParameterForm(
            book.parameters,
            values,
            on_changed=self._changed,
            on_go=self._go,
            on_ticket=self._fill_from_ticket,
        )
        self._head = widgets.HTML()
        self.profile = widgets.Dropdown(
            description="Profile",
            options=profiles_to_choose(),
            value=self.settings.profile,
            layout=widgets.Layout(width="min(100%, 46em)"),
            style={"description_width": "13em"},
            tooltip="Which services this notebook reaches",
        )
        self.profile.observe(self._switch, names="value")
        parts = [self._head, self.profile, self.form.box]
        case = running_case(self.settings)
        if case is not None:
            parts.insert(1, TrainingPanel(case, self.settings.runs_dir, on_ticket=self._take_ticket).box)
        if book.id == "start_here":
            parts.append(widgets.HTML(show.catalogue_card(_books())))
        self.box = widgets.VBox(parts)
        self.box.add_class("glh-seat")
        self._show_head()
        if values != cell:
            self._changed(values)

    def _begin_with(self) -> dict[str, str]:
        """What the form holds at first; the demonstration's values only where its customers are."""
        left = _LEFT.get(self.book.id)
        values = dict(left[1]) if left is not None and self._cell in left[0] else dict(self._cell)
        demonstrates = self.settings.profile == "sandbox" and shows_demonstration(self.settings.gitlab.base_url)
        return values if demonstrates else self._without_examples(values)

    def _without_examples(self, values: dict[str, str]) -> dict[str, str]:
        return {name: "" if self.book.examples.get(name) == value else value for name, value in values.items()}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        shown: dict[str, Any] = dict(self.box._repr_mimebundle_())
        return {**shown, "text/plain": f"{self.book.id} on profile {self._where()}"}

    def _where(self) -> str:
        return "PRODUCTION" if self.settings.production else self.settings.profile

    def _show_head(self) -> None:
        self._head.value = show.seat_head(
            self.book.title, self.book.purpose, self.settings.profile, self.settings.production, self.book.writes
        )

    # What the page's own half hears and tells.

    def greeting(self) -> dict[str, Any]:
        """What a page is told when it greets."""
        return {"profile": self.settings.profile, "production": self.settings.production, "runbook": self.book.id}

    def joined(self) -> None:
        """A page takes part: its buttons can run steps, and its parameters cell follows the form."""
        self.form.lets_go(True)
        if self.form.values != self._cell:
            self._write_cell()

    def told(self, said: dict[str, Any]) -> None:
        """What a page tells."""
        if said.get("connected_again"):
            close_all("The connection was lost for a while.")
        if self._closed is not None and ("saved" in said or "not_saved" in said):
            self._closed.panel.page_saved(saved="saved" in said)
        self._ended_at(str(said.get("ran", "")))
        if said.get("halted") == _TO_THE_GATE[1]:
            self.form.say("stopped", "A step below could not be finished: it says why, and what to do.")

    def _ended_at(self, step: str) -> None:
        """What follows once the page has run the steps as far as this one: below the button, and at once."""
        run = self._run
        if run is None:
            return
        if step == _TO_THE_GATE[1]:
            if not self._hinted:
                self.form.say(*how_it_stands(run))
            if self._has_nothing_to_ask():
                self._ask_page(_FROM_THE_GATE, read="check")  # what ended the run is what there is to read
        elif step == _FROM_THE_GATE[1] and run.known.plan is not None:
            self.form.say("ended", f"{STATUS_SIGNS[run.known.status].word}. Step 7 has the record.")

    def _has_nothing_to_ask(self) -> bool:
        """Whether the run has ended without a plan, so that its record can be closed at once."""
        run = self._run
        return (
            run is not None and self._closed is None and run.known.plan is None and run.ended and not run.lacks_a_sheet
        )

    def _write_cell(self) -> None:
        values = {name: value for name, value in self.form.values.items() if value or name in self._cell}
        if _FRONT.tell({"parameters": values}):
            self._cell = values

    def _ask_page(self, steps: tuple[str, str], *, read: str) -> bool:
        """Have the page run the steps from one to the other, and show one of them; False where no page can."""
        return _FRONT.tell({"run": list(steps), "show": read}, PRESENCE.now().session)

    def _go(self) -> None:
        if self._ask_page(_TO_THE_GATE, read="look up"):
            self.form.say("running", "Looking up; the steps below fill as the facts come in.")
        else:
            self.form.say("stopped", "This page cannot run the steps for you: run the cells below.")

    # The form.

    def _changed(self, values: dict[str, str]) -> None:
        before = self._cell
        self._write_cell()
        followed = _LEFT.get(self.book.id, ([], {}))[0]
        known = followed if before in followed else [before]  # a cell that a person has changed begins anew
        _LEFT[self.book.id] = ([*known, self._cell], values)

    def _switch(self, change: dict[str, Any]) -> None:
        """Another profile: other services, other tokens, and none of the values of the demonstration."""
        try:
            self.settings = with_lent(load_settings(change["new"], switched=True))
        except GlhelpersError as wrong:
            self.profile.value = change["old"]
            self.form.say("stopped", str(wrong))
            return
        close_all(f"The profile is {self.settings.profile} now.")
        self._run = self._closed = None
        self._show_head()
        _FRONT.tell(self.greeting())
        if self.settings.profile != "sandbox":
            self.form.fill(self._without_examples(self.form.values))

    def _fill_from_ticket(self, link: str) -> None:
        """Put what the ticket names into the fields that are empty; of several candidates the person chooses."""
        number = ticket_number(link)
        if number is None:
            self.form.say("mend", "That is no link to a ticket such as https://gitlab.zendesk.com/agent/tickets/1002.")
            return
        self.form.say("running", f"Reading ticket {number} ...")
        try:
            settings = with_lent(self.settings)
            require_tokens(settings)
            with open_clients(settings) as clients:
                ticket, comments = clients.zendesk.ticket(number), clients.zendesk.comments(number)
        except GlhelpersError as failed:
            self.form.say("stopped", f"Ticket {number} could not be read: {failed}")
            return
        named = named_in([ticket.subject or "", *(comment.body for comment in comments)])
        others = self._of_another_ticket(number)
        empty = {name for name, value in self.form.values.items() if not value or name in others}
        sure = {name: found[0] for name, found in named.items() if name in empty and len(found) == 1}
        several = {name: found for name, found in named.items() if name in empty and len(found) > 1}
        self.form.fill({**dict.fromkeys(others, ""), **sure})
        self._filled = (number, sure)
        self.form.say("told", told_by_ticket(number, ticket.subject, sure, several, others))

    def _take_ticket(self, link: str) -> None:
        """Put a ticket's link into the form, and with it what the ticket names."""
        self.form.fill({"ticket_url": link})
        self._fill_from_ticket(link)

    def _of_another_ticket(self, number: int) -> dict[str, str]:
        """What the form holds of the demonstration's ticket, or of the one that filled it before, untouched since."""
        example = {name: value for name, value in self.book.examples.items() if name != "ticket_url"}
        sources = [(ticket_number(self.book.examples.get("ticket_url", "")), example), self._filled]
        left = [item for of, values in sources if of != number for item in values.items()]
        return {name: value for name, value in left if value and self.form.values.get(name) == value}

    # The steps.

    def look_up(self) -> Any:
        """Begin the run that the form asks for, or look up again for the one that has begun."""
        close_all("The facts were looked up again.")
        asked = parse_parameters(self.book.parameters, dict(self.form.values), self.book.id)
        self.settings = with_tokens(self.settings)
        require_tokens(self.settings)
        from glhelpers.evidence.keys import own_signer

        own_signer()  # a key that cannot be used is told now, not when the evidence of a change is to be sealed
        run = self._run
        if (
            run is None
            or self._closed is not None
            or run.asked != asked
            or run.settings.profile != self.settings.profile
        ):
            run = self._new_run(asked)
        else:
            run.use(self.settings)
        with progress(run):
            view = self._with_more_rights(run, self._looked_up(run))
        self._hint_at_profile(run)
        return view

    def _new_run(self, asked: Any) -> Run:
        before, self._closed = self._run, None
        run = self._run = Run(self.book, asked, self.settings)
        if before is not None and before.settings.profile == self.settings.profile and not asked.portal_facts:
            run.keep_sheet_of(before)
        run.can_apply, run.on_apply = lambda: _FRONT.there, lambda: self._ask_page(_FROM_THE_GATE, read="apply")
        return run

    def _looked_up(self, run: Run) -> Any:
        """Look up; a token that is refused can be replaced in place, once."""
        try:
            return run.look_up()
        except NotAuthenticated as refused:
            service = refused.service
            if service not in NAMES:
                raise
            changed = ask_for(self.settings, service, refused.message)
            if changed is self.settings:
                raise
        return self._again_with(run, changed)

    def _again_with(self, run: Run, changed: Settings) -> Any:
        self.settings = changed
        run.use(changed)
        return run.look_up()

    def _with_more_rights(self, run: Run, view: Any) -> Any:
        """
        Where a service refused or hid something, a token that may do more can be given in place.

        It is asked for once in a kernel: a token that may do no more is no mistake, and unknown stays unknown.
        """
        for service in NAMES:
            asked = (self.settings.profile, service)
            why = None if asked in _ASKED_FOR_MORE else too_small(self.settings, service, run.known.facts)
            if why is None:
                continue
            _ASKED_FOR_MORE.add(asked)
            changed = ask_for(self.settings, service, why)
            if changed is not self.settings:
                view = self._again_with(run, changed)
        return view

    def _hint_at_profile(self, run: Run) -> None:
        """Where nothing that was named is known, the profile may be the wrong one."""
        named = [fact for fact in run.known.facts if fact.name in ("namespace", "subscription", "ticket", "account")]
        self._hinted = bool(named) and all(fact.state is FactState.absent for fact in named)
        if self._hinted:
            text = (
                f"Nothing that was named is known on profile {self.settings.profile}. If it is another one that is meant, "
                "choose it in the form above and look up again."
            )
            self.form.say("stopped", text)

    def check(self) -> Any:
        """See `Run.check`."""
        return self._open_run().check()

    def plan(self) -> Any:
        """See `Run.plan`."""
        return self._open_run().plan()

    def confirm(self) -> Any:
        """See `Run.confirm`."""
        return self._open_run().confirm()

    def apply(self) -> Any:
        """See `Run.apply`."""
        return self._open_run().apply()

    def verify(self) -> Any:
        """See `Run.verify`."""
        return self._open_run().verify()

    def record(self) -> Any:
        """See `Run.record`, and the panel that attaches it; once it is closed, both are only shown again."""
        if self._closed is None:
            run = self._open_run()
            view = run.record()
            panel = AttachPanel(
                run.folder.path,
                run.settings,
                issue=run.asked.issue,
                ticket=run.asked.ticket_url,
                drafts=run.known.drafts,
                save=lambda: _FRONT.tell({"save": run.known.run_id}, PRESENCE.now().session),
            )
            self._closed = _Closed(view, panel)
        display(self._closed.view)
        return self._closed.panel.box

    @property
    def run(self) -> Run:
        """The run that the last look-up began; raises `RunbookContractError` where none did."""
        if self._run is None:
            raise RunbookContractError(
                "Nothing was looked up yet.", next_step="Fill in the form and run the step 'look up'."
            )
        return self._run

    @property
    def gate(self) -> Any:
        """The gate that the step `confirm` showed last, or None."""
        return self.run.gate

    def _open_run(self) -> Run:
        if self._closed is not None:
            raise RunbookContractError(
                "This run is closed and its evidence is sealed.",
                next_step="Run the step 'look up' again: that begins a new run.",
            )
        return self.run


def _books() -> list[tuple[str, str, str, bool]]:
    return [(book.id, book.title, book.purpose, book.writes) for book in CATALOGUE.values() if book.id != "start_here"]
