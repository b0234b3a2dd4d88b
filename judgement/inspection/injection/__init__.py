"""Prompt injection: `inspect_injection`."""

from .inspect import inspect_injection as inspect_injection
