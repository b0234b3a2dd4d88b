"""The actors: one file a role, plain classes with an async handler per message type; no Ray, no web server."""
