"""Known symptoms of the Customers Portal: failing pages, linked users, buttons that are missing, purchases not seen."""

from __future__ import annotations

from glhelpers.rules.symptom import Symptom, blockers, case, force
from glhelpers.rules.symptom_match import keys

__all__ = ["PORTAL"]

# What the portal shows is known by its sense only; the key words are our own guess at how people put it.

_PORTAL = "portal customersdot customerdot impersonat*"
_OTHER_502 = "push pull clone runner pipeline registry webhook pages docs zendesk sso okta saml azure status everyone everybody company intranet possible"
_PROGRAMMES = "edu oss opensource education educational source startup startups programme program nonprofit"
_OUTAGE = case(
    "The portal is down for everybody; this says nothing about the account.",
    "Wait until the status page is green again, then try once more.",
    portal_up=False,
)

_BAD_GATEWAY = Symptom(
    id="portal-502",
    label="502 in the portal, mostly while impersonating",
    paragraph="502.cause",
    wordings=(
        keys("502 impersonat*|portal|customersdot|customerdot", gap=12, unless=_OTHER_502),
        keys("impersonat*|portal|customersdot|customerdot 502", gap=12, unless=_OTHER_502),
        keys("502 bad|badgateway|error", beside=_PORTAL, unless=_OTHER_502),
        keys("bad gateway", beside=_PORTAL, unless=_OTHER_502),
    ),
    decided_by=("linked_user_is_admin", "token_owner_matches_uid", "token_state", "portal_up"),
    usual=case(
        "Most often a GitLab.com administrator is linked to the account, and the portal asks for all groups there are; an outage looks the same.",
        "Look up who is linked, and whether that is an administrator; the runbook tells the cases apart and shows the user before it plans anything.",
        runbook="portal_502",
    ),
    cases=(
        _OUTAGE,
        case(
            "The token belongs to another user than the account's uid says; who is really linked is not certain.",
            "Stop: unlink nobody. Have engineers find out which user the token belongs to.",
            escalate=True,
            paragraph="502.verify",
            token_owner_matches_uid=False,
        ),
        case(
            "An administrator's GitLab.com account is linked to the portal account, so the portal asks for all groups there are.",
            "Unlink the user completely with the runbook, then have the customer link their own account.",
            runbook="portal_502",
            paragraph="502.unlink",
            linked_user_is_admin=True,
            token_owner_matches_uid=True,
        ),
        case(
            "An administrator is linked, but no token has confirmed it yet; the uid alone speaks for it.",
            "Show the linked user to a colleague before unlinking; the runbook warns about the same.",
            runbook="portal_502",
            paragraph="502.unlink",
            still=("token_owner_matches_uid",),
            linked_user_is_admin=True,
        ),
    ),
    denied_by=({"linked_user_is_admin": False}, {"linked_user": False}, {"token_state": "none"}),
)

_SERVER_ERROR = Symptom(
    id="portal-500-change-group",
    label="500 on Change linked namespace",
    paragraph="force.linked-owner",
    wordings=(
        keys("500 change|changing|changes linked namespace|group", gap=10),
        keys("change|changing linked namespace|group 500", gap=10),
        keys("change|changing linked namespace|group internal server error", gap=10),
        keys("internal server error change|changing linked namespace|group", gap=10),
    ),
    decided_by=("linked_user", "portal_up"),
    usual=case(
        "The portal fails like this when no GitLab.com account is linked to the portal account.",
        "Look up whether a user is linked; if not, have the customer link theirs and try again.",
        runbook="self_serve",
    ),
    cases=(
        _OUTAGE,
        case(
            "No GitLab.com account is linked to the portal account, and the page fails without one.",
            "Have the customer sign in to the portal, link their GitLab.com account, and change the group then.",
            runbook="self_serve",
            linked_user=False,
        ),
    ),
    denied_by=({"linked_user": True},),
    absorbs=frozenset({"looks-unlinked"}),
)

_UNLINKED = Symptom(
    id="looks-unlinked",
    label="the portal shows no linked GitLab.com account",
    paragraph="502.verify",
    wordings=(
        keys(
            "looks|shows|appears|seems|displays|displayed|shown not|isnt linked|connected",
            gap=3,
            unless="group subscription namespace button",
        ),
        keys("looks|shows|appears|seems|shown|displayed unlinked|disconnected", gap=4, unless="group subscription"),
        keys("no linked gitlab|account|user", gap=1),
        keys("no gitlab account|user|com linked|connected", gap=3),
        keys("token expired unlinked|disconnected", gap=10),
        keys("unlinked|disconnected token expired", gap=10),
        keys("account|user not|isnt linked|connected", gap=3, beside=_PORTAL, unless="group subscription namespace"),
        keys("asks|asked|asking|told|tells|wants|prompts|prompted link|relink|connect gitlab|account again", gap=6),
    ),
    decided_by=("linked_user", "token_state"),
    usual=case(
        "Either nobody is linked, or a user is linked and the portal's token for them has expired, which looks the same.",
        "Look up the uid of the account and the token's state before anything is linked, unlinked or forced.",
        runbook="self_serve",
    ),
    cases=(
        case(
            "A user is linked, but the portal's token for them is no longer good, so the account looks unlinked.",
            "Have the customer sign in to the portal with that GitLab.com account again, which renews the token; unlink nothing.",
            linked_user=True,
            token_state=("expired", "none"),
        ),
        case(
            "No GitLab.com account is linked to the portal account.",
            "Have an Owner of the group sign in to the portal and link their GitLab.com account.",
            runbook="self_serve",
            paragraph="force.linked-owner",
            linked_user=False,
        ),
    ),
    denied_by=({"linked_user": True, "token_state": "valid"},),
    absorbs=frozenset({"invalid-token"}),
)

_OTHER_PAYMENTS = (
    "minutes storage renew renewal runner quote quarterly reconciliation qsr invoice invoiced how bank transfer tax vat"
)

_PAY_FOR_SEATS = Symptom(
    id="asks-to-pay-for-seats",
    label="the portal asks to pay for more seats before it links the group",
    paragraph="force.seats",
    wordings=(
        keys(
            "portal|system|page|it|customersdot|linking asks|asked|asking|wants|forces|requires|redirects|redirected|demands|"
            "prompts|leads pay|buy|purchase|payment|checkout seats|seat|users",
            gap=6,
            beside="seat seats",
            unless=_OTHER_PAYMENTS,
        ),
        keys("pay|buy|purchase seats before|until link|linked|linking|portal", gap=5, unless=_OTHER_PAYMENTS),
        keys(
            "payment|checkout page|screen|step|site seats|users",
            gap=8,
            beside="link linking linked associate associating portal namespace",
            unless=_OTHER_PAYMENTS,
        ),
        keys(
            "more|higher|greater|exceeds|exceed than|then|the|our seats",
            gap=5,
            beside="portal link linking associate associating; pay payment purchase buy checkout",
            unless=_OTHER_PAYMENTS,
        ),
    ),
    decided_by=(
        "seats_fit",
        "sold_by",
        "occupied_by",
        "new_kind",
        "linked_user",
        "linked_user_is_admin",
        "owner_of_group",
        "namespace_kind",
        "order_linked_here",
    ),
    usual=case(
        "The group has more users than the subscription has seats, so the portal leads to the payment page first.",
        "Look up seats, seats in use, the linked Owner and what is on the group; ask the customer in writing whether to buy seats, remove users, or owe seats later.",
        runbook="start_here",
    ),
    cases=(
        force(
            "The group has more users than the subscription has seats, and the portal lets nobody on without buying more.",
            "If the customer has confirmed in writing not to buy now, run the runbook with that confirmation; the difference becomes seats owed.",
            "force.seats",
            seats_fit=False,
            sold_by="gitlab",
        ),
        case(
            "A partner sold the subscription, and such a customer cannot pay in the portal.",
            "Have the partner sell the seats, or the customer remove users; the runbook drafts the reply.",
            runbook="provision_reseller",
            paragraph="reseller.read-only",
            sold_by="partner",
        ),
        *blockers(),
    ),
    denied_by=({"seats_fit": True},),
)

_ABSENT = "no|missing|without|cant|cannot|dont|doesnt|not|isnt|lacks|lacking"
_OTHER_BUTTONS = "renew apply download page website form save merge"

_NO_BUTTON = Symptom(
    id="programme-no-button",
    label="an EDU, OSS or Startups subscription has no button to change the linked group",
    paragraph="force.programme",
    wordings=(
        keys(f"{_ABSENT} change|changing|link|linking|linked button", gap=5, beside=_PROGRAMMES, unless=_OTHER_BUTTONS),
        keys(f"{_ABSENT} button change|changing|link|linking", gap=5, beside=_PROGRAMMES, unless=_OTHER_BUTTONS),
        keys(
            "change|changing|link|linking|linked button missing|absent|gone|not|isnt|doesnt|hidden",
            gap=3,
            beside=_PROGRAMMES,
            unless=_OTHER_BUTTONS,
        ),
        keys(
            "button change|changing|link|linking missing|absent|gone|not|isnt|doesnt|hidden",
            gap=6,
            beside=_PROGRAMMES,
            unless=_OTHER_BUTTONS,
        ),
        keys("without the button", gap=0, beside=_PROGRAMMES, unless=_OTHER_BUTTONS),
    ),
    decided_by=(
        "community_program",
        "occupied_by",
        "new_kind",
        "linked_user",
        "linked_user_is_admin",
        "owner_of_group",
        "seats_fit",
        "namespace_kind",
        "order_linked_here",
    ),
    usual=case(
        "Subscriptions of the community programmes have no button to change the linked group.",
        "Look up whether it is such a subscription, what is on the group, and who is linked.",
        runbook="start_here",
    ),
    cases=(
        force(
            "Subscriptions of the community programmes have no button to change the linked group, so nobody can do it in the portal.",
            "Force the association with the runbook, which looks everything up again and asks for approval.",
            "force.programme",
            seats_fit=True,
            community_program=("edu", "oss", "startups"),
        ),
        *blockers(),
        case(
            "The button does not exist for a programme's subscription, and the seats differ from those in use.",
            "Settle the difference with the customer in writing first, then start again.",
            runbook="start_here",
            paragraph="sees.seats-stop",
            seats_fit=False,
        ),
    ),
    denied_by=({"community_program": "none"},),
)

PORTAL = (_BAD_GATEWAY, _SERVER_ERROR, _UNLINKED, _PAY_FOR_SEATS, _NO_BUTTON)
"""Symptoms of the portal's pages and buttons."""
