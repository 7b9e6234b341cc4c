"""The rules of detect-secrets, a kept scanner of its own, as a second opinion on what the table of shapes may miss."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["SECOND", "second_opinion"]

SECOND = "detect-secrets: "
"""How the kinds of this scanner begin."""

# Module, class, and what stands in every text that it finds something in (lower case), which saves most searches.
# Not taken: entropy (judged in scan_random by place), keywords (in the table of shapes), public IP addresses.
_PLUGINS = (
    ("artifactory", "ArtifactoryDetector", "akc ap"),
    ("aws", "AWSKeyDetector", "akia asia abia acca a3t aws"),
    ("azure_storage_key", "AzureStorageKeyDetector", "accountkey="),
    ("basic_auth", "BasicAuthDetector", "://"),
    ("cloudant", "CloudantDetector", "cloudant clou cl_ "),
    ("discord", "DiscordBotTokenDetector", "."),
    ("github_token", "GitHubTokenDetector", "gh"),
    ("gitlab_token", "GitLabTokenDetector", "gl gr1348941"),
    ("ibm_cloud_iam", "IbmCloudIamDetector", "ibm bluemix"),
    ("ibm_cos_hmac", "IbmCosHmacDetector", "cos ibm secret_access"),
    ("jwt", "JwtTokenDetector", "eyj"),
    ("mailchimp", "MailchimpDetector", "-us"),
    ("npm", "NpmDetector", "_authtoken"),
    ("openai", "OpenAIDetector", "t3blbkfj"),
    ("private_key", "PrivateKeyDetector", "private key putty"),
    ("pypi_token", "PypiTokenDetector", "pypi"),
    ("sendgrid", "SendGridDetector", "sg."),
    ("slack", "SlackDetector", "xox hooks.slack.com"),
    ("softlayer", "SoftlayerDetector", "softlayer sl_ sl- ims"),
    ("square_oauth", "SquareOAuthDetector", "sq0csp"),
    ("stripe", "StripeDetector", "_live_ _test_"),
    ("telegram_token", "TelegramBotTokenDetector", ":"),
    ("twilio", "TwilioKeyDetector", "ac sk"),
)


# A word in capitals has the shape of a key too; these two have shapes that no word has.
_WITHOUT_DIGITS = ("private_key", "basic_auth")


@cache
def _plugins() -> tuple[tuple[Any, tuple[str, ...], bool], ...]:
    """Loaded when something is to be published: no kernel needs them, and they take a while."""
    return tuple(
        (getattr(import_module(f"detect_secrets.plugins.{module}"), name)(), tuple(needles.split()), digits)
        for module, name, needles in _PLUGINS
        for digits in [module not in _WITHOUT_DIGITS]
    )


def second_opinion(text: str) -> Iterator[tuple[str, int]]:
    """Kind and start of each finding; the rules alone, nothing is verified over a network."""
    lower = text.lower()
    for plugin, needles, digits in _plugins():
        if not any(needle in lower for needle in needles):
            continue
        for pattern in plugin.denylist:
            for match in pattern.finditer(text):
                if not digits or any(sign.isdigit() for sign in match[0]):
                    yield f"{SECOND}{plugin.secret_type}", match.start()
