"""Runs without a person: notebooks in kernels of their own, many at once, with progress and a summary."""

from __future__ import annotations

import sys

# With nbformat comes jsonschema, and with that a grammar of addresses which takes a second to compile and which checks
# formats that nothing here asks for.  jsonschema does without it where it is not to be had.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
