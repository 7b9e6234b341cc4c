"""
A second less at the start of a process that reads notebooks; imported before all that does.

With nbformat comes jsonschema, and with that a grammar of addresses which takes a second to compile and
checks formats that nothing here asks for.  jsonschema does without it where it is not to be had.
"""

from __future__ import annotations

import sys

__all__ = ["GRAMMAR"]

GRAMMAR = "rfc3987_syntax"
"""The module that is not imported."""

sys.modules.setdefault(GRAMMAR, None)  # type: ignore[arg-type]
