"""The entry point of `aura`, of `python -m aura_ia_mcp.main` and of `python -m aura_ia_mcp`."""

from __future__ import annotations

import sys

from aura_ia_mcp.cli.app import run


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
