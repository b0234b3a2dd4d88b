"""Forged chat markup, forged ends of documents, and places that readers don't see."""

from __future__ import annotations

from typing import Any, NamedTuple

import re2

from .source import Source


class Place(NamedTuple):
    """A piece of markup.

    Args:
        start: where it begins, in characters.
        end: where it ends.
        weight: how sure it is by itself, 0 to 1; what is said inside or behind it adds.
        what: what it is, for a person.
        family: delimiter or indirect or exfiltrate.
    """

    start: int
    end: int
    weight: float
    what: str
    family: str = "delimiter"


_ROLE = r"(?:system|user|assistant|human|developer|tool|model|ai|admin)"
_TAG = (
    r"(?:system|tool_results?|function_results?|tool_outputs?|user_query|user_input|user_message|user|developer|assistant|context|documents?"
    r"|instructions?|system_prompt|search_results?|tool_response|input|untrusted|data|output|prompt|conversation|message|result|email|webpage|quote)"
)


def _line(pattern: str) -> Any:
    return re2.compile(f"(?im){pattern}".encode())


_MARKS: list[tuple[Any, float, str, str]] = [
    (_line(rf"<\|(?:im_start|start_header_id|start)\|>\s*{_ROLE}\b"), 0.8, "a forged chat turn", "delimiter"),
    (_line(rf"<\|(?:{_ROLE}|im_end|endoftext|eot_id|end|end_of_text|begin_of_text|endofprompt)\|>"), 0.55, "chat markup", "delimiter"),
    (_line(r"<(?:start|end)_of_turn>|<(?:/s|s)>\s*\[INST\]"), 0.6, "a forged chat turn", "delimiter"),
    (_line(r"\[/INST\]|<</?SYS>>|\[INST\]\s*<<SYS>>"), 0.65, "chat markup", "delimiter"),
    (_line(r"\[INST\]"), 0.45, "chat markup", "delimiter"),
    (_line(rf"^\s*#{{2,}}\s*{_ROLE}(?:\s+(?:prompt|message|instructions?))?\s*:"), 0.6, "a forged turn", "delimiter"),
    (_line(rf"^\s*#{{2,}}\s*(?:new\s+)?(?:{_ROLE}\s+)?(?:instructions?|prompt|task|override)\b"), 0.35, "a heading of instructions", "delimiter"),
    (_line(rf"\n\s*\n\s*(?:human|assistant|system)\s*:\s*\S"), 0.55, "a forged turn", "delimiter"),
    (_line(rf"</{_TAG}>[\s\"'`)}}\]]*[<\[(#A-Za-z!*-]"), 0.45, "a forged end of a document", "delimiter"),
    (_line(rf"</{_TAG}>[\s\"'`)}}\]]*<(?:{_ROLE}|instructions?|system_prompt)>"), 0.75, "a forged end of a document", "delimiter"),
    (_line(rf"<(?:system|developer|admin|system_prompt|function_results?|tool_results?|assistant)>\s*\S"), 0.5, "a forged turn", "delimiter"),
    (_line(r"[-=*#<_~]{2,}\s*(?:end|finish|close)\s+(?:of\s+)?(?:the\s+)?(?:document|user\s+input|input|tool\s+(?:output|result)s?|context|text|data|page|email|file|message|article|user\s+\w+|untrusted\s+\w+|system\s+\w+|prompt|content|conversation|transcript|query|quote|instructions)\b"), 0.55, "a forged end of a document", "delimiter"),
    (_line(r"[-=*#<_~]{2,}\s*(?:begin|start|new)?\s*(?:of\s+)?(?:new\s+)?(?:system|developer|admin\w*|operator|hidden|secret|real|assistant)\s+(?:instructions?|prompts?|messages?|override|commands?)\b"), 0.6, "a forged heading", "delimiter"),
    (_line(r"(?:^|[\n\"'`])\s*(?:this\s+is\s+the\s+)?end\s+of\s+(?:the\s+)?(?:text|document|input|data|article|email|user input|context)\b[^\n]{0,40}\n"), 0.5, "a forged end of a document", "delimiter"),
    (_line(r"[\"']role[\"']\s*:\s*[\"'](?:system|developer)[\"']"), 0.3, "a message in the system's name", "delimiter"),
    (_line(r"\[(?:system|developer|assistant)\]\s*\(#\w+\)|^\s*\[(?:system|developer)(?:\s*(?:message|prompt|note)\]|\]\s*:)\s*\w"), 0.5, "a forged turn", "delimiter"),
    (_line(r"[\"'](?:approved|authori[sz]ed|is_admin|confirmed|user_approved)[\"']\s*:\s*true"), 0.3, "a claimed approval", "delimiter"),
    (_line(r"<(?:function_results?|tool_results?|tool_response)>.*?</(?:function_results?|tool_results?|tool_response)>\s*\w"), 0.6, "a forged tool result", "delimiter"),
    (_line(r"!\[[^\]\n]*\]\(https?://[^)\s]+[?&/=](?:[A-Z]{2,}_[A-Z_]{2,}|\[|\{|<|%7B|\$)"), 0.7, "an image whose address carries data away", "exfiltrate"),
    (_line(r"https?://[^\s)\"]+=\[[^\]\n]*\b(?:user|secret|key|password|email|token|history|data|conversation)\b"), 0.65, "an address that data is put into", "exfiltrate"),
    (_line(r"https?://[^\s)\"]+[?&]\w+=(?:\[[^\]\n]{2,40}\]|\{[^}\n]{2,40}\}|<[^>\n]{2,40}>)"), 0.45, "an address that data is put into", "exfiltrate"),
]  # fmt: skip

_UNSEEN: list[Any] = [
    re2.compile(rb"(?s)<!--.+?-->"),
    re2.compile(rb"(?is)<\w+[^>]*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0|color\s*:\s*(?:white|#fff)|aria-hidden|\shidden)[^>]*>.+?</"),
    re2.compile(rb"!\[[^\]\n]+\]\([^)\n]+\)"),
    re2.compile(rb"(?i)\b(?:alt|title|aria-label|content|placeholder)\s*=\s*\"[^\"]+\""),
    re2.compile(rb"(?s)/\*.+?\*/"),
    re2.compile(rb"(?m)^\[[^\]\n]{1,60}\]:\s*#?\s*[(\"'<][^\n]+"),
]  # fmt: skip


def marks(source: Source) -> list[Place]:
    """Forged markup, each with its weight."""
    found = []
    for pattern, weight, what, family in _MARKS:
        found += [Place(start, end, weight, what, family) for start, end, _ in source.find(pattern)]
    return found


def unseen(source: Source) -> list[tuple[int, int]]:
    """Where readers see nothing, or not at once: comments, hidden elements, texts instead of images."""
    return [(start, end) for pattern in _UNSEEN for start, end, _ in source.find(pattern)]
