"""
A tenth of a second less at the start of a process that asks a service; imported before httpx is.

With httpx comes its own command, which loads rich and a Markdown parser where there are such.  httpx does without it where it is not to be
had.
"""

from __future__ import annotations

import sys

__all__ = ["COMMAND"]

COMMAND = "httpx._main"
"""The module that is not imported."""

sys.modules.setdefault(COMMAND, None)  # type: ignore[arg-type]
