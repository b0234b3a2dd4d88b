"""The front door: MCP over aiohttp and stdio. It speaks to the graph through the bus alone."""
