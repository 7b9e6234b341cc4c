"""
One run of one runbook, from parameters to record: what a notebook's setup cell opens.

Each step may be run again at any time; running one again forgets everything after it, an approval
included.  The record is rewritten after every step, so that it is true wherever the run ends.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glhelpers import clock
from glhelpers.acting import Acting
from glhelpers.actions.catalogue import Runbook
from glhelpers.actions.reading import Reader
from glhelpers.by_hand import needs_a_person
from glhelpers.evidence import show
from glhelpers.evidence.answers import keep_answers
from glhelpers.evidence.folder import redacted_record
from glhelpers.evidence.markdown import summary_markdown
from glhelpers.evidence.page import html_page
from glhelpers.evidence.record import Known
from glhelpers.evidence.redact import redact_json
from glhelpers.evidence.secrets import register_tokens
from glhelpers.gates.issue_notes import FROM_ISSUE
from glhelpers.handing_on import can_be_taken_back, filled_notebooks, way_back
from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord
from glhelpers.models.request import RunbookParameters
from glhelpers.models.sheet import PortalSheet
from glhelpers.session import View, ask_portal_token, is_interactive
from glhelpers.sessions import remember_notebook
from glhelpers.settings import Settings
from glhelpers.steps import begun, folder_of

if TYPE_CHECKING:
    from glhelpers.gates.widget import ConfirmGate

__all__ = ["Run"]

_ONLY_LOOKED = "Nothing stands against the change. This run only looked, so no plan was made."


class Run(Acting):
    """One run: call the steps in the order of `STEPS`; each returns what its cell shows."""

    def __init__(self, book: Runbook, asked: RunbookParameters, settings: Settings) -> None:
        folder = folder_of(settings, asked.ticket_url, book.id)
        known = begun(book.id, asked, settings, folder)
        register_tokens(settings)
        super().__init__(book, asked, settings, known, folder)
        self.on_looked_up: Callable[[str], None] = lambda label: None
        self.on_apply: Callable[[], bool] = lambda: False
        self.can_apply: Callable[[], bool] = lambda: False

    def use(self, settings: Settings) -> None:
        """Go on with other tokens; what was looked up with the old ones is asked again."""
        self.settings, self._clients = settings, None
        register_tokens(settings)

    @property
    def gate(self) -> ConfirmGate | None:
        """The gate that `confirm` showed last, where a person sits."""
        return self._gate

    @property
    def ended(self) -> bool:
        """Whether the rules have decided that nothing is to be planned, or a change was settled already."""
        return self.known.decision is not None and self._ended()

    @property
    def lacks_a_sheet(self) -> bool:
        """Whether a person still has to look something up by hand."""
        return bool(self._open_clients().to_look_up)

    def keep_sheet_of(self, before: Run) -> None:
        """Take over what a person looked up by hand for an earlier run of the same seat; it keeps its own time."""
        self._sheet = before._sheet

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        where = "PRODUCTION" if self.settings.production else self.settings.profile
        given = "".join(
            f"<li>{html.escape(name)}: <code>{html.escape(str(value))}</code></li>"
            for name, value in redact_json(self.known.parameters).items()
            if value is not None
        )
        head = (
            f"<p><strong>{html.escape(self.book.title)}</strong> on profile <strong>{html.escape(where)}</strong></p>"
        )
        return {"text/html": f"{head}<ul>{given}</ul>", "text/plain": f"{self.book.id} on profile {where}"}

    # The steps, in the order in which a notebook takes them.

    def look_up(self) -> Any:
        """Look up the facts, side by side; settle first what an earlier run may have left open."""
        with self._step("look up"):
            self._desk = None
            self._borrow_token()
            self.reader = Reader(told=self._open_clients().told, progress=self.on_looked_up)
            self._facts = self._collect(self.reader)
            self.known.facts = self._facts.all()
            self.known.seats, self.known.minutes = self.book.seats(self._facts), self.book.minutes(self._facts)
            view = View(show.facts_table(self.known.facts), _facts_in_words(self.known))
            return self._with_form(view) if self._open_clients().to_look_up and is_interactive() else view

    def _borrow_token(self) -> None:
        """Where the parameters ask for it and a person sits here: the portal's token, for this run's memory only."""
        wanted = getattr(self.asked, "ask_for_token", "") == "yes"
        if wanted and self.settings.portal_token is None and is_interactive():
            self.settings, self._clients = replace(self.settings, portal_token=ask_portal_token()), None
            register_tokens(self.settings)

    def _with_form(self, view: View) -> Any:
        """The facts so far, and a form for what a person has to look up in the admin pages."""
        from IPython.display import display

        from glhelpers.gates.look_up_form import LookUpForm  # widgets are only needed where a person sits

        display(view)
        missing = self._open_clients().to_look_up
        return LookUpForm(missing, self.settings.operator, _now, self._take_sheet, sheet=self._sheet).box

    def _take_sheet(self, sheet: PortalSheet) -> None:
        self._sheet, self._clients = sheet, None

    def check(self) -> View:
        """Put the rules to the facts and decide."""
        with self._step("check", needs="look up"):
            self._settle_open_write()
            findings, decision = self._judge(self._facts)
            self.known.findings, self.known.decision = findings, decision
            if self.known.receipt is None and decision.status is not None:
                self._conclude_with(decision.status, decision.why, decision.next_step)
            self._write_texts(decision)
            pictures = [show.seats_picture(self.known.seats)] if self.known.seats is not None else []
            pictures += [show.minutes_picture(self.known.minutes)] if self.known.minutes is not None else []
            ends = (
                [] if decision.status is None else [show.stop_card(decision.status, decision.why, decision.next_step)]
            )
            body = [
                *ends,
                show.decision_path(decision, decision.stages, words=not ends),
                show.findings_table(findings),
                *pictures,
            ]
            return View("".join(body) + self._go_on(), f"{decision.status or 'no objection'}: {decision.why}")

    def _go_on(self) -> str:
        """The runbooks to go on with; where a person sits, each as a notebook to open."""
        following = self.known.next_runbooks
        if not following:
            return ""
        notebook = self.settings.session_notebook
        links = filled_notebooks(following, notebook.parent) if is_interactive() and notebook is not None else {}
        return show.next_card(following, links)

    def _way_back(self, record: RunRecord) -> str:
        """A quiet line on how the change can be taken back; where a person sits, with the notebook to open."""
        if not can_be_taken_back(record) or self.settings.driven:
            return ""
        notebook, link = self.settings.session_notebook, None
        if is_interactive() and notebook is not None:
            link = next(iter(filled_notebooks(way_back(record, self._open_journal()), notebook.parent).values()), None)
        return show.way_back_line(link, f"glhelpers undo {_shown(self.folder.path)}")

    def plan(self) -> View:
        """Make the plan, where nothing stands against one, and write it to `plan.json`."""
        with self._step("plan", needs="check"):
            if self._ended():
                return self._nothing("No plan")
            if self.settings.read_only:
                self._conclude_with(Status.stopped, _ONLY_LOOKED, None)
                return self._nothing("No plan")
            self.known.plan = plan = self._plan(self._facts, self.known.findings)
            self._conclude_with(Status.awaiting_approval, "The plan waits for approval; nothing was written.", None)
            self.folder.write_json("plan.json", self._plan_file(plan))
            return View(show.plan_card(plan), f"plan {plan.digest[:12]} for {plan.target.name}")

    def confirm(self) -> Any:
        """
        Ask a person, or read the approval that a person gave before.

        In JupyterLab this shows the gate; without a person only an approval file opens it.
        """
        with self._step("confirm", needs="plan"):
            self._gate, plan = None, self.known.plan
            if self._desk is not None:
                return self._nothing("A form of an admin page is open below")
            if self.asked.approval == FROM_ISSUE and self.known.receipt is None:
                self._take_from_issue(plan)
            elif self.asked.approval and self.known.receipt is None:
                self._take_from_file(Path(self.asked.approval), plan)
            answered = self.known.stale or self.known.approval is not None or self.known.receipt is not None
            if plan is None or answered or not is_interactive():
                return self._nothing("Gate")
            from glhelpers.gates.widget import ConfirmGate  # widgets are only needed where a person sits

            self._gate = ConfirmGate(
                self._plan_file(plan),
                card=show.plan_card(plan),
                operator=self.settings.operator,
                lasts=self._approvals_last(),
                clock=_now,
                spent=self._open_journal().spent,
                find_note=(lambda: self._note_on_issue(plan)) if plan.issue else None,
                on_apply=self.on_apply,
                can_apply=self.can_apply,
                ticket=self.asked.ticket_url.rpartition("/")[2],
                plan_path=(self.folder.path / "plan.json").resolve(),
            )
            return self._gate.box

    def apply(self) -> Any:
        """Build the plan again from fresh facts, and send it once if it is still the one approved."""
        if self._gate is not None:
            self._take_from_gate(self._gate)
        try:
            return self._apply()
        finally:
            self._tell_gate()

    def _apply(self) -> Any:
        with self._step("apply", needs="confirm"):
            plan, approval = self.known.plan, self.known.approval
            if self._desk is not None:
                return self._desk.box
            if plan is None or approval is None or self.known.receipt is not None or self.known.stale:
                return self._nothing("Nothing was sent")
            by_hand = needs_a_person(plan, self.settings)
            if by_hand and not is_interactive():
                self._conclude_with(
                    Status.awaiting_approval,
                    "A person makes this change in an admin page, and none sits here; nothing was written.",
                    "Open the notebook in JupyterLab (`glhelpers lab`) with these parameters and this approval.",
                )
            elif self._is_still_the_one(plan, approval):
                return self._open_desk(plan, approval) if by_hand else self._send(plan, approval)
            return self._nothing("Apply")

    def verify(self) -> View:
        """Read the change back; only what is read back counts as done."""
        with self._step("verify", needs="apply"):
            if self._desk is not None:
                self._take_from_desk(self._desk)
            intent, receipt = self._intent, self.known.receipt
            if receipt is None:
                return self._nothing("Nothing to verify")
            if intent is not None:
                receipt = self._writer().verify(intent, receipt)
                self._intent = None
                self._concluded_by(receipt)
                self._tell_gate()
            return View(show.receipt_card(receipt), f"{receipt.outcome}: {self.known.why}")

    def record(self) -> View:
        """Write the record and the page, tell the issue where the page asks for it, and name the folder."""
        with self._step("record", needs="verify"):
            self._escalate_if_needed()
        record = self._write(complete=True)
        if not self.settings.driven:
            self.folder.write_text("notebook.html", html_page(redacted_record(record), None))
            self.folder.write_text("summary.md", summary_markdown(record))
            self._seal(record)
            self.folder = self.folder.finalise()
            remember_notebook(self.settings, self.known.run_id)
        where = f"<p>Evidence: <code>{html.escape(_shown(self.folder.path))}</code>.{self._how_to_attach()}</p>"
        drafts = show.drafts_card(record.drafts) if record.drafts else ""
        body = show.summary_card(record) + drafts + self._go_on() + self._way_back(record) + where
        bundle = {"application/vnd.glhelpers.record": redacted_record(record).model_dump_json()}
        return View(body, f"{record.status}: {record.why}", bundle)

    def _write(self, *, complete: bool) -> RunRecord:
        record = super()._write(complete=complete)
        if self._clients is not None and (complete or record.status is Status.failed):
            keep_answers(self.folder, self._clients.recorder, self._sheet)
        return record

    def _seal(self, record: RunRecord) -> None:
        from glhelpers.evidence.keys import own_signer  # a kernel that another process drives leaves the seal to it
        from glhelpers.evidence.seal import journal_rows, seal

        seal(self.folder, record, own_signer(), journal_rows(record, self.settings))

    def _how_to_attach(self) -> str:
        if self.settings.driven:
            return ""
        command = html.escape(f"glhelpers attach {_shown(self.folder.path)}")
        return f" Attach it below; or save this notebook and run <code>{command}</code> in a terminal."


def _now() -> datetime:
    return clock.now()


def _shown(path: Path) -> str:
    """The folder relative to where the notebook runs, if it lies there: no home folder in the evidence."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(Path(*path.parts[-3:]))


def _facts_in_words(known: Known) -> str:
    counted = {state: sum(fact.state == state for fact in known.facts) for state in ("known", "absent", "unknown")}
    return f"{counted['known']} facts known, {counted['absent']} absent, {counted['unknown']} unknown"
