"""`python -m glhelpers.sandbox`: serve a world on loopback."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from glhelpers.errors import BadWorld
from glhelpers.sandbox.faults import load_faults
from glhelpers.sandbox.server import serve
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.world_file import DEMO, load_world

_LAST_PORT = 65_533
"""Two more follow it."""


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number up to {_LAST_PORT}, or 0 for any that is free")
    return int(text)


def main() -> int:
    """Read the arguments and serve; 2 for a world or faults file that is not as it must be."""
    parser = argparse.ArgumentParser(prog="glhelpers sandbox serve", description=__doc__)
    parser.add_argument("--port", type=_port, default=0)
    parser.add_argument("--world", type=Path, default=DEMO)
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--state-file", type=Path)
    given = parser.parse_args()

    def ready(told: Doc) -> None:
        if given.json:
            print(json.dumps(told), flush=True)  # noqa: T201 (the line that a caller waits for)
            return
        lines = [f"World {told['world']}, frozen on {told['today']}. Ctrl-C ends it."]
        lines += [f"  {name:12} {told[f'{name}_url']}" for name in ("gitlab", "customersdot", "zendesk")]
        lines.append("Runs on this machine use it by themselves (profile sandbox).")
        print("\n".join(lines), flush=True)  # noqa: T201 (the command's own words)

    try:
        world = load_world(given.world)
        faults = load_faults(given.faults) if given.faults else []
        serve(
            world, faults, port=given.port, state_file=given.state_file, ready=ready, until_eof=given.until_stdin_closes
        )
    except BadWorld as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        # Only the state file is opened by name; anything else is about the ports.
        what = "write its state file" if error.filename is not None else f"listen on port {given.port}"
        print(f"The sandbox cannot {what}: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
