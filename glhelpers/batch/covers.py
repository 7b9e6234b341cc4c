"""What stands for paragraphs of the handbook page that no rule can judge: a text that is drafted, a step that acts."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COVERS", "Cover"]


@dataclass(frozen=True)
class Cover:
    """A step of a runbook's notebook that does what a paragraph says; `draft` names the text that it shows."""

    runbook: str
    step: str
    words: str
    draft: str | None = None


_PORTAL_STEPS = Cover("self_serve", "record", "steps for the customer: text `selfserve_steps`", "selfserve_steps")

COVERS: dict[str, tuple[Cover, ...]] = {
    "reseller.self-serve": (_PORTAL_STEPS,),
    "502.unlink": (Cover("portal_502", "apply", "the user is unlinked, once"),),
    "force.success": (Cover("force_associate", "verify", "the group is read back"),),
    "force.failure": (Cover("force_associate", "record", "for the engineers: text `escalation`", "escalation"),),
    "clear.tool": (Cover("clear_subscription", "apply", "the tool is asked, once"),),
    "sees.when": (_PORTAL_STEPS,),
    "sees.steps": (_PORTAL_STEPS,),
    "sees.sign-in": (_PORTAL_STEPS,),
    "sees.manage-purchases": (_PORTAL_STEPS,),
    "sees.choose": (_PORTAL_STEPS,),
    "sees.link": (_PORTAL_STEPS,),
    "sees.change": (_PORTAL_STEPS,),
    "sees.select": (_PORTAL_STEPS,),
    "sees.confirm": (_PORTAL_STEPS,),
    "sees.force": (Cover("force_associate", "apply", "the tool is asked, once"),),
    "sees-not.workflow": (Cover("subscription_not_visible", "apply", "the user is given access, once"),),
}
