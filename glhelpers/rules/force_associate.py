"""
The policy of runbook `force_associate`: which rules decide, in which order.

Read it next to the handbook section *Force Associate SaaS Subscription*; docs/rules.md is the same
as a table, with the sentence of each rule.
"""

from __future__ import annotations

from glhelpers.models.facts import AssociationFacts
from glhelpers.rules import minutes, namespace, occupancy, ownership, request, seats, subscription
from glhelpers.rules.rule import Policy

__all__ = ["POLICY"]

POLICY: Policy[AssociationFacts] = Policy(
    runbook="force_associate",
    stages=(
        "request",
        "namespace",
        "subscription",
        "already done",
        "occupancy",
        "ownership",
        "seats",
        "reason",
        "minutes",
    ),
    rules=(
        request.ticket_link_is_well_formed,
        request.ticket_is_open,
        request.parameters_name_the_same_account,
        namespace.namespace_exists,
        namespace.namespace_is_a_top_level_group,
        namespace.namespace_is_not_pending_deletion,
        subscription.subscription_exists,
        subscription.has_an_order,
        subscription.is_a_plan_with_seats,
        subscription.is_not_a_trial,
        subscription.is_for_gitlab_com,
        subscription.is_in_its_term,
        occupancy.is_not_associated_yet,
        occupancy.subscription_is_not_on_another_group,
        occupancy.nothing_else_occupies_the_namespace,
        ownership.account_has_a_linked_user,
        ownership.linked_user_is_active,
        ownership.linked_user_is_no_admin,
        ownership.linked_user_owns_the_group,
        seats.purchase_channel_is_known,
        seats.seats_cover_seats_in_use,
        seats.seats_owed_are_foreseen,
        seats.there_is_a_reason_to_force,
        minutes.additional_minutes_and_storage_are_noted,
        minutes.usage_is_not_reset,
        minutes.support_admin_tools_are_used,
    ),
)
