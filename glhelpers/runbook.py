"""
What a notebook opens in its setup cell: one run of one runbook, from parameters to record.

Each step may be run again at any time; running one again forgets everything after it, an approval
included.  The record is rewritten after every step, so that it is true wherever the run ends.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glhelpers.actions.catalogue import Runbook, runbook
from glhelpers.actions.journal import Intent, Journal
from glhelpers.actions.plan import differences
from glhelpers.actions.reading import Reader
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import Clients, open_clients, require_driver
from glhelpers.errors import BadParameter, GateClosed, RunbookContractError
from glhelpers.evidence import show
from glhelpers.evidence.folder import redacted_record
from glhelpers.evidence.page import html_page
from glhelpers.evidence.publish import escalate
from glhelpers.evidence.record import Known, build_record
from glhelpers.evidence.redact import redact_json
from glhelpers.evidence.secrets import register_tokens
from glhelpers.gates.decision import refusal
from glhelpers.gates.files import read_approval, read_plan
from glhelpers.models.change import Approval, ChangePlan, Outcome, PlanFile, Receipt
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.request import RunbookParameters, parse_parameters
from glhelpers.rules.rule import decide, evaluate
from glhelpers.session import View, is_interactive, parameters_in
from glhelpers.settings import Settings, load_settings, remember_notebook, require_tokens
from glhelpers.steps import STEPS, RecordedSteps, folder_of, none_run

if TYPE_CHECKING:
    from glhelpers.gates.widget import ConfirmGate

__all__ = ["STEPS", "Run", "open_runbook"]

_BY_OUTCOME = {
    Outcome.applied: Status.completed,
    Outcome.noop: Status.no_change_needed,
    Outcome.not_applied: Status.escalated,
    Outcome.unknown: Status.escalated,
    Outcome.mismatch: Status.verification_failed,
    Outcome.partial: Status.verification_failed,
    Outcome.put_back: Status.escalated,
}
_WHY = {
    Outcome.applied: "The change was made and read back.",
    Outcome.noop: "The change was in place already; nothing was sent.",
    Outcome.not_applied: "The change was not made: {answered}. Nothing was tried a second time.",
    Outcome.unknown: "Whether the change was made cannot be told: {answered}. Nothing was tried a second time.",
    Outcome.mismatch: "The tool reported success, but the change does not show.",
    Outcome.partial: "Only a part of the change shows.",
    Outcome.put_back: "The second request did not succeed ({answered}). The old subscription was put back and read back.",
}


def open_runbook(id: str, variables: dict[str, Any]) -> Run:
    """
    Start a run with the parameters among a notebook's variables.

    Raises `BadParameter` before anything is read if one is unknown, missing or ill-typed.
    """
    book = runbook(id)
    asked = parse_parameters(book.parameters, parameters_in(variables, set(book.parameters.model_fields)), id)
    settings = load_settings()
    if settings.profile != "sandbox":
        _refuse_examples(book, asked)
    require_driver(settings)
    require_tokens(settings)
    return Run(book, asked, settings)


def _refuse_examples(book: Runbook, asked: RunbookParameters) -> None:
    """A value left over from the demonstration would put a real change on somebody else's ticket."""
    left = [name for name, value in book.examples.items() if getattr(asked, name) == value]
    if left:
        raise BadParameter(
            f"{', '.join(left)} still holds the demonstration's value.",
            next_step="Put the values of your ticket into the parameters cell; leave empty what you do not have.",
        )


class Run(RecordedSteps):
    """One run: call the steps in the order of `STEPS`; each returns what its cell shows."""

    def __init__(self, book: Runbook, asked: RunbookParameters, settings: Settings) -> None:
        self.book, self.asked, self.settings = book, asked, settings
        self._clients: Clients | None = None
        self._journal: Journal | None = None
        self._facts: Any = None
        self._gate: ConfirmGate | None = None
        self._intent: Intent | None = None
        self.reader = Reader()
        folder = folder_of(settings, asked.ticket_url, book.id)
        known = Known(
            run_id=folder.run_id,
            runbook=book.id,
            profile=settings.profile,
            production=settings.production,
            operator=settings.operator,
            parameters=asked.recorded(),
            started_at=_now(),
            steps=none_run(),
        )
        register_tokens(settings)
        super().__init__(known, folder)

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

    def look_up(self) -> View:
        """Look up the facts, side by side; settle first what an earlier run may have left open."""
        with self._step("look up"):
            self._facts = self._collect(self.reader)
            self.known.facts = self._facts.all()
            self.known.seats, self.known.minutes = self.book.seats(self._facts), self.book.minutes(self._facts)
            return View(show.facts_table(self.known.facts), _facts_in_words(self.known))

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
            body = [show.decision_path(decision, decision.stages), show.findings_table(findings), *pictures]
            return View("".join(body), f"{decision.status or 'no objection'}: {decision.why}")

    def plan(self) -> View:
        """Make the plan, where nothing stands against one, and write it to `plan.json`."""
        with self._step("plan", needs="check"):
            if self._ended():
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
            self._gate = None
            plan = self.known.plan
            if self.asked.approval and self.known.receipt is None:
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
            )
            return self._gate.box

    def apply(self) -> View:
        """Build the plan again from fresh facts, and send it once if it is still the one approved."""
        if self._gate is not None:
            self._take_from_gate(self._gate)
        with self._step("apply", needs="confirm"):
            plan, approval = self.known.plan, self.known.approval
            if plan is None or approval is None or self.known.receipt is not None or self.known.stale:
                return self._nothing("Nothing was sent")
            self._send(plan, approval)
            return self._nothing("Apply")

    def verify(self) -> View:
        """Read the change back; only what is read back counts as done."""
        with self._step("verify", needs="apply"):
            intent, receipt = self._intent, self.known.receipt
            if receipt is None:
                return self._nothing("Nothing to verify")
            if intent is not None:
                receipt = self._writer().verify(intent, receipt)
                self._intent = None
                self._concluded_by(receipt)
            return View(show.receipt_card(receipt), f"{receipt.outcome}: {self.known.why}")

    def record(self) -> View:
        """Write the record and the page, tell the issue where the page asks for it, and name the folder."""
        with self._step("record", needs="verify"):
            self._escalate_if_needed()
        record = self._write(complete=True)
        if not self.settings.driven:
            self.folder.write_text("notebook.html", html_page(redacted_record(record), None))
            self.folder = self.folder.finalise()
            remember_notebook(self.settings, self.known.run_id)
        where = f"<p>Evidence: <code>{html.escape(_shown(self.folder.path))}</code>.{self._how_to_attach()}</p>"
        body = show.summary_card(record) + (show.drafts_card(record.drafts) if record.drafts else "") + where
        bundle = {"application/vnd.glhelpers.record": redacted_record(record).model_dump_json()}
        return View(body, f"{record.status}: {record.why}", bundle)

    def _how_to_attach(self) -> str:
        if self.settings.driven:
            return ""
        command = f"glhelpers attach {_shown(self.folder.path)}"
        return f" To attach it: save this notebook, then run <code>{html.escape(command)}</code> in a terminal."

    # What the steps are made of.

    def _collect(self, reader: Reader) -> Any:
        return self.book.collect(self._open_clients(), self.asked, reader)

    def _judge(self, facts: Any) -> tuple[tuple[Finding, ...], Decision]:
        policy = self.book.policy_for(facts)
        findings = evaluate(policy, facts)
        return findings, decide(policy, findings)

    def _plan(self, facts: Any, findings: tuple[Finding, ...]) -> ChangePlan:
        if self.book.plan is None:
            raise RunbookContractError(f"Runbook {self.book.id} never writes, but its rules let a plan through.")
        plan: ChangePlan = self.book.plan(facts, findings, self.settings.profile)
        return plan

    def _write_texts(self, decision: Decision) -> None:
        """The texts for whoever acts next, and the runbook to go on with."""
        known = self.known
        known.drafts = self.book.drafts(self._facts, known.findings, decision, known.plan, known.receipt)
        known.next_runbooks = self.book.next_runbooks(self._facts, decision, known.receipt)

    def _plan_file(self, plan: ChangePlan) -> PlanFile:
        return PlanFile(plan=plan, digest=plan.digest, requested_by=self.settings.operator, planned_at=_now())

    def _approvals_last(self) -> timedelta:
        return timedelta(minutes=self.settings.approval_minutes)

    def _settle_open_write(self) -> None:
        """An earlier run may have sent a write and died: find out what became of it before anything else."""
        target = self.book.target(self._facts) if self.book.writes else None
        if target is None:
            return
        settled = self._writer().settle_open(target)
        if settled is None:
            return
        plan, receipt = settled
        if receipt.outcome is Outcome.not_applied and not receipt.answered.startswith("refused"):
            self.known.notices.append("An earlier run ended before its change was made; nothing of it is left behind.")
            return
        self._settled, self.known.plan = settled, plan
        self._concluded_by(receipt)
        self.known.notices.append("An earlier run sent this change and did not record its end; it was read back here.")
        self._facts = self._collect(self.reader)
        self.known.facts = self._facts.all()

    def _take_from_file(self, path: Path, plan: ChangePlan | None) -> None:
        approval = read_approval(path)
        if plan is None:
            self._plan_is_gone()
            return
        why = refusal(plan, approval, now=_now(), spent_at=self._open_journal().spent(approval.id))
        if approval.plan_digest != plan.digest and approval.profile == plan.profile:
            beside = path.with_name("plan.json")
            then = read_plan(beside).plan if beside.is_file() else None
            fits = then is not None and then.digest == approval.plan_digest
            self._is_stale(differences(then, plan) if then is not None and fits else ())
        elif why is not None:
            self._conclude_with(Status.awaiting_approval, why, "Have the plan approved again.")
        else:
            self.known.approval = approval

    def _take_from_gate(self, gate: ConfirmGate) -> None:
        """A person's click, once. Without one the run stops here: Run All must not run on past the gate."""
        if self.known.receipt is not None:
            return
        approval = gate.take()
        if approval is None:
            raise GateClosed(
                "Nobody has approved the plan; nothing was written.",
                next_step="Type the target in the gate above, press its button, then run this cell and those below.",
            )
        self.known.approval = approval

    def _send(self, plan: ChangePlan, approval: Approval) -> None:
        facts = self._collect(Reader())
        findings, decision = self._judge(facts)
        if decision.status is not None:
            self.known.findings, self.known.decision = findings, decision
            self._plan_is_gone()
            return
        now = self._plan(facts, findings)
        if now.digest != plan.digest:
            self._is_stale(differences(plan, now))
            return
        why = refusal(plan, approval, now=_now(), spent_at=self._open_journal().spent(approval.id))
        if why is not None:
            raise GateClosed(why, next_step="Have the plan approved again; nothing was written.")
        self.folder.write_json("approval.json", approval)
        self._intent, receipt = self._writer().send(plan, approval)
        self.known.receipt = receipt
        self._conclude_with(Status.verification_failed, "The change was sent and is not verified yet.", None)

    def _plan_is_gone(self) -> None:
        """There was an approval, but the facts of now allow no plan."""
        decision = self.known.decision
        if decision is None or decision.status is Status.no_change_needed:
            return
        self._conclude_with(
            Status.stale_plan,
            f"The approved plan can no longer be made: {decision.why} Nothing was written.",
            decision.next_step,
        )

    def _is_stale(self, differs: tuple[tuple[str, str, str], ...]) -> None:
        self.known.stale = differs or (("Plan", "another digest", "this plan's digest"),)
        what = "; ".join(f"{name}: {then}, now {now}" for name, then, now in self.known.stale[:2])
        self._conclude_with(
            Status.stale_plan,
            f"The facts have changed since the plan was approved ({what}). Nothing was written.",
            "Look at the difference, and have the new plan approved.",
        )

    def _concluded_by(self, receipt: Receipt) -> None:
        self.known.receipt = receipt
        step = None if receipt.verified else "Give the drafted text to the engineers with console access."
        self._conclude_with(_BY_OUTCOME[receipt.outcome], _WHY[receipt.outcome].format(answered=receipt.answered), step)
        decision = self.known.decision or Decision(status=None, stage=None, why="")
        self._write_texts(decision)

    def _ended(self) -> bool:
        decision = self.known.decision
        return self.known.receipt is not None or decision is None or decision.status is not None

    def _escalate_if_needed(self) -> None:
        receipt = self.known.receipt
        if receipt is None or receipt.verified:
            return
        if not getattr(self.asked, "issue", ""):
            self.known.notices.append(
                f"No issue was given: add the label {self.settings.escalation_label!r} and the drafted note by hand."
            )
            return
        record = build_record(self.known, complete=False, ended_at=None)
        told = escalate(self._open_clients().gitlab, self.asked.issue, self.settings.escalation_label, record)
        self.known.notices.append(told.sentence)

    def _nothing(self, title: str) -> View:
        """What a step shows when there is nothing for it to do, or nothing but a sentence to say."""
        text = f"{title}: {self.known.status}. {self.known.why}"
        parts = [show.step_note(title, self.known.status, self.known.why, self.known.next_step)]
        if self.known.stale:
            parts.append(show.differences_table(self.known.stale))
        return View("".join(parts), text)

    def _open_clients(self) -> Clients:
        if self._clients is None:
            self._clients = open_clients(self.settings)
        return self._clients

    def _open_journal(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.settings.journal_url)
        return self._journal

    def _writer(self) -> Writer:
        return Writer(
            clients=self._open_clients(),
            journal=self._open_journal(),
            origin=self.settings.customersdot.base_url,
            run_id=self.known.run_id,
            operator=self.settings.operator,
            in_flight=timedelta(seconds=self.settings.in_flight_seconds),
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _shown(path: Path) -> str:
    """The folder relative to where the notebook runs, if it lies there: no home folder in the evidence."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(Path(*path.parts[-3:]))


def _facts_in_words(known: Known) -> str:
    counted = {state: sum(fact.state == state for fact in known.facts) for state in ("known", "absent", "unknown")}
    return f"{counted['known']} facts known, {counted['absent']} absent, {counted['unknown']} unknown"
