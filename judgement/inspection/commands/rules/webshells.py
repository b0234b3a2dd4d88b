"""Pages that run what a visitor sends, left where a web server finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..code import concepts
from ..model import Call, Hit, block
from .written import written_paths

_PAGES = (".php", ".phtml", ".php5", ".php7", ".phar", ".jsp", ".jspx", ".asp", ".aspx", ".ashx", ".cfm", ".cgi")
_TOGETHER = frozenset({"visitors_words", "hands_to_shell"})


def _page(call: Call) -> Iterator[Hit]:
    for path, text in written_paths(call):
        if path.lower().endswith(_PAGES) and concepts.spoken_of(text) >= _TOGETHER:
            yield block("persist", "leaves a page that runs what a visitor sends")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_page,)
