"""The rules of detect-secrets, a kept scanner of its own, as a second opinion on what the table of shapes may miss."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["second_opinion"]

# Not taken: entropy (judged in scan_random by place), public IP addresses (no secrets), and the two that ours contain.
_PLUGINS = {
    "artifactory": "ArtifactoryDetector",
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "cloudant": "CloudantDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "ibm_cloud_iam": "IbmCloudIamDetector",
    "ibm_cos_hmac": "IbmCosHmacDetector",
    "jwt": "JwtTokenDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "openai": "OpenAIDetector",
    "private_key": "PrivateKeyDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "softlayer": "SoftlayerDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}


@cache
def _plugins() -> tuple[Any, ...]:
    """Loaded when something is to be published: no kernel needs them, and they take a while."""
    return tuple(
        getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _PLUGINS.items()
    )


def second_opinion(text: str) -> Iterator[tuple[str, int]]:
    """Kind and start of each finding; the rules alone, nothing is verified over a network."""
    for plugin in _plugins():
        for pattern in plugin.denylist:
            for match in pattern.finditer(text):
                yield plugin.secret_type, match.start()
