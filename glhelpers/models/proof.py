"""What a customer pasted as proof, held against what GitLab.com shows support."""

from __future__ import annotations

from glhelpers.models.base import OwnModel
from glhelpers.models.change import Scalar

__all__ = ["ComparedLeaf"]


class ComparedLeaf(OwnModel):
    """One value of `GET /namespaces/:id/gitlab_subscription`: as pasted, as seen by support, and whether they agree."""

    leaf: str
    pasted: Scalar
    seen: Scalar
    same: bool
    missing: bool = False
