"""Runs the system: the only folder that knows Ray.

`supervisor.serve` is the way to start one, `leases.ensure_running` the way to join one or start it on demand. Neither
imports Ray; `graph` does, in a process of its own.
"""
