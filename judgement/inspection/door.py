"""The one door: what is in a text of this kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..finding import Finding, Report
from .commands import inspect_command
from .injection import inspect_injection
from .paths import inspect_path
from .pii import find_pii
from .secrets import find_secrets
from .sql import inspect_sql
from .urls import inspect_url
from .version import VERSION

Detector = Callable[[str], Sequence[Finding]]

DETECTORS: dict[str, tuple[Detector, ...]] = {
    "prompt": (inspect_injection, find_secrets, find_pii),
    "text": (inspect_injection, find_secrets, find_pii),  # what a tool gave back; what follows is the policy's
    "command": (inspect_command, find_secrets),
    "sql": (inspect_sql, find_secrets, find_pii),
    "path": (inspect_path, find_secrets),
    "url": (inspect_url, find_secrets, find_pii),
    "data": (find_secrets, find_pii),  # inert: nobody reads it as an instruction or runs it
}


def inspect(text: str, kind: str) -> Report:
    """What all detectors for this kind of text see in it; linear in its length.

    Args:
        text: any.
        kind: one of `DETECTORS`.

    Raises:
        ValueError: there is no such kind.
    """
    detectors = DETECTORS.get(kind)
    if detectors is None:
        raise ValueError(f"a text is {kind!r}; it must be one of {', '.join(DETECTORS)}")
    found = [finding for detect in detectors for finding in detect(text)]
    if len(found) > 1:
        found = sorted(_without_doubles(found), key=lambda finding: (-finding.severity, finding.start, finding.end))
    return Report(tuple(found), VERSION)


def _without_doubles(found: list[Finding]) -> list[Finding]:
    """Without personal data that is a part of a secret: a number in a key is no telephone."""
    secrets = sorted((finding.start, finding.end) for finding in found if finding.family == "secret")
    if not secrets:
        return found
    kept, at = [], 0
    for finding in sorted(found, key=lambda finding: finding.start):
        while at < len(secrets) and secrets[at][1] <= finding.start:
            at += 1
        inside = at < len(secrets) and secrets[at][0] < finding.end
        if finding.family != "pii" or not inside:
            kept.append(finding)
    return kept
