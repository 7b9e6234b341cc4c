"""Whom to trust: the certificates of this machine, or those that come with httpx where it has none."""

from __future__ import annotations

import glhelpers.clients.lean  # noqa: F401 (before httpx)  # isort: skip

import ssl
from pathlib import Path

import httpx

__all__ = ["TLS", "trusting"]


def trusting() -> ssl.SSLContext:
    """
    A context that checks certificate and host name, and speaks TLS 1.2 or newer.

    Some builds of Python, such as that of python.org for macOS, know no certificates at first.
    """
    kept = ssl.get_default_verify_paths()
    places = (kept.cafile, kept.capath, kept.openssl_cafile, kept.openssl_capath)
    known = any(place and Path(place).exists() for place in places)
    context = ssl.create_default_context() if known else httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


TLS = trusting()
"""Shared by all connections: reading the certificates takes longer than a request."""
