"""The policy engine: a file of rules in, a verdict per call out. Pure: no IO, no clock. See docs/policy.md."""

from .fixed import OPERATE
from .inputs import LEVELS, Facts, Inputs
from .policy import Explained, Policy, parse, shipped
from .reading import PolicyError
from .rule import Rule
from .verdict import DEFAULT, DEFAULT_RATE, Effect, Sandbox, Verdict

__all__ = [
    "DEFAULT",
    "DEFAULT_RATE",
    "LEVELS",
    "OPERATE",
    "Effect",
    "Explained",
    "Facts",
    "Inputs",
    "Policy",
    "PolicyError",
    "Rule",
    "Sandbox",
    "Verdict",
    "parse",
    "shipped",
]
