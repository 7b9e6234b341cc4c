"""Known symptoms of a group that another purchase occupies: refused associations, greyed-out groups, minutes in the way."""

from __future__ import annotations

from glhelpers.rules.symptom import Symptom, blockers, case, force
from glhelpers.rules.symptom_match import keys, phrase

__all__ = ["OCCUPANCY"]

# Texts in phrase() are known word by word; the key words in keys() are our own guess at how people put it.

_REVIEW = "Stop: neither force nor clear. An L&R expert reviews the purchases; note the group's additional {} first."
_REFUSED_FOR = "The portal refuses to move the subscription: the target group carries additional {} of its own, which it cannot join with the new order."

# Words of a sentence about a group that rightly has its subscription, or about what might be.
_NORMAL = "add want wants upgrade renew renewal how possible project domain milestone ago history formerly report"
_LIST = "dropdown drop list select selected selection choose chosen pick portal customersdot"

_OTHER_PAGES = "settings members merge pipeline runner runners project logo avatar button issue epic"

_ALREADY = Symptom(
    id="already-associated",
    label="association refused: the group is already associated with a subscription",
    paragraph="clear.error",
    wordings=(
        phrase(
            "unable to associate the subscription as the destination namespace is already associated with a subscription"
        ),
        phrase("destination namespace is already associated with a subscription"),
        keys(
            "namespace|group|destination already associated|linked|attached|tied|assigned with|to a|an|another|other|some|different|existing|SUB",
            gap=1,
            unless=_NORMAL,
            beside="subscription subscriptions plan SUB",
        ),
        keys(
            "namespace|group|destination already has subscription|plan",
            gap=3,
            tight=True,
            unless=_NORMAL,
            beside="unable error errors fails failed refuses refused",
        ),
        keys(
            "unable|cannot|cant|failed associat* namespace|group already associated|linked|has", gap=8, unless=_NORMAL
        ),
    ),
    decided_by=("occupied_by", "new_kind"),
    usual=case(
        "Another subscription's order names the group, and a group carries one subscription at a time.",
        "Find out which subscription occupies the group. Only an expired plan may be cleared; clearing a running one drops the group to Free at once.",
        runbook="clear_subscription",
    ),
    cases=(
        *(
            blocker
            for blocker in blockers()
            if not {"linked_user_is_admin", "linked_user", "owner_of_group"} & set(blocker.facts)
        ),
        case(
            "The order of an expired plan still names the group.",
            "Clear the expired subscription with the runbook, which wants proof of ownership, and associate the new one at once.",
            runbook="clear_subscription",
            still=("new_kind",),
            occupied_by="expired_plan",
        ),
    ),
    denied_by=({"occupied_by": "nothing"},),
)

_MINUTES_IN_THE_WAY = Symptom(
    id="minutes-block-change",
    label="namespace change not allowed: the target has additional compute minutes",
    paragraph="sees.minutes-stop",
    wordings=(
        phrase("Target namespace can't have additional CI minutes"),
        keys("target|destination namespace|group cant|cannot|not have additional|extra minutes"),
        keys("namespace|group change not|isnt allowed additional|extra minutes", gap=10),
    ),
    decided_by=("occupied_by",),
    usual=case(_REFUSED_FOR.format("compute minutes"), _REVIEW.format("minutes"), escalate=True),
)

_STORAGE_IN_THE_WAY = Symptom(
    id="storage-blocks-change",
    label="namespace change not allowed: the target has additional storage",
    paragraph="sees.minutes-stop",
    wordings=(
        phrase("Target namespace can't have additional storage"),
        keys("target|destination namespace|group cant|cannot|not have additional|extra storage"),
        keys("namespace|group change not|isnt allowed additional|extra storage", gap=10),
    ),
    decided_by=("occupied_by",),
    usual=case(_REFUSED_FOR.format("storage"), _REVIEW.format("storage"), escalate=True),
)

_GREYED = Symptom(
    id="greyed-or-absent",
    label="the group is greyed out in the portal's list, or absent from it",
    paragraph="sees.greyed",
    wordings=(
        keys("namespace|group|namespaces|groups greyed|grayed", tight=True, unless=_OTHER_PAGES),
        keys(
            "namespace|group|namespaces|groups grey|gray|unselectable|disabled",
            gap=6,
            unless=_OTHER_PAGES,
            beside=_LIST,
        ),
        keys("greyed|grayed out namespace|group", gap=0, unless=_OTHER_PAGES),
        keys("namespace|group not|isnt|missing|absent dropdown|drop|selector|selection", gap=6, unless=_OTHER_PAGES),
        keys(
            "namespace|group not|isnt|missing|absent list",
            gap=4,
            unless=_OTHER_PAGES,
            beside="namespace namespaces portal",
        ),
        keys(
            "list|dropdown|down not|doesnt|without show|contain|include|offer|have|list namespace|group",
            gap=2,
            tight=True,
            unless=_OTHER_PAGES,
            beside="dropdown drop portal namespace",
        ),
        keys(
            "cant|cannot|dont|unable|not select|choose|pick|see|find group|namespace",
            gap=4,
            beside="dropdown drop list portal",
            unless="subscription purchase settings members",
        ),
    ),
    decided_by=("occupied_by", "linked_user", "owner_of_group", "new_kind", "seats_fit"),
    usual=case(
        "Either another subscription occupies the group (running, lately expired, or consumption), or the linked user is not an Owner of it.",
        "Look up what is on the group and who is linked; the runbook tells the cases apart.",
        runbook="self_serve",
    ),
    cases=(
        force(
            "An expired plan keeps the group greyed out; the customer cannot proceed, and seats and Owner are in order.",
            "Force the new plan onto the group with the runbook, which looks everything up again and asks for approval.",
            "sees.force",
            occupied_by="expired_plan",
            seats_fit=True,
        ),
        *blockers(),
        case(
            "Something is greyed out, and the seats bought differ from those in use.",
            "Stop and settle with the customer in writing how to go on: seats, users, or seats owed later.",
            runbook="self_serve",
            paragraph="sees.seats-stop",
            seats_fit=False,
        ),
        case(
            "An expired plan keeps the group greyed out.",
            "Find out the rest before anything is associated: kind of the new subscription, seats, linked Owner.",
            runbook="self_serve",
            paragraph="sees.occupied",
            still=(
                "new_kind",
                "seats_fit",
                "linked_user",
                "linked_user_is_admin",
                "owner_of_group",
                "namespace_kind",
                "order_linked_here",
            ),
            occupied_by="expired_plan",
        ),
    ),
    denied_by=({"occupied_by": "nothing", "linked_user": True, "owner_of_group": True},),
)

_DISPLACED = Symptom(
    id="minutes-displaced-plan",
    label="a purchase of compute minutes displaced the paid plan",
    paragraph="sees.minutes-stop",
    wordings=(
        keys(
            "minutes displaced|replaced|removed|overwrote|overwritten|kicked|wiped plan|premium|ultimate|subscription",
            gap=6,
        ),
        keys("plan|premium|ultimate|subscription displaced|replaced|overwritten|removed by minutes", gap=6),
        keys(
            "bought|buying|purchase*|added|adding minutes plan|premium|ultimate|subscription lost|gone|disappeared|vanished|replaced",
            gap=8,
        ),
        keys("bought|buying|purchase*|added|adding minutes group|namespace free|downgraded|lost", gap=8),
        keys(
            "lost|downgraded|dropped|fell plan|premium|ultimate|free after bought|buying|purchase*|adding minutes",
            gap=6,
        ),
    ),
    decided_by=("occupied_by", "plan_on_gitlab"),
    usual=case(
        "A group carries one order: that of the compute minutes may have taken the place of the plan's.",
        "Stop. Note the additional minutes, find the orders of both purchases, and have an L&R expert review them; forcing the plan back could lose the minutes.",
        escalate=True,
    ),
    cases=(
        case(
            "The order of the compute minutes has taken the place of the plan's, so GitLab.com fell back to Free.",
            "Stop. Note the additional minutes and have an L&R expert bring back the plan; forcing it back could lose the minutes.",
            escalate=True,
            occupied_by="compute_minutes",
            plan_on_gitlab="free",
        ),
    ),
    denied_by=({"plan_on_gitlab": "other"}, {"occupied_by": ("active_plan", "expired_plan", "storage", "nothing")}),
)

_PROGRAMME_EXPIRED = Symptom(
    id="programme-expired-still-paid",
    label="a community programme's subscription has expired, but the group still shows its plan",
    paragraph="sees.occupied",
    wordings=(
        keys(
            "oss|edu|opensource|source|education|programme expired|ended|lapsed|ran still|remains|keeps|yet ultimate|paid|premium|gold|opensource",
            gap=9,
        ),
        keys(
            "expired|ended|lapsed oss|edu|opensource|source|education|programme still|remains|keeps|yet ultimate|paid|premium|gold",
            gap=9,
        ),
        keys(
            "still|remains ultimate|paid|premium|gold oss|edu|opensource|source|education|programme expired|ended|lapsed",
            gap=9,
        ),
    ),
    decided_by=("community_program", "occupied_by", "plan_on_gitlab"),
    usual=case(
        "The programme's subscription has ended, but nothing took its plan off the group; its order still occupies it.",
        "Do not clear it yet: ask the programme team whether a renewal is on its way, and look up the order and the dates.",
        runbook="start_here",
    ),
    denied_by=({"community_program": "none"}, {"plan_on_gitlab": "free"}, {"occupied_by": ("active_plan", "nothing")}),
)

_USAGE = Symptom(
    id="usage-not-reset",
    label="after an association the quota is new, but the compute minutes used stay used",
    paragraph="force.minutes",
    wordings=(
        keys(
            "minutes|usage not|isnt|wasnt|didnt reset",
            gap=4,
            beside="associat* associated associate associating association force forced subscription",
        ),
        keys("quota changed|new|updated|raised|increased usage|used|minutes still|same|remains|unchanged", gap=8),
        keys("minutes still used|exhausted after|since associat*|forc*", gap=6),
    ),
    decided_by=(),
    usual=case(
        "Associating changes the quota alone; what was used this month stays used.",
        "Choose with the customer: leave it, grant additional minutes up to the full quota (usually better), or have an admin reset the usage, which also wipes the use of additional units.",
    ),
)

OCCUPANCY = (_ALREADY, _MINUTES_IN_THE_WAY, _STORAGE_IN_THE_WAY, _GREYED, _DISPLACED, _PROGRAMME_EXPIRED, _USAGE)
"""Symptoms of a group that something occupies."""
