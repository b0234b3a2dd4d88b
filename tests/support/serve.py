"""Starts a system as `aura serve` does, with tool sources of the tests' own: `python -m tests.support.serve SOURCE...`.

The settings are those of the folder it is started in.
"""

from __future__ import annotations

import sys

from aura_ia_mcp.cluster.supervisor import serve
from aura_ia_mcp.configs.load import load

if __name__ == "__main__":
    loaded = load()
    sys.exit(serve(loaded.settings, sources=tuple(sys.argv[1:]), origins=loaded.sources))
