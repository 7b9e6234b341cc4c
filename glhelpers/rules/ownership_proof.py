"""
Does the requester speak for the customer? Six proofs, each with what it is not good for; one suffices.

Asked before an account is changed or a group falls to Free (handbook: associating purchases).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from glhelpers.models.finding import Verdict
from glhelpers.models.request import PROOFS, OwnershipParameters, ticket_number
from glhelpers.rules.proof_kinds import WORDS, ProofGiven, domain_of, judge_kind, year_before
from glhelpers.rules.rule import Judgement, Rule, rule

__all__ = [
    "WORDS",
    "ProofGiven",
    "domain_of",
    "fitting_proofs",
    "judge_proof",
    "ownership_rules",
    "year_before",
]

F = TypeVar("F")


def judge_proof(given: ProofGiven) -> Judgement:
    """
    Whether the proof stands: it is good for this customer, and it lies on the ticket.

    Raises `FactUnknown` where what it is held against is not known.
    """
    good = judge_kind(given)
    return good if good.verdict is not Verdict.proceed else _judge_link(given.parameters, good)


def fitting_proofs(given: ProofGiven) -> tuple[str, ...]:
    """The proofs that are not ruled out for this customer by what is known of the subscription."""
    bought = given.subscription.value
    if bought is None:
        return PROOFS
    direct, reseller = bought.invoice_owner_type == "customer", bought.invoice_owner_type == "reseller"
    unknown = bought.invoice_owner_type is None
    out = {
        "invoice": not (direct or unknown or (reseller and bought.license_activated is not False)),
        "license_file": bought.deployment == "saas",
        "subscription_json": bought.deployment == "self_managed" or given.on_group is False,
        "reseller_vouches": not (reseller or unknown) or bought.license_activated is True,
    }
    return tuple(proof for proof in PROOFS if not out.get(proof, False))


def _judge_link(asked: OwnershipParameters, good: Judgement) -> Judgement:
    host = _host(asked.proof_link)
    if not asked.proof_link:
        return Judgement(
            Verdict.ask,
            f"It is not told where on the ticket the proof lies ({WORDS[asked.proof]}).",
            "Have it put on the ticket, and give the link to it as proof_link.",
        )
    if host != "gitlab.zendesk.com":
        return Judgement(
            Verdict.ask,
            f"The proof lies at {host or 'no known place'}, not on the ticket.",
            "Have it put on the ticket itself.",
        )
    other = ticket_number(asked.proof_link)
    if other is not None and other != ticket_number(asked.ticket_url):
        return Judgement(
            Verdict.ask, f"The proof lies on ticket {other}, not on this one.", "Have it put on this ticket."
        )
    return good


def _host(link: str) -> str | None:
    try:
        return urlsplit(link).hostname
    except ValueError:  # such as an opening bracket without its end
        return None


def ownership_rules(
    given: Callable[[F], ProofGiven], *, stage: str, anchor: str, rests_on: Sequence[str]
) -> tuple[Rule[F], ...]:
    """The two rules about ownership for a runbook, which tells by `given` what its proof is about."""

    @rule(
        "ownership-is-proven",
        "The requester has proved that they speak for the customer",
        stage=stage,
        anchor=anchor,
        paragraph="Associating purchases: one of six proofs before access is given or a plan is taken away",
        rests_on=rests_on,
        uses=("proof", "subscription", "billing_account", "gitlab_subscription"),
    )
    def ownership_is_proven(facts: F) -> Judgement:
        return judge_proof(given(facts))

    @rule(
        "sold-to-is-not-copied",
        "The Sold To contact is not put in copy of the requester's ticket",
        stage=stage,
        anchor=anchor,
        paragraph="Associating purchases: putting the Sold To contact in copy would give personal data away",
        rests_on=rests_on,
        uses=("billing_account",),
    )
    def sold_to_is_not_copied(facts: F) -> Judgement:
        return Judgement(
            Verdict.warn,
            "Never put the Sold To contact in copy of this ticket, and do not name them to the requester.",
            "If the Sold To contact has to be asked, write to them on a ticket of its own; a dispute goes to legal.",
        )

    return (ownership_is_proven, sold_to_is_not_copied)
