"""What a request in plain words asks for: pure decisions of the router (docs/routing.md)."""

from .arguments import Extracted, extract
from .decision import Alternative, Decision, Reading, route
from .destructive import destructive_intent
from .intent import Intent
from .labels import LABELS, Label

__all__ = [
    "LABELS",
    "Alternative",
    "Decision",
    "Extracted",
    "Intent",
    "Label",
    "Reading",
    "destructive_intent",
    "extract",
    "route",
]
