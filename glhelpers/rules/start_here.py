"""
The policy of runbook `start_here`: which runbook fits what is seen, and why the others do not.

It never leads to a write by itself: an unknown symptom is an abstention, and the runbook it names
looks everything up again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from glhelpers.models.fact import FactUnknown
from glhelpers.models.finding import Verdict
from glhelpers.models.start_facts import StartFacts
from glhelpers.models.subscription import Customer
from glhelpers.rules import handbook
from glhelpers.rules.explain import explain
from glhelpers.rules.explanation import Evidence, Explanation
from glhelpers.rules.occupancy import linked_to
from glhelpers.rules.ownership import why_not_owner
from glhelpers.rules.rule import Judgement, Policy, Rule, passes, rule

__all__ = ["POLICY", "SEEN", "WAYS", "account_of", "diagnosis", "evidence_of", "text_of", "wording"]

SEEN: dict[str, str] = {
    "portal_502": "502 in the portal",
    "asks_to_pay_for_seats": "The portal asks to pay for seats",
    "programme_without_button": "EDU/OSS without the button",
    "already_associated": "unable to associate the subscription as the destination namespace is already associated "
    "with a subscription",
    "group_greyed_out_or_absent": "The group is greyed out or absent",
    "subscription_not_visible": "The customer doesn't see the subscription in the portal",
    "partner_purchase": "reseller/marketplace purchase",
    "billing_page_still_free": "billing page still Free",
}
"""What `symptom` may say in a word, and the sentence that it stands for; any other words do as well."""

WAYS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "provision_reseller": (
        handbook.RESELLER,
        "it is for purchases through a partner, AWS or GCP",
        ("reseller.read-only", "reseller.self-serve"),
    ),
    "portal_502": (
        handbook.PORTAL_502,
        "it is for a portal that answers 502 because an administrator was linked",
        ("502.cause", "502.verify"),
    ),
    "force_associate": (
        handbook.FORCE,
        "it is for what the portal cannot do: EDU/OSS without the button, more users than seats with the customer's word, "
        "a group that an expired plan greys out",
        ("force.when", "force.seats", "force.programme"),
    ),
    "clear_subscription": (
        handbook.CLEAR,
        "it is for the answer that the group is already associated",
        ("clear.error",),
    ),
    "self_serve": (
        handbook.SEES,
        "it is for a customer who sees the subscription and wants it on a group",
        ("sees.when", "sees.greyed"),
    ),
    "subscription_not_visible": (
        handbook.SEES_NOT,
        "it is for a customer who does not see the subscription in the portal",
        ("sees-not.workflow",),
    ),
}
"""For each runbook: its section, what it is for, and the paragraphs that say so."""


def text_of(facts: StartFacts) -> str:
    """What was told of the symptom: the exact error text goes before words about it."""
    return facts.parameters.error_text or facts.parameters.symptom


def diagnosis(facts: StartFacts) -> Explanation:
    """What the explainer makes of the text and of the facts."""
    return explain(wording(text_of(facts)), evidence_of(facts))


def wording(text: str) -> str:
    """One of `SEEN`, with any signs between its words, stands for its sentence."""
    return SEEN.get(text.strip().casefold().replace("-", "_").replace(" ", "_"), text)


def account_of(facts: StartFacts) -> Customer | None:
    """The CustomersDot account in question: the one that the order names, else the one that was given."""
    if facts.customer.value is not None:
        return facts.customer.value
    given = facts.accounts.value or ()
    return given[0] if len(given) == 1 else None


def evidence_of(facts: StartFacts) -> Evidence:
    """What the facts say, in the explainer's terms; what is not known stays out."""
    account, subscription, namespace = account_of(facts), facts.subscription.value, facts.namespace.value
    known: dict[str, Any] = {
        "linked_user": bool(account.uid) if account is not None and account.told("uid") else None,
        "linked_user_is_admin": facts.linked_user.value.is_admin if facts.linked_user.value is not None else None,
        "portal_up": facts.portal.value,
        "new_kind": subscription.kind if subscription is not None else None,
        "community_program": _known(lambda: _program(facts)),
        "sold_by": _known(lambda: _sold_by(facts)),
        "owner_of_group": _known(lambda: _owns(facts)),
        "occupied_by": _known(lambda: _occupied_by(facts)),
        "seats_fit": _known(lambda: _seats_fit(facts)),
        "order_linked_here": _known(lambda: _linked_here(facts)),
        "token_owner_matches_uid": _known(lambda: _token_matches(facts, account)),
    }
    if namespace is not None:
        kind = namespace.kind if namespace.kind == "user" else "subgroup" if namespace.parent_id else "group"
        known |= {
            "namespace_kind": kind,
            "path_has_dot": "." in namespace.full_path,
            "plan_on_gitlab": namespace.plan,
        }
    return Evidence(**known)


def _known(tell: Callable[[], Any]) -> Any:
    try:
        return tell()
    except FactUnknown:
        return None


def _program(facts: StartFacts) -> str | None:
    subscription = facts.subscription.known()
    return (subscription.community_program or "none") if subscription.told("community_program") else None


def _sold_by(facts: StartFacts) -> Literal["gitlab", "partner"] | None:
    channel = facts.subscription.known().invoice_owner_type
    return None if channel is None else "partner" if channel in ("reseller", "marketplace") else "gitlab"


def _owns(facts: StartFacts) -> bool:
    member = facts.linked_member.known_or_absent()
    return member is not None and why_not_owner(member, facts.today.known()) is None


def _occupied_by(facts: StartFacts) -> str | None:
    facts.namespace.known()
    occupants = facts.occupants.known()
    if not occupants:
        return "nothing"
    kinds = {occupant.kind for occupant in occupants}
    for kind in ("compute_minutes", "storage"):
        if kind in kinds:
            return kind
    if kinds != {"plan"} or any(occupant.end_date is None for occupant in occupants):
        return None
    runs = any(occupant.end_date is not None and occupant.end_date >= facts.today.known() for occupant in occupants)
    return "active_plan" if runs else "expired_plan"


def _seats_fit(facts: StartFacts) -> bool | None:
    seats, needed = facts.subscription.known().seats, facts.seats_needed.known()
    return None if seats is None else needed.low == needed.high == seats


def _linked_here(facts: StartFacts) -> bool:
    facts.subscription.known()
    return linked_to(facts) == str(facts.namespace.known().id)


def _token_matches(facts: StartFacts, account: Customer | None) -> bool | None:
    token = facts.token.known()
    return None if account is None or not account.uid else str(token.resource_owner_id) == account.uid


@rule(
    "symptom-was-told",
    "It was told what is seen",
    stage="symptom",
    anchor=handbook.SELF_SERVE,
    paragraph="Each section of the page begins with what is seen",
    rests_on=("sees.when",),
    uses=("symptom", "error_text"),
)
def symptom_was_told(facts: StartFacts) -> Judgement:
    if not text_of(facts):
        return Judgement(
            Verdict.stop,
            "Nothing was told of what is seen.",
            f"Give the exact error text as error_text, or one of these as symptom: {', '.join(SEEN)}.",
        )
    return passes("A symptom was told.")


@rule(
    "symptom-is-understood",
    "The text is a known one, and the facts do not speak against it",
    stage="diagnosis",
    anchor=handbook.FORCE,
    paragraph="What is not understood is investigated by engineers, not tried out",
    rests_on=("force.failure",),
    uses=("symptom", "error_text"),
)
def symptom_is_understood(facts: StartFacts) -> Judgement:
    if not text_of(facts):
        return Judgement(Verdict.not_applicable, "Nothing was told.")
    found = diagnosis(facts)
    if found.symptom is None:
        return Judgement(Verdict.stop, found.cause, found.next_step)
    seen = " ".join((found.cause, *found.evidence))
    if found.confidence != "certain" and found.missing:
        return Judgement(Verdict.warn, f"{seen} To be sure, look up {'; '.join(found.missing)}.")
    return passes(seen)


@rule(
    "a-runbook-fits",
    "There is a runbook for it",
    stage="way",
    anchor=handbook.SELF_SERVE,
    paragraph="Which section of the page is the way on",
    rests_on=("force.when", "sees.root-cause"),
    uses=("symptom", "error_text"),
)
def a_runbook_fits(facts: StartFacts) -> Judgement:
    found = diagnosis(facts)
    if found.symptom is None:
        return Judgement(Verdict.not_applicable, "The symptom is not understood.")
    if found.runbook not in WAYS:
        return Judgement(Verdict.stop, f"No runbook is for this: {found.cause}", found.next_step)
    return Judgement(Verdict.handoff, f"{found.cause} Runbook {found.runbook} is the way on.", found.next_step)


def _way(id: str) -> Rule[StartFacts]:
    anchor, purpose, paragraphs = WAYS[id]

    @rule(
        f"{id.replace('_', '-')}-fits",
        f"Runbook {id} fits",
        stage="others",
        anchor=anchor,
        paragraph=f"What this section is for: {purpose.removeprefix('it is ')}",
        rests_on=paragraphs,
        uses=("symptom", "error_text"),
    )
    def fits(facts: StartFacts) -> Judgement:
        if diagnosis(facts).runbook == id:
            return passes(f"Yes: {purpose}.")
        return Judgement(Verdict.not_applicable, f"No: {purpose}.")

    return fits


POLICY: Policy[StartFacts] = Policy(
    runbook="start_here",
    stages=("symptom", "diagnosis", "way", "others"),
    rules=(symptom_was_told, symptom_is_understood, a_runbook_fits, *(_way(id) for id in WAYS)),
)
