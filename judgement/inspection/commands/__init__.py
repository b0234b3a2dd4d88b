"""Hazards of shell commands, found by parsing and following them, never by looking for words.

Where to find what:

| room | holds |
|---|---|
| `syntax`, `model` | a script as it was written; data with its labels, calls and hits |
| `parse`, `parse_words`, `quoting`, `conditions` | the shell's grammar, into the values of `syntax` |
| `shell` | follows a script: pipes, loops, functions; each call that it would make is judged |
| `memory`, `judging`, `ledger`, `naming` | what a shell knows; what is said of its calls; what scripts share |
| `words` | expansion of one word: variables, braces, splitting |
| `flow`, `filters`, `decoders`, `listings`, `sources` | what a program writes for what it reads, with labels |
| `wrappers`, `run_options`, `spreading`, `remote` | programs that run another one |
| `inner`, `prefixes` | what a wrapper runs, and where it stands |
| `modules` | modules of configuration managers, told as the commands that they stand for |
| `loops` | loops, functions and scripts that start or write again and again |
| `targets`, `secrets`, `guards`, `globs` | what a path or name means: machine, log, credential, guard |
| `code` | other languages: where code stands, Python by its grammar, others by tokens, any by `concepts.yaml` |
| `rules` | one file a family of hazards; each maps programs to what is to be said of a call |

A new hazard: of a program's own words, a line in `rules/verbs.yaml`; of a program that needs more than words, a row in
its family's file in `rules`; of a path, `targets` or `secrets`; of code in any
language, a row in `code/concepts.yaml`; a program that runs another, `wrappers`.
"""

from __future__ import annotations

import re2

from ...finding import Finding, Severity
from .code import concepts
from .ledger import Ledger
from .model import Hit
from .parse import parse
from .rules import windows
from .shell import Shell

MAX_TEXT = 64 * 1024
"""Characters of a command that are parsed; a longer one is judged up to there and is for a person to see."""

REMEDIES = {
    "destroy_files": "Name the files to delete, inside the project's or a temporary folder.",
    "destroy_device": "Write to an image file instead, or have an administrator do it.",
    "exhaust": "Put a limit on it, or ask an administrator.",
    "download_execute": "Download to a file, read it, check its hash, then run it.",
    "reverse_shell": "Never give a shell to another machine; use an agreed remote access.",
    "credentials": "Use the credential through the program it is for, without reading it.",
    "exfiltrate": "Send only what the task needs, to an agreed place.",
    "persist": "Leave start files, schedules and keys to an administrator.",
    "privilege": "Ask an administrator for exactly the permission that is missing.",
    "cover_tracks": "Leave logs and histories alone; rotation does what is needed.",
    "disable_security": "Ask an administrator for a narrow exception instead.",
    "database": "Restrict the statement with a condition, and try it on a copy first.",
    "infrastructure": "Show a dry run first, and have the owner do it.",
    "escape": "Run without the host's folders, powers or container engine.",
    "opaque": "Show what would run in plain text.",
    "unparsed": "Write it as a plain command.",
    "too_large": "Split it into smaller commands.",
    "too_deep": "Write it without so many scripts within scripts.",
}
_CALL_OF_NET = re2.compile(r"\[[\w.]+\]::\w+(?:\([^()|;&$`\n]*\))?(?:\.\w+(?:\([^()|;&$`\n]*\))?)*")
"""PowerShell's call of a .NET method and nothing else: no command, so no shell's grammar."""

_LISTED = re2.compile(r",\$(HOME\\|env:|Env:)")
"""A path in a list of PowerShell's, which a shell's grammar tears apart; a blank instead of the comma keeps places."""

_SCORES = {Severity.BLOCK: 0.95, Severity.REVIEW: 0.7, Severity.INFO: 0.3}


MAX_MARKS = {"|": 1500, "&": 4000, "(": 8000, "`": 8000, "{": 8000}
"""How often each of these may stand in a text: the grammar's time grows with their square."""


_IN_HOME = re2.compile(r"\$HOME\\[\w.\\-]+")


def _as_shell(text: str) -> str:
    """PowerShell's lists and paths of a home as a shell's grammar reads them; every place stays where it is."""
    listed: str = _LISTED.sub(r" $\1", text)
    if "$HOME\\" in listed:
        listed = _IN_HOME.sub(lambda found: found.group().replace("\\", "/"), listed)
    return listed


def _judged(text: str) -> str:
    """The part of a text that is parsed."""
    end = min(len(text), MAX_TEXT)
    for mark, most in MAX_MARKS.items():
        if text.count(mark, 0, end) > most:
            at = -1
            for _ in range(most):
                at = text.find(mark, at + 1)
            end = min(end, at)
    return text[:end]


def inspect_command(text: str) -> list[Finding]:
    """Judge a shell command or script without running it.

    The same text gives the same findings. Time is bounded: at most MAX_TEXT characters are parsed and a bounded number
    of calls followed; what lies beyond gives `command.too_large` for review.

    Args:
        text: as it would be handed to a shell (PowerShell and cmd in their commonest forms too).

    Returns:
        Findings with rules `command.<family>` (the families of tests/corpora/README.md, and opaque, unparsed,
        too_large, too_deep), by place; none for a harmless command.
    """
    ledger = Ledger()
    judged = _judged(text)
    if _CALL_OF_NET.fullmatch(judged.strip()) is None:
        Shell(ledger).follow(parse(_as_shell(judged)))
    if "acls" in judged.lower():
        for hit in windows.of_rights(judged):
            ledger.note(hit, (0, len(judged.encode("utf-8", "surrogatepass"))))
    if "]::" in judged:  # PowerShell's calls of .NET, which are no commands with arguments
        for spoken in concepts.judge(judged):
            ledger.note(spoken, (0, len(judged.encode("utf-8", "surrogatepass"))))
    findings = {_key(hit, place): _finding(hit, place, judged) for hit, *place in ledger.hits}
    if len(text) > len(judged):
        large = Hit("too_large", Severity.REVIEW, "longer than what is judged")
        findings[_key(large, [0, 0])] = Finding(
            "command.too_large", Severity.REVIEW, len(judged), len(text), 0.7, large.what, REMEDIES["too_large"]
        )
    return sorted(findings.values(), key=lambda found: (found.start, found.end, found.rule))


def _key(hit: Hit, place: list[int]) -> tuple[str, str, int, int]:
    return hit.family, hit.what, place[0], place[1]


def _finding(hit: Hit, place: list[int], text: str) -> Finding:
    start, end = place
    if not text.isascii():
        raw = text.encode("utf-8", "surrogatepass")
        start, end = (len(raw[:at].decode("utf-8", "ignore")) for at in place)
    what = hit.what[:1].upper() + hit.what[1:]
    return Finding(f"command.{hit.family}", hit.severity, start, end, _SCORES[hit.severity], what, REMEDIES[hit.family])
