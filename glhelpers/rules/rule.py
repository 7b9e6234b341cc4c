"""What a rule is, how all rules are put to the same facts, and how their answers make one decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from glhelpers.errors import RunbookContractError
from glhelpers.models.fact import FactUnknown
from glhelpers.models.finding import Decision, Finding, Status, Verdict

__all__ = ["Judgement", "Policy", "Rule", "decide", "evaluate", "only_if", "passes", "rule"]

F = TypeVar("F", contravariant=True)
G = TypeVar("G")


@dataclass(frozen=True)
class Judgement:
    """A rule's answer before it is joined with the rule's own name: verdict, reason, what to do next."""

    verdict: Verdict
    reason: str
    next_step: str | None = None


@dataclass(frozen=True)
class Rule(Generic[F]):
    """
    A statement about facts that can be judged, named as the statement.

    `paragraph` says in our words which passage of the handbook section `anchor` it rests on;
    `rests_on` names those paragraphs of the page by their ids (rules/paragraphs.py).
    """

    id: str
    label: str
    stage: str
    anchor: str
    paragraph: str
    uses: tuple[str, ...]
    judge: Callable[[F], Judgement]
    rests_on: tuple[str, ...] = ()

    def __call__(self, facts: F) -> Finding:
        """The finding on these facts; a fact that nobody knows makes the verdict `unknown`."""
        try:
            judgement = self.judge(facts)
        except FactUnknown as unknown:
            judgement = Judgement(
                Verdict.unknown,
                f"Cannot be judged: {unknown}.",
                "Find the missing fact, then run again. An unknown fact never lets a write through.",
            )
        return Finding(
            rule=self.id,
            label=self.label,
            stage=self.stage,
            verdict=judgement.verdict,
            reason=judgement.reason,
            anchor=self.anchor,
            next_step=judgement.next_step,
            uses=self.uses,
        )


@dataclass(frozen=True)
class Policy(Generic[F]):
    """All rules of one runbook: the stages in the order in which they decide, and the rules of each."""

    runbook: str
    stages: tuple[str, ...]
    rules: tuple[Rule[F], ...]

    def __post_init__(self) -> None:
        strays = [rule.id for rule in self.rules if rule.stage not in self.stages]
        if strays:
            raise RunbookContractError(f"Rules {strays} of {self.runbook} name a stage that the policy does not have.")
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) != len(ids):
            raise RunbookContractError(f"Two rules of {self.runbook} share an id.")


def rule(
    id: str,
    label: str,
    *,
    stage: str,
    anchor: str,
    paragraph: str,
    uses: Sequence[str],
    rests_on: Sequence[str] = (),
) -> Callable[[Callable[[G], Judgement]], Rule[G]]:
    """Turn a function of facts into a `Rule`."""

    def wrap(judge: Callable[[G], Judgement]) -> Rule[G]:
        return Rule(id, label, stage, anchor, paragraph, tuple(uses), judge, tuple(rests_on))

    return wrap


def only_if(
    holds: Callable[[G], bool], otherwise: str, rule: Rule[G], *, stage: str | None = None, id: str | None = None
) -> Rule[G]:
    """The same rule, not applicable with the sentence `otherwise` where `holds` is false; perhaps in another stage."""

    def judge(facts: G) -> Judgement:
        return rule.judge(facts) if holds(facts) else Judgement(Verdict.not_applicable, otherwise)

    return replace(rule, judge=judge, stage=stage or rule.stage, id=id or rule.id)


def passes(reason: str) -> Judgement:
    """The everyday answer: nothing stands against going on."""
    return Judgement(Verdict.proceed, reason)


def evaluate(policy: Policy[G], facts: G) -> tuple[Finding, ...]:
    """Every rule's finding, in the order of the policy; no rule is skipped, so an expert sees all at once."""
    return tuple(rule(facts) for rule in policy.rules)


_WORST_FIRST = (
    Verdict.unknown,
    Verdict.stop,
    Verdict.handoff,
    Verdict.ask,
    Verdict.self_serve,
    Verdict.no_change,
    Verdict.warn,
    Verdict.proceed,
    Verdict.not_applicable,
)

_STATUS = {
    Verdict.unknown: Status.stopped,
    Verdict.stop: Status.stopped,
    Verdict.handoff: Status.handed_off,
    Verdict.ask: Status.needs_customer,
    Verdict.self_serve: Status.self_serve,
    Verdict.no_change: Status.no_change_needed,
}


def decide(policy: Policy[Any], findings: Sequence[Finding]) -> Decision:
    """
    The one outcome of these findings.

    Stages decide in order: the first stage with a verdict that does not let pass ends the run, by
    the worst verdict in it.  Since every stage before the end must pass, an unknown anywhere can
    never be stepped over.
    """
    path: list[tuple[str, Verdict]] = []
    for stage in policy.stages:
        of_stage = [finding for finding in findings if finding.stage == stage]
        worst = min((finding.verdict for finding in of_stage), key=_WORST_FIRST.index, default=Verdict.not_applicable)
        path.append((stage, worst))
        if not worst.lets_pass:
            deciding = [finding for finding in of_stage if finding.verdict is worst]
            return Decision(
                status=_STATUS[worst],
                stage=stage,
                why=" ".join(dict.fromkeys(finding.reason for finding in deciding)),
                next_step=next((finding.next_step for finding in deciding if finding.next_step), None),
                deciding=tuple(finding.rule for finding in deciding),
                path=tuple(path),
                stages=policy.stages,
            )
    why = "Nothing stands against the change."
    return Decision(status=None, stage=None, why=why, path=tuple(path), stages=policy.stages)
