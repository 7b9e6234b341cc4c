"""The six proofs of ownership, one by one: from whom each counts, for which purchase, and until when."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

from glhelpers.models.fact import Fact, FactUnknown
from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import GitlabSubscription
from glhelpers.models.request import OwnershipParameters
from glhelpers.models.subscription import BillingAccount, Subscription
from glhelpers.rules.pasted_subscription import judge_pasted
from glhelpers.rules.rule import Judgement, passes

__all__ = ["WORDS", "ProofGiven", "domain_of", "judge_kind", "year_before"]

WORDS = {
    "contact_approval": "approval by a contact of the billing account",
    "previous_agreement": "an earlier subscription agreement",
    "invoice": "an invoice from GitLab of the last 12 months",
    "license_file": "the text of the last loaded licence",
    "subscription_json": "the JSON of the group's subscription",
    "reseller_vouches": "the reseller's word",
}
"""The six proofs in words, in the order of `PROOFS`."""

_OWN_SIDE = ("sold_to", "bill_to", "owner", "customer")
_GIVERS = {
    "contact_approval": ("sold_to", "bill_to"),
    "previous_agreement": _OWN_SIDE,
    "invoice": (*_OWN_SIDE, "reseller"),
    "license_file": _OWN_SIDE,
    "subscription_json": _OWN_SIDE,
    "reseller_vouches": ("reseller",),
}
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".bmp", ".tif", ".tiff")
_OPEN_TO_ALL = ("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "proton.me")
_ANOTHER = "Ask for one of the other proofs."


@dataclass(frozen=True)
class ProofGiven:
    """
    A proof and what it is held against.

    `subscription` is the one that the proof is about, `billing_account` its account; `requester` the
    e-mail address of whoever asks; `on_group` whether the group that `gitlab_subscription` was read
    from carries that subscription (None: not known).
    """

    parameters: OwnershipParameters
    today: Fact[date]
    subscription: Fact[Subscription]
    billing_account: Fact[BillingAccount]
    gitlab_subscription: Fact[GitlabSubscription]
    requester: str
    on_group: bool | None


def year_before(day: date) -> date:
    """The same day of the year before; 28 February for 29 February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def domain_of(address: str) -> str:
    """What stands behind the @, in small letters."""
    return address.rpartition("@")[2].strip().casefold()


def judge_kind(given: ProofGiven) -> Judgement:
    """Whether this kind of proof, from this giver, is good for this customer; raises `FactUnknown`."""
    asked = given.parameters
    if not asked.proof:
        return Judgement(
            Verdict.ask,
            "The requester has not proved yet that they speak for the customer.",
            "Ask for one of the proofs; the reply is drafted.",
        )
    if asked.proof_from == "gitlab_employee":
        return Judgement(
            Verdict.stop,
            "The word of somebody at GitLab is no proof, not even that of the account owner.",
            "Ask the customer for one of the proofs.",
        )
    if asked.proof_from not in _GIVERS[asked.proof]:
        who = asked.proof_from or "nobody named"
        return Judgement(
            Verdict.ask,
            f"{WORDS[asked.proof].capitalize()} counts only from {' or '.join(_GIVERS[asked.proof])}; it is from {who}.",
            "Give as proof_from who gave it, or ask for another proof.",
        )
    return _KINDS[asked.proof](given)


def _contact_approval(given: ProofGiven) -> Judgement:
    if given.parameters.proof_from == "sold_to":
        return passes("The Sold To contact has approved.")
    same = given.billing_account.known().sold_to_is_bill_to
    if same is None:
        raise FactUnknown("it is not told whether Sold To and Bill To are the same contact")
    if not same:
        return Judgement(
            Verdict.ask,
            "Sold To and Bill To differ: the Bill To contact's word alone does not count.",
            "Ask the Bill To contact for a recent invoice instead, and give it as proof invoice.",
        )
    return passes("The contact who is both Sold To and Bill To has approved.")


def _previous_agreement(given: ProofGiven) -> Judgement:
    return passes("The requester holds an earlier subscription agreement.")


def _invoice(given: ProofGiven) -> Judgement:
    return _invoice_is_theirs(given) or _invoice_is_recent(given)


def _invoice_is_theirs(given: ProofGiven) -> Judgement | None:
    """Why an invoice proves nothing for this purchase, if so."""
    bought, giver = given.subscription.known(), given.parameters.proof_from
    match bought.invoice_owner_type:
        case None:
            raise FactUnknown("it is not told whom GitLab invoices for this subscription")
        case "customer" if giver == "reseller":
            reason = "The subscription was bought from GitLab directly: a reseller's invoice is about something else."
            return Judgement(Verdict.ask, reason, _ANOTHER)
        case "customer":
            return None
        case "reseller" if giver == "reseller":
            return _reseller_may_supply(bought)
    reason = (
        f"GitLab invoices the partner ({bought.invoice_owner_type}), not the customer: an invoice is no proof here."
    )
    return Judgement(Verdict.ask, reason, _ANOTHER)


def _reseller_may_supply(bought: Subscription) -> Judgement | None:
    if bought.license_activated is None:
        raise FactUnknown("it is not told whether the licence is activated")
    if not bought.license_activated:
        reason = "A reseller may supply an invoice only once the licence is active; it is not."
        return Judgement(Verdict.ask, reason, "Let the reseller vouch for the requester instead (reseller_vouches).")
    return None


def _invoice_is_recent(given: ProofGiven) -> Judgement:
    asked, today = given.parameters, given.today.known()
    try:
        day = date.fromisoformat(asked.proof_date)
    except ValueError:
        shown = f"{asked.proof_date} is not a day" if asked.proof_date else "The day of the invoice was not given"
        return Judgement(Verdict.ask, f"{shown}.", "Give the day that the invoice bears as proof_date.")
    if day > today:
        reason = f"The invoice bears a day in the future ({day.isoformat()})."
        return Judgement(Verdict.stop, reason, "Look at the invoice again.")
    if day < (first := year_before(today)):
        reason = f"The invoice of {day.isoformat()} is older than 12 months (before {first.isoformat()})."
        return Judgement(Verdict.ask, reason, "Ask for a later invoice, or for one of the other proofs.")
    return passes(f"The invoice of {day.isoformat()} is from the last 12 months.")


def _license_file(given: ProofGiven) -> Judgement:
    if (
        other := _deployed_otherwise(given, "self_managed", "A licence is loaded on a self-managed instance")
    ) is not None:
        return other
    names = [part for part in re.split(r"[/?#&=]", unquote(given.parameters.proof_link)) if part]
    if any(name.casefold().endswith(_PICTURES) for name in names):
        reason = "The link leads to a picture; screenshots and activation mails are never accepted."
        return Judgement(Verdict.ask, reason, "Ask for the text of the last loaded licence.")
    return passes("The requester holds the text of the last loaded licence.")


def _deployed_otherwise(given: ProofGiven, needed: str, because: str) -> Judgement | None:
    deployment = given.subscription.known().deployment
    if deployment is None:
        raise FactUnknown("it is not told whether the subscription is for GitLab.com or self-managed")
    if deployment != needed:
        return Judgement(Verdict.ask, f"{because}; this subscription is {deployment}.", _ANOTHER)
    return None


def _subscription_json(given: ProofGiven) -> Judgement:
    because = "Only a group on GitLab.com has such JSON"
    if (other := _deployed_otherwise(given, "saas", because)) is not None:
        return other
    if given.on_group is None:
        raise FactUnknown("it is not known whether the group carries this subscription")
    if not given.on_group:
        reason = "The subscription is not on the group whose JSON was read, so that it proves nothing about it."
        return Judgement(Verdict.ask, reason, _ANOTHER)
    return judge_pasted(given.parameters.pasted_subscription, given.gitlab_subscription.known())


def _reseller_vouches(given: ProofGiven) -> Judgement:
    bought = given.subscription.known()
    if bought.invoice_owner_type is None:
        raise FactUnknown("it is not told whether the subscription was bought from a reseller")
    if bought.invoice_owner_type != "reseller":
        reason = f"The subscription was not bought from a reseller (invoiced to: {bought.invoice_owner_type})."
        return Judgement(Verdict.ask, reason, _ANOTHER)
    if bought.license_activated is None:
        raise FactUnknown("it is not told whether the licence is activated")
    if bought.license_activated:
        return Judgement(Verdict.ask, "The licence is activated: a reseller's word no longer counts.", _ANOTHER)
    return _domains_match(given)


def _domains_match(given: ProofGiven) -> Judgement:
    if not given.requester:
        reason = "The requester's e-mail address is not known, so that its domain cannot be compared."
        return Judgement(Verdict.ask, reason, "Give the address that the requester wrote from as customer_email.")
    ours = (given.billing_account.known().sold_to_domain or "").casefold()
    if not ours:
        raise FactUnknown("the mail domain of the Sold To contact is not told")
    theirs = domain_of(given.requester)
    if theirs != ours:
        return Judgement(
            Verdict.ask, f"The requester's mail domain {theirs} is not that of the Sold To contact.", _ANOTHER
        )
    if theirs in _OPEN_TO_ALL:
        return Judgement(Verdict.ask, f"Anybody can have an address at {theirs}: it shows nothing.", _ANOTHER)
    return passes(f"The reseller vouches, and the requester's mail domain {theirs} is that of the Sold To contact.")


_KINDS: dict[str, Callable[[ProofGiven], Judgement]] = {
    "contact_approval": _contact_approval,
    "previous_agreement": _previous_agreement,
    "invoice": _invoice,
    "license_file": _license_file,
    "subscription_json": _subscription_json,
    "reseller_vouches": _reseller_vouches,
}
