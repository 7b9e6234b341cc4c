"""The only code that speaks HTTP: one transport, and a thin typed client for each service."""

import sys

__all__ = ["COMMAND_OF_HTTPX"]

COMMAND_OF_HTTPX = "httpx._main"
"""httpx's own command, which it imports with rich and a Markdown parser where there are such; a tenth of a second less."""

sys.modules.setdefault(COMMAND_OF_HTTPX, None)  # type: ignore[arg-type]
