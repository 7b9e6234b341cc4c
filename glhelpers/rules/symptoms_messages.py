"""Known error messages of the services themselves: who may not, what is missing, what is asked too often."""

from __future__ import annotations

from glhelpers.rules.symptom import Symptom, case
from glhelpers.rules.symptom_match import keys, phrase

__all__ = ["MESSAGES"]

# Texts in phrase() are known word by word; the key words in keys() are our own guess at how people put it.

_NOT_TOP_LEVEL = Symptom(
    id="not-a-top-level-group",
    label="shared_runners_minutes_limit is not supported for this namespace",
    paragraph="force.minutes",
    wordings=(
        phrase("shared_runners_minutes_limit is not supported for this namespace"),
        phrase("Must be root namespace"),
        keys("shared_runners_minutes_limit|extra_shared_runners_minutes_limit not|isnt supported"),
    ),
    decided_by=("namespace_kind",),
    usual=case(
        "The target cannot carry a quota of compute minutes, most likely because it is a subgroup; only a top-level namespace can.",
        "Look up the parent of the namespace and start again with the path of the top-level group.",
        runbook="start_here",
    ),
    cases=(
        case(
            "The target is a subgroup; a quota of compute minutes belongs to the top-level group alone.",
            "Have the customer name the top-level group and start again with its path.",
            runbook="start_here",
            namespace_kind="subgroup",
        ),
    ),
    denied_by=({"namespace_kind": ("group", "user")},),
)

_DOT = Symptom(
    id="dotted-path-fails-on-put",
    label="a path with a dot reads fine and fails on PUT",
    paragraph="force.minutes",
    wordings=(
        keys("put DOTTED 400|404|405|fails|failed|error", gap=4),
        keys("put DOTTED", gap=2, beside="400 404 405 fails failed error"),
        keys("dot|dots|period|dotted put|update|write|writing", gap=12, beside="400 404 405 fails failed fail error"),
        keys(
            "get|read|reads|reading works|200|fine|ok put|write|writing fails|failed|400|404|405|fail",
            gap=8,
            beside="dot dots dotted DOTTED period",
        ),
        keys(
            "put|write|writing fails|failed|400|404|405 get|read|reads|reading works|200|fine|ok",
            gap=8,
            beside="dot dots dotted DOTTED period",
        ),
    ),
    decided_by=("path_has_dot",),
    usual=case(
        "On some routes what follows a dot in a path is taken for a file format, so that reading finds the namespace and writing does not.",
        "Use the number of the namespace instead of its path, and read the state back before the write is sent again.",
    ),
    cases=(
        case(
            "What follows the dot in the path is taken for a file format by the route that writes.",
            "Use the number of the namespace instead of its path, and read the state back before the write is sent again.",
            path_has_dot=True,
        ),
    ),
    denied_by=({"path_has_dot": False},),
)

_NOT_FOUND = Symptom(
    id="subscription-not-found",
    label="Subscription not found",
    paragraph="sees.root-cause",
    wordings=(
        phrase("Subscription not found"),
        keys("subscription|SUB not|doesnt|cannot|couldnt found|exist|exists", gap=2, unless="portal see visible"),
        keys("no such subscription", gap=0),
    ),
    decided_by=(),
    usual=case(
        "The name is mistyped, or CustomersDot has no order for a subscription that Zuora knows.",
        "Compare the name with Zuora letter by letter. If Zuora has it and CustomersDot does not, escalate: engineers can make the order.",
        runbook="start_here",
    ),
)

_NO_TICKET = Symptom(
    id="ticket-link-missing",
    label="the Zendesk ticket link can't be blank",
    paragraph="force.failure",
    wordings=(
        phrase("zendesk_ticket_url can't be blank"),
        keys("ticket|zendesk_ticket_url cant|cannot be blank|empty", gap=4),
        keys("ticket|zendesk_ticket_url must not be blank|empty", gap=3),
    ),
    decided_by=(),
    usual=case(
        "Every form of the Support Admin Tools wants the link of the Zendesk ticket; without it nothing was done.",
        "Give the link as https://gitlab.zendesk.com/agent/tickets/ with the number, and run again.",
    ),
)

_TOO_OFTEN = Symptom(
    id="rate-limited",
    label="429, Retry later",
    paragraph="force.failure",
    wordings=(
        phrase("429 Too Many Requests"),
        phrase("This endpoint has been requested too many times"),
        keys("429"),
        keys("too many requests", gap=0),
        keys("retry later", gap=0, unless="please wrong we i you should will customer"),
        keys("rate limit|limited|limiting exceeded|reached|hit|error", gap=2),
    ),
    decided_by=(),
    usual=case(
        "The service was asked too often; it says nothing about the subscription.",
        "Wait as long as Retry-After says, a minute if it says nothing. Before a write is repeated, read whether it was done.",
    ),
)

_BAD_TOKEN = Symptom(
    id="invalid-token",
    label="401 invalid_token",
    paragraph="502.verify",
    wordings=(
        keys("invalid_token"),
        phrase("401 Unauthorized"),
        phrase("Token is expired"),
        phrase("Token was revoked"),
        keys("access|oauth|api|personal|portal token expired|revoked|invalid", gap=3),
        keys("401 token expired|revoked|invalid", gap=5),
    ),
    decided_by=("token_state", "linked_user"),
    usual=case(
        "The token is expired, revoked, or of the wrong kind for this address.",
        "If it is the portal's token, have the customer sign in to the portal anew; if it is your own, make a new one and run `glhelpers doctor`.",
    ),
    cases=(
        case(
            "The portal's token for the linked user has expired; the user is still linked.",
            "Have the customer sign in to the portal with that GitLab.com account again; unlink nothing.",
            linked_user=True,
            token_state=("expired", "none"),
        ),
    ),
    denied_by=({"token_state": "valid"},),
)

_SMALL_SCOPE = Symptom(
    id="scope-too-small",
    label="insufficient_scope",
    paragraph="502.verify",
    wordings=(
        keys("insufficient_scope"),
        phrase("The request requires higher privileges than provided by the access token"),
        keys("insufficient scope", gap=0),
    ),
    decided_by=(),
    usual=case(
        "The token is good, but its scopes do not cover what was asked.",
        "Use a token with the scope named in the answer (`api` to write, `admin_mode` for what admins see), then run `glhelpers doctor`.",
    ),
)

_NOT_AUTHORIZED = Symptom(
    id="not-authorized",
    label="not authorized",
    paragraph="force.linked-owner",
    wordings=(
        keys(
            "not|arent|isnt authorized|authorised",
            gap=1,
            unless="card payment bank transaction charge visa mastercard reseller",
        ),
    ),
    decided_by=("owner_of_group", "linked_user"),
    usual=case(
        "The linked user may not manage the billing of this group, most likely because they are not an Owner of it.",
        "Look up who is linked and their role in the top-level group.",
        runbook="self_serve",
    ),
    cases=(
        case(
            "Nobody is linked to the portal account, so it may not act for any group.",
            "Have an Owner of the group link their GitLab.com account.",
            runbook="self_serve",
            linked_user=False,
        ),
        case(
            "The linked user is not an Owner of the group.",
            "Have the user made an Owner, or have an Owner link their account.",
            runbook="self_serve",
            owner_of_group=False,
        ),
    ),
    denied_by=({"owner_of_group": True},),
)

_FAILED = Symptom(
    id="association-failed",
    label="the tool answered something else than success",
    paragraph="force.failure",
    wordings=(
        keys("success false", gap=0),
        keys("force associat*|association failed|fails|unsuccessful|error", gap=4),
        keys("failed|error|unable force associat*", gap=4),
    ),
    decided_by=(),
    usual=case(
        "The association did not succeed, and the answer names no cause that is known.",
        "Do not send it again. Attach the whole answer and add the console escalation label; engineers look into it.",
        escalate=True,
    ),
    generic=True,
)

MESSAGES = (
    _NOT_TOP_LEVEL,
    _DOT,
    _NOT_FOUND,
    _NO_TICKET,
    _TOO_OFTEN,
    _BAD_TOKEN,
    _SMALL_SCOPE,
    _NOT_AUTHORIZED,
    _FAILED,
)
"""Messages of the services themselves."""
