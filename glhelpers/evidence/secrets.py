"""The tokens in use, made known to the redaction: whatever else fails, these never leave."""

from __future__ import annotations

from glhelpers.evidence.redact import register_secret
from glhelpers.settings import Settings

__all__ = ["register_tokens"]


def register_tokens(settings: Settings) -> None:
    """Mask the tokens of these settings wherever they stand from now on."""
    for endpoint in (settings.gitlab, settings.customersdot, settings.zendesk):
        if endpoint.token is not None:
            register_secret(endpoint.token)
    if settings.portal_token is not None:
        register_secret(settings.portal_token)
