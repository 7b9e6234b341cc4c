"""All known symptoms in one table."""

from __future__ import annotations

from glhelpers.rules.symptom import Symptom
from glhelpers.rules.symptoms_messages import MESSAGES
from glhelpers.rules.symptoms_occupancy import OCCUPANCY
from glhelpers.rules.symptoms_portal import PORTAL
from glhelpers.rules.symptoms_purchase import PURCHASE

__all__ = ["SYMPTOMS"]

SYMPTOMS: dict[str, Symptom] = {symptom.id: symptom for symptom in (*PORTAL, *OCCUPANCY, *PURCHASE, *MESSAGES)}
"""Each known symptom by its id, in the order in which documents list them."""
