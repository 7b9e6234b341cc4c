"""
From an error text or symptom, and what is known besides, to cause, evidence and the allowed next step.

It abstains rather than guesses, and never leads to force_associate unless every fact that this
needs is known and fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from glhelpers.rules.explanation import LOOK_UP, SAYS, Evidence, Explanation, known_facts
from glhelpers.rules.paragraphs import PARAGRAPHS
from glhelpers.rules.symptom import Symptom, Value, fits
from glhelpers.rules.symptom_match import Found, TextIndex
from glhelpers.rules.symptom_text import LONGEST
from glhelpers.rules.symptoms import SYMPTOMS

__all__ = ["Evidence", "Explanation", "explain"]

_ABSTAINED = "force.failure"
_COLLECT = (
    "Do not force, clear or unlink anything. Collect the exact text, when and where it appears, the group, the "
    "subscription and who is linked; then escalate with the console escalation label, so that engineers look into it."
)


def explain(text: str, seen: Evidence | None = None) -> Explanation:
    """
    What `text` most likely means, given what was `seen`.

    Claims inside the text are never taken for facts.  Unknown texts, texts that name several
    symptoms at once, and texts that the facts contradict end in an abstention with `escalate`.
    """
    known = known_facts(seen or Evidence())
    if len(text) > LONGEST:
        return _abstain("The text is too long to be one error or symptom.", (), ("the sentence that names the error",))
    found = _named_in(text)
    if not found:
        return _abstain("This text is not a known one.", (), ("the exact error text, with where it appears",))
    possible = {id: hit for id, hit in found.items() if not _denied(SYMPTOMS[id], known)}
    if not possible:
        return _contradicted(found, known)
    if len(possible) > 1:
        return _undecided(possible)
    ((id, hit),) = possible.items()
    return _answer(SYMPTOMS[id], hit, known)


def _named_in(text: str) -> dict[str, Found]:
    """The symptoms that the text names: those of exact phrases if there are any, else those of key words."""
    index = TextIndex(text)
    found = {id: hit for id, symptom in SYMPTOMS.items() if (hit := index.find(symptom.wordings)) is not None}
    exact = {id: hit for id, hit in found.items() if hit.exact}
    return _without_parts(exact or found)


def _without_parts(found: dict[str, Found]) -> dict[str, Found]:
    absorbed = {part for id in found for part in SYMPTOMS[id].absorbs}
    own = {id: hit for id, hit in found.items() if id not in absorbed}
    return {id: hit for id, hit in own.items() if not SYMPTOMS[id].generic} or own


def _denied(symptom: Symptom, known: Mapping[str, Value]) -> bool:
    return any(fits(facts, known) for facts in symptom.denied_by)


def _answer(symptom: Symptom, hit: Found, known: Mapping[str, Value]) -> Explanation:
    case = next((case for case in symptom.cases if fits(case.facts, known)), symptom.usual)
    wanted = case.still if case.facts else symptom.decided_by
    missing = _to_look_up(name for name in wanted if name not in known)
    paragraph = PARAGRAPHS[case.paragraph or symptom.paragraph]
    return Explanation(
        symptom=symptom.id,
        cause=case.cause,
        evidence=(_read(hit, symptom), *_sentences(case.facts, known)),
        missing=missing,
        next_step=case.next_step,
        runbook=case.runbook,
        anchor=paragraph.anchor,
        paragraph=paragraph.id,
        escalate=case.escalate,
        confidence="certain" if not missing and (hit.exact or case.facts) else "likely",
    )


def _read(hit: Found, symptom: Symptom) -> str:
    how = "is a known error" if hit.exact else f"is how people describe this: {symptom.label}"
    return f"“{hit.quote}” {how}."


def _sentences(names: Iterable[str], known: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(SAYS[name, known[name]] for name in names if name in known)


def _to_look_up(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(LOOK_UP[name] for name in names)


def _contradicted(found: dict[str, Found], known: Mapping[str, Value]) -> Explanation:
    reasons = [
        fact
        for id in found
        for facts in SYMPTOMS[id].denied_by
        if fits(facts, known)
        for fact in _sentences(facts, known)
    ]
    texts = [_read(hit, SYMPTOMS[id]) for id, hit in found.items()]
    return _abstain("The text and the facts contradict each other.", (*texts, *dict.fromkeys(reasons)), ())


def _undecided(possible: dict[str, Found]) -> Explanation:
    labels = "; ".join(SYMPTOMS[id].label for id in possible)
    decisive = dict.fromkeys(name for id in possible for name in SYMPTOMS[id].decided_by)
    return _abstain(
        f"The text names several symptoms at once: {labels}.",
        tuple(_read(hit, SYMPTOMS[id]) for id, hit in possible.items()),
        ("which of them it is: ask again with that sentence alone", *_to_look_up(decisive)),
    )


def _abstain(why: str, evidence: tuple[str, ...], missing: tuple[str, ...]) -> Explanation:
    return Explanation(
        symptom=None,
        cause=why,
        evidence=evidence,
        missing=missing,
        next_step=_COLLECT,
        anchor=PARAGRAPHS[_ABSTAINED].anchor,
        paragraph=_ABSTAINED,
        escalate=True,
        confidence="abstained",
    )
