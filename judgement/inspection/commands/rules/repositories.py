"""Shared history of repositories: rewritten, deleted, or given what must not be in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, Label, block, review
from ..prefixes import past_options
from ..secrets import is_secret

_FAMILY = "infrastructure"
_KEPT_BRANCHES = frozenset(
    ["main", "master", "develop", "development", "production", "prod", "release", "staging", "trunk", "stable", "live"]
)


def _git(call: Call) -> Iterator[Hit]:
    words = [arg.text for arg in call.args[past_options(call.args, "-C -c --git-dir --work-tree") :]]
    if not words:
        return
    verb, rest = words[0], words[1:]
    if verb == "push" and "--dry-run" not in rest and "-n" not in rest:
        yield from _push(rest)
        if "--delete" in rest and any(Label.INSTANCES in arg.data.labels for arg in call.args):
            yield block(_FAMILY, "deletes all branches that others have")
    elif verb == "add" and {"-f", "--force"} & set(rest) and any(is_secret(t) or t.endswith(".env") for t in rest):
        yield review("exfiltrate", "puts credentials into a repository")
    elif verb in {"filter-branch", "filter-repo"}:
        yield review(_FAMILY, "rewrites a repository's whole history")
    elif (
        verb == "reflog"
        and rest[:1] in (["expire"], ["delete"])
        and any("now" in text or "all" in text for text in rest)
    ):
        yield review(_FAMILY, "deletes what could bring history back")
    elif verb == "update-ref" and "-d" in rest:
        yield review(_FAMILY, "deletes references")
    elif verb == "clean" and any(
        text.startswith("-") and text[1:2] != "-" and "f" in text and "x" in text and "n" not in text for text in rest
    ):
        yield from ()


def _push(rest: list[str]) -> Iterator[Hit]:
    targets = [text for text in rest if not text.startswith("-")][1:]
    names = {text.rpartition(":")[2].lstrip("+").removeprefix("refs/heads/") for text in targets}
    short = "".join(text[1:] for text in rest if text[:1] == "-" and text[1:2] != "-")
    forced = "f" in short or "--force" in rest or any(text.startswith("+") for text in targets)
    deletes = "d" in short or "--delete" in rest or any(text.startswith(":") for text in targets)
    whole = any(text in {"--mirror", "--all", "--tags", "--prune"} for text in rest)
    kept = bool(names & _KEPT_BRANCHES) or any(name.startswith(("release/", "hotfix/")) for name in names)
    if (forced and (kept or whole)) or "--mirror" in rest or (deletes and kept):
        yield block(_FAMILY, "rewrites or deletes shared history")
    elif forced and "--force-with-lease" not in rest:
        yield review(_FAMILY, "rewrites history that others may have")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {"git": _git}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
