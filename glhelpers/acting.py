"""
What the steps of a run are made of: looking up, judging, planning, taking an approval, sending, concluding.

`runbook.Run` puts them into the order in which a notebook takes them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glhelpers import clock
from glhelpers.actions.catalogue import Runbook
from glhelpers.actions.journal import Intent, Journal
from glhelpers.actions.plan import differences
from glhelpers.actions.reading import Reader
from glhelpers.actions.replace import Replacement
from glhelpers.actions.write import Writer
from glhelpers.by_hand import Desk
from glhelpers.clients.clients import Clients, open_clients
from glhelpers.clients.sheet_file import load_sheet
from glhelpers.errors import BadParameter, GateClosed, RunbookContractError, WrittenMeanwhile
from glhelpers.evidence import show
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.publish import escalate
from glhelpers.evidence.record import Known, build_record
from glhelpers.evidence.secrets import watch_answers
from glhelpers.gates.decision import refusal
from glhelpers.gates.files import read_approval, read_plan
from glhelpers.gates.issue_notes import read_from_issue
from glhelpers.models.change import Approval, ChangePlan, Outcome, PlanFile, Receipt
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.request import RunbookParameters
from glhelpers.models.sheet import PortalSheet
from glhelpers.rules.rule import decide, evaluate
from glhelpers.session import View
from glhelpers.settings import Settings
from glhelpers.steps import RecordedSteps

if TYPE_CHECKING:
    from glhelpers.gates.widget import ConfirmGate

__all__ = ["Acting", "sheet_for"]

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


def sheet_for(asked: RunbookParameters, settings: Settings) -> PortalSheet | None:
    """
    What was looked up by hand, from the file that the parameter names; None without one.

    Raises `BadParameter` where a program looks CustomersDot up, and `BadPlanFile` for a file that is none.
    """
    if not asked.portal_facts:
        return None
    if not settings.by_hand:
        raise BadParameter(
            f"portal_facts is for CustomersDot worked by hand; profile {settings.profile} has a program look it up.",
            next_step="Leave portal_facts empty, or set GLHELPERS_CUSTOMERSDOT_DRIVER=manual.",
        )
    return load_sheet(Path(asked.portal_facts))


class Acting(RecordedSteps):
    """A run's dealings with services, rules, journal and approvals; a step calls them, a notebook never does."""

    def __init__(
        self, book: Runbook, asked: RunbookParameters, settings: Settings, known: Known, folder: RunFolder
    ) -> None:
        self.book, self.asked, self.settings = book, asked, settings
        self._clients: Clients | None = None
        self._journal: Journal | None = None
        self._facts: Any = None
        self._gate: ConfirmGate | None = None
        self._desk: Desk | None = None
        self._sheet = sheet_for(asked, settings)
        self._intent: Intent | None = None
        self._seen: int | None = None
        self.reader = Reader()
        super().__init__(known, folder)

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
        if target is None or self.settings.read_only:
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

    def _take_from_issue(self, plan: ChangePlan | None) -> None:
        """A colleague's note on the issue; without one that counts, the plan goes on waiting and says why."""
        if plan is None:
            self._plan_is_gone()
            return
        try:
            approval = read_from_issue(self._open_clients().gitlab, plan, self.settings)
        except GateClosed as closed:
            self._conclude_with(Status.awaiting_approval, closed.message, closed.next_step)
            return
        self.folder.write_json("approval.json", approval)
        why = self._refusal(plan, approval)
        if why is not None:
            self._conclude_with(Status.awaiting_approval, why, "Have the plan approved again, in a new note.")
        else:
            self.known.approval = approval

    def _refusal(self, plan: ChangePlan, approval: Approval) -> str | None:
        if self.settings.read_only:
            return "This run may only look, so no approval opens its gate."
        # A note is dated by GitLab.com, so its age is told by GitLab.com's clock.
        now = self._open_clients().gitlab.now() if approval.note is not None else None
        return refusal(
            plan,
            approval,
            now=now or _now(),
            spent_at=self._open_journal().spent(approval.id),
            break_glass_allowed=self.settings.break_glass,
        )

    def _take_from_file(self, path: Path, plan: ChangePlan | None) -> None:
        approval = read_approval(path)
        if approval.note is not None and self.settings.replay is None:
            raise BadParameter(
                "This approval was given in a note on the issue, and is read from there.",
                next_step="Give approval=issue instead of the file.",
            )
        self.folder.write_json("approval.json", approval)
        if plan is None:
            self._plan_is_gone()
            return
        why = self._refusal(plan, approval)
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

    def _note_on_issue(self, plan: ChangePlan) -> Approval:
        """A colleague's note on the issue that opens the gate; raises `GateClosed` with the reason where none does."""
        approval = read_from_issue(self._open_clients().gitlab, plan, self.settings)
        why = self._refusal(plan, approval)
        if why is not None:
            raise GateClosed(why, next_step="Have the plan approved again, in a new note.")
        return approval

    def _tell_gate(self) -> None:
        """What came of an approval is shown where it was given."""
        gate, status = self._gate, self.known.status
        if gate is None or gate.state not in ("spent", "applied") or status is None:
            return
        receipt = self.known.receipt
        if self.known.stale or status is Status.stale_plan:
            gate.conclude("stale", self.known.why)
        elif receipt is not None or self._intent is not None or self._desk is not None:
            gate.conclude("applied", self.known.why)
        else:
            gate.conclude("refused", self.known.why)

    def _is_still_the_one(self, plan: ChangePlan, approval: Approval) -> bool:
        """Read the facts again and build the plan again; whether it is the approved one, to the digest."""
        self._seen = self._writer().version_of(plan)
        facts = self._collect(Reader(told=self._open_clients().told))
        findings, decision = self._judge(facts)
        if decision.status is not None:
            self.known.findings, self.known.decision = findings, decision
            if decision.status is Status.no_change_needed:
                faster = f"Somebody else was faster: {decision.why} Nothing was sent."
                self._conclude_with(decision.status, faster, decision.next_step)
            self._plan_is_gone()
            return False
        now = self._plan(facts, findings)
        if now.digest != plan.digest:
            self._is_stale(differences(plan, now))
            return False
        why = self._refusal(plan, approval)
        if why is not None:
            self._conclude_with(
                Status.awaiting_approval, f"{why} Nothing was written.", "Have the plan approved again."
            )
            return False
        return True

    def _send(self, plan: ChangePlan, approval: Approval) -> View:
        self.folder.write_json("approval.json", approval)
        try:
            if plan.steps:
                self._concluded_by(Replacement(self._writer()).carry_out(plan, approval, self._seen))
                return self._nothing("Apply")
            self._intent, self.known.receipt = self._writer().send(plan, approval, self._seen)
        except WrittenMeanwhile as meanwhile:
            self._is_stale((("Target", "as it was read", "written to by another run since"),))
            self.known.notices.append(meanwhile.message)
            return self._nothing("Apply")
        self._conclude_with(Status.verification_failed, "The change was sent and is not verified yet.", None)
        return View(show.broken_glass(approval) + show.sent_note(), f"Apply: sent. {self.known.why}")

    def _open_desk(self, plan: ChangePlan, approval: Approval) -> Any:
        """Take the target, then show the person the forms to fill in."""
        self.folder.write_json("approval.json", approval)
        intent = self._writer().begin(plan, approval, self._seen)
        self._desk = Desk(plan, intent, self.settings, self._open_journal(), _now)
        self._conclude_with(Status.verification_failed, "A person was asked to make the change in an admin page.", None)
        return self._desk.box

    def _take_from_desk(self, desk: Desk) -> None:
        if self.known.receipt is not None:
            return
        receipt = desk.finish(self._writer())
        if receipt is None:
            raise GateClosed(
                "It is not told yet what the admin page answered.",
                next_step="Tell it in the form above, then run this cell and those below.",
            )
        self._concluded_by(receipt)

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
        status = Status.escalated if receipt.left_on_free else _BY_OUTCOME[receipt.outcome]
        failed = next((taken.answered for taken in receipt.steps if taken.answered != "success"), receipt.answered)
        why = _WHY[receipt.outcome].format(answered=failed.rstrip("."))
        self._conclude_with(status, f"{why} {receipt.state}" if receipt.state and not receipt.verified else why, step)
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
        parts = [show.broken_glass(self.known.approval)]
        parts += [show.step_note(title, self.known.status, self.known.why, self.known.next_step)]
        if self.known.stale:
            parts.append(show.differences_table(self.known.stale))
        return View("".join(parts), text)

    def close(self) -> None:
        """Let go of connections and journal; whatever is asked next opens them anew."""
        if self._clients is not None:
            self._clients.close()
        if self._journal is not None:
            self._journal.close()
        self._clients = self._journal = None

    def _open_clients(self) -> Clients:
        if self._clients is None:
            self._clients = open_clients(self.settings, self._sheet)
            watch_answers(self._clients.recorder)
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
            by_hand=self.settings.by_hand or self._desk is not None,
        )


def _now() -> datetime:
    return clock.now()
