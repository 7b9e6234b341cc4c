"""Keys of services that have nothing to do with the work, and stand on the desks of those who do it."""

from __future__ import annotations

__all__ = ["SERVICE_KEYS"]

SERVICE_KEYS: tuple[tuple[str, str, str], ...] = (
    # kind, what one of stands in every such key (lower case), pattern (verbose)
    ("AWS key", "akia asia abia acca", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("Google key", "aiza", r"AIza[\w-]{35}(?![\w-])"),
    ("Google token", "ya29. gocspx-", r"(?:ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,})"),
    ("Azure key", "accountkey=", r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    ("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{30,})"),
    ("Slack token", "xox xapp-", r"(?:xox[abeoprs]-[\w-]{10,}|xapp-\d-[\w-]{10,})"),
    ("Slack address", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/[\w/]{20,}"),
    ("Stripe key", "k_live_ k_test_", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("npm token", "npm_", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("PyPI token", "pypi-", r"pypi-[\w-]{50,}"),
    ("Docker token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{20,}"),
    ("Atlassian token", "atatt atctt atbb", r"AT(?:ATT|CTT|BB)[A-Za-z0-9=_-]{24,}"),
    ("SendGrid key", "sg.", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    ("Mailchimp key", "-us", r"[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    ("Twilio key", "sk ac", r"SK[0-9a-f]{32}(?![0-9a-f])"),
    ("OpenAI key", "sk-", r"sk-(?:proj-|svcacct-|ant-)?[\w-]{32,}"),
    ("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    ("Grafana token", "glsa_ glc_", r"(?:glsa|glc)_[\w=]{32,}"),
    ("Vault token", "hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{24,}"),
    ("Terraform token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}"),
    ("DigitalOcean token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    ("Databricks token", "dapi", r"dapi[0-9a-f]{32}"),
    ("New Relic key", "nrak-", r"NRAK-[A-Z0-9]{27}"),
    ("Sentry token", "sntry", r"sntry[su]_[\w+/=-]{40,}"),
    ("Postman key", "pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("Linear key", "lin_api_", r"lin_api_[A-Za-z0-9]{32,}"),
    ("Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("Telegram token", ":aa", r"\d{8,10}:AA[\w-]{32,33}(?![\w-])"),
    ("Square token", "eaaa sq0", r"(?:EAAA[\w-]{60}|sq0(?:atp|csp)-[\w-]{22,43})"),
    ("age key", "age-secret-key-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    ("RubyGems key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    ("Figma token", "figd_", r"figd_[\w-]{30,}"),
)
