"""`python -m aura_ia_mcp` is `aura`."""

from aura_ia_mcp.main import main

main()
