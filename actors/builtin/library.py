"""The shipped documentation: Markdown files, one a topic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SCHEME = "aura://docs/"
MIME = "text/markdown"


@dataclass(frozen=True, slots=True)
class Page:
    """One topic.

    Args:
        topic: the file's name without its end.
        title: its first heading.
        text: all of it.
    """

    topic: str
    title: str
    text: str

    @property
    def uri(self) -> str:
        """As an MCP resource."""
        return SCHEME + self.topic


@cache
def pages() -> dict[str, Page]:
    """All topics by name, read once; only what ships with the package, never a path that somebody gives."""
    found = {}
    folder = files("aura_ia_mcp") / "docs"
    if not folder.is_dir():
        return {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.is_file() and file.name.endswith(".md"):
            text = file.read_text("utf-8")
            topic = file.name.removesuffix(".md")
            found[topic] = Page(topic, _title(text) or topic, text)
    return found


def _title(text: str) -> str:
    return next((line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# ")), "")
