"""A program's name, as it is meant."""

from __future__ import annotations

import posixpath

from . import rules
from .globs import matcher
from .model import UNKNOWN, Field

_GLOBBED = tuple(
    """
    rm dd cat sh bash nc curl wget chmod mkfs python3 shred base64 sudo
""".split()
)


def program_name(first: Field) -> str:
    """A program's name: without its folder, with a glob in it solved, with a DOS ending taken off."""
    text = first.text
    name = posixpath.basename(text.replace("\\", "/")) if "/" in text or "\\" in text else text
    if first.globs and any(mark in name for mark in "*?["):
        name = next(filter(matcher(name), _GLOBBED), name)
    name = name.replace(UNKNOWN, "") or name  # an unset variable amid a name is nothing
    lowered = name.lower()
    if lowered.endswith((".exe", ".com")):
        return lowered[:-4]
    cmdlet = name[:1].isupper() and "-" in name
    return lowered if name != lowered and (cmdlet or lowered in rules.FOLDED) else name
