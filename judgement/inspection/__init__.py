"""What is in a text: hostile commands, injections, secrets, personal data.

`inspect` is the one door to all detectors. `walk` says what kind each text of a call's arguments is, `redact` marks
secrets and personal data, `fence` keeps instructions in data from being followed.
"""

from __future__ import annotations

from .door import DETECTORS, inspect
from .fencing import fence, prefixed
from .redaction import redact, redact_text
from .version import VERSION
from .walk import Found, Plan, plan, walk

__all__ = [
    "DETECTORS",
    "VERSION",
    "Found",
    "Plan",
    "fence",
    "inspect",
    "plan",
    "prefixed",
    "redact",
    "redact_text",
    "walk",
]
