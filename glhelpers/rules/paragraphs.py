"""The paragraphs of the handbook page, each named by an id and told in our own words; rules rest on these ids."""

from __future__ import annotations

from dataclasses import dataclass

from glhelpers.rules.handbook import CLEAR, FORCE, PORTAL_502, RESELLER, SEES, SEES_NOT

__all__ = ["PARAGRAPHS", "Paragraph"]


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of the page: its id, the anchor of its section, what it says in one sentence of ours."""

    id: str
    anchor: str
    summary: str


_IN_ORDER = (
    Paragraph("reseller.read-only", RESELLER, "Who bought through a partner, reseller or cloud marketplace can look at the subscription in the portal, not manage it."),
    Paragraph("reseller.self-serve", RESELLER, "Putting a GitLab.com subscription on its group is nevertheless every customer's own step in the portal."),
    Paragraph("502.cause", PORTAL_502, "An admin's GitLab.com user linked to a portal account makes the portal load too many groups, which ends in a 502."),
    Paragraph("502.verify", PORTAL_502, "The token that the portal keeps tells by its resource owner which GitLab.com user is really linked."),
    Paragraph("502.unlink", PORTAL_502, "The cure is to take the GitLab.com user off the portal account, with the console function or the support admin tool."),
    Paragraph("force.deprecated-app", FORCE, "The app that this section was written for is going to be retired."),
    Paragraph("force.when", FORCE, "Forcing is for requests that the everyday way through the portal cannot serve."),
    Paragraph("force.seats", FORCE, "With more seats in use than bought, and no wish to buy more now, forcing is allowed and the excess shows as seats owed."),
    Paragraph("force.programme", FORCE, "Education and open source subscriptions lack the button to change the group, so they are forced."),
    Paragraph("force.success", FORCE, "An answer of success is followed by a look at the namespace; then the request can be closed."),
    Paragraph("force.failure", FORCE, "An answer of failure is escalated by label to the engineers who have console access."),
    Paragraph("force.linked-owner", FORCE, "An Owner of the group must be linked to the account that holds the subscription, or later changes get lost or drop the group to Free."),
    Paragraph("force.minutes", FORCE, "Forcing changes the quota of compute minutes, not their use; a reset by an admin wipes purchased minutes too, so extra minutes may be the better gift."),
    Paragraph("clear.error", CLEAR, "Where an association fails because the group already carries a subscription, that one can be taken off."),
    Paragraph("clear.tool", CLEAR, "The support admin tool for clearing does this."),
    Paragraph("sees.when", SEES, "A subscription that shows in the portal but not on the billing page of the group is linked by the customer."),
    Paragraph("sees.steps", SEES, "The customer's way through the portal is a list of steps."),
    Paragraph("sees.sign-in", SEES, "First step: the customer logs on to the portal."),
    Paragraph("sees.manage-purchases", SEES, "Second step: the customer opens the list of purchases."),
    Paragraph("sees.choose", SEES, "Third step: one of two buttons, depending on whether there is a group already."),
    Paragraph("sees.link", SEES, "A subscription without a group has a button to link one."),
    Paragraph("sees.change", SEES, "A subscription with a group has an entry in its menu to change it."),
    Paragraph("sees.select", SEES, "Fourth step: the customer picks the group from the list."),
    Paragraph("sees.confirm", SEES, "Fifth step: the customer looks over the billing details and confirms."),
    Paragraph("sees.greyed", SEES, "A group that cannot be picked, or is missing from the list, is a case for Support."),
    Paragraph("sees.occupied", SEES, "A group cannot be picked while another subscription is on it, which may have ended lately or be one for consumption."),
    Paragraph("sees.minutes-stop", SEES, "Only a plan with seats may be forced; for compute minutes an expert first makes sure that none are lost."),
    Paragraph("sees.seats-stop", SEES, "Seats bought and seats in use should match; where they differ much, stop and settle with the customer how to go on."),
    Paragraph("sees.force", SEES, "With matching seats, the support admin tool puts the new subscription on the group."),
    Paragraph("sees.root-cause", SEES, "Experts may look for the cause afterwards, if need be with Billing Ops."),
    Paragraph("sees-not.workflow", SEES_NOT, "Who cannot see the subscription is given access to it by the workflow for associating purchases."),
)  # fmt: skip

PARAGRAPHS: dict[str, Paragraph] = {paragraph.id: paragraph for paragraph in _IN_ORDER}
