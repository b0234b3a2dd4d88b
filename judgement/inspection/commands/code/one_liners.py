"""One-liners of Perl, Ruby, Node, PHP, Lua, awk and others: read as tokens, judged by what they call.

No grammar of these languages is needed to see which function gets which text: a call's name, then the strings up to the
end of its arguments. Strings joined by `+` or `.` are joined here too; everything else in between is unknown.
"""

# ruff: noqa: ARG001 (one signature for all of a table)

from __future__ import annotations

import base64
import binascii
import codecs
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..model import HOME, NOTHING, UNKNOWN, Call, Data, Hit, Output, block, review
from ..quoting import ansi_c
from . import python_code
from .concepts import judge as judge_concepts
from .concepts import spoken_of

MAX_TOKENS = 4000

_EXEC = frozenset(
    """
        system exec execSync execFileSync execFile spawn spawnSync popen shell_exec passthru proc_open qx
        execute io.popen os.execute os.popen open3 capture2 capture3 pcntl_exec Command sh shell syscall
    """.split()
)
_DELETE_TREE = frozenset(
    """
        rmtree remove_tree rm_rf rm_r rmSync rmdirSync remove_entry_secure removeSync deltree rimraf rimrafSync
    """.split()
)
_DELETE = frozenset(["unlink", "unlinkSync", "rm", "remove", "delete", "os.remove"])
_READ = frozenset(
    """
        readFileSync readFile createReadStream file_get_contents file readfile fopen open read readlines binread
        io.open io.lines show_source
    """.split()
)
_WRITE = frozenset(
    """
        writeFileSync writeFile appendFileSync appendFile file_put_contents write binwrite createWriteStream
    """.split()
)
_FETCH = frozenset(
    ["get", "getstore", "urlopen", "http", "https", "fetch", "axios", "URI", "LWP", "open-uri", "Net", "got", "request"]
)
_EVAL = frozenset(
    """
        eval Function instance_eval class_eval assert create_function runInThisContext runInNewContext load
        loadstring evalfile
    """.split()
)
_NET = frozenset(
    """
        socket Socket connect TCPSocket fsockopen createConnection inet_aton sockaddr_in IO::Socket::INET
        stream_socket_client tcp net pfsockopen
    """.split()
)
_FORK = frozenset(["fork"])
_CHMOD = frozenset(["chmod", "chmodSync"])
_SEND = frozenset(["post", "request", "put", "send", "end", "write", "fetch", "axios"])
_SQL = frozenset(["query", "execute", "do", "prepare", "exec"])
_ENDINGS = frozenset({")", ";", "}", "\n"})


class Around(Protocol):
    """The shell through which effects are judged."""

    def script(self, data: Data, stdin: Data = NOTHING) -> Data:
        """Judge a shell text."""

    def call(self, name: str, *args: str, stdin: Data = NOTHING, outputs: list[Output] | None = None) -> None:
        """Judge a call."""

    def note(self, hit: Hit) -> None:
        """Keep a hit."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # name, string, command (backquotes), mark
    text: str


def judge(language: str, code: str, call: Call, around: Around) -> None:
    """Judge a program of these languages.

    Args:
        language: awk, perl, ruby, node, php, lua, vim and so on.
        code: its text.
        call: the interpreter's call, for the files that it reads.
        around: the shell through which effects are judged.
    """
    if language in {"vim", "gdb", "lldb", "ed"}:
        _escapes(code, around)
        return
    tokens = _decoded(list(_tokens(code, language)))
    names = {token.text for token in tokens if token.kind == "name"}
    strings = [token.text for token in tokens if token.kind == "string"]
    _whole(language, tokens, names, strings, around)
    for position, token in enumerate(tokens):
        if token.kind == "command":
            around.script(Data(token.text))
        elif token.kind == "name":
            _called(token.text, _arguments(tokens, position + 1), names, around)
    if language == "awk":
        _awk(tokens, around)
    if language == "expect" or "run" in spoken_of(code):
        _run_strings(strings, around)
    if language == "tclsh":
        for line in code.split("\n")[:200]:
            if line.strip().startswith("exec "):
                around.script(Data(line.strip()[5:]))


_LONGEST_COMMAND = 2000


def _run_strings(strings: list[str], around: Around) -> None:
    """In code that runs programs, each string may be what is run, and a row of strings an argument vector."""
    for text in strings[:60]:
        if " " in text and len(text) < _LONGEST_COMMAND:
            around.script(Data(text.replace("\\r", "").replace("\\n", "\n")))
    words = [text for text in strings[:60] if text and " " not in text]
    if len(words) > 1:
        around.call(words[0].rpartition("/")[2], *words[1:])


_DECODERS = {
    "base64": (
        "decode_base64",
        "decode64",
        "base64_decode",
        "atob",
        "strict_decode64",
        "urlsafe_decode64",
        "b64decode",
    ),
    "hex": ("hex2bin", "unhex"),
    "percent": ("unescape", "decodeURIComponent", "urldecode", "rawurldecode", "uri_unescape"),
    "rot13": ("str_rot13",),
}
_DECODED_BY = {name: form for form, names in _DECODERS.items() for name in names}


def _decoded(tokens: list[_Token]) -> list[_Token]:
    """The tokens, with a string behind a decoder's name as what it decodes to."""
    made: list[_Token] = []
    form = ""
    for position, token in enumerate(tokens):
        if token.kind == "name":
            base = token.text.rpartition(".")[2].rpartition(":")[2]
            form = _DECODED_BY.get(
                base, "buffer" if token.text == "Buffer.from" else "pack" if base == "pack" else form
            )
        elif token.kind == "string" and form:
            following = next((t.text for t in tokens[position + 1 : position + 3] if t.kind == "string"), "")
            if form == "pack" and token.text[:1] in "HhmMu":
                form = {"H": "hex", "h": "hex"}.get(token.text[:1], "base64")
                continue
            text = _decode(following if form == "buffer" else form, token.text)
            form = ""
            if text is not None:
                made.append(_Token("string", text))
                continue
        made.append(token)
    return made


def _decode(form: str, text: str) -> str | None:
    try:
        if form == "base64":
            return base64.b64decode(text + "=" * (-len(text) % 4)).decode()
        if form == "hex":
            return bytes.fromhex(text).decode()
        if form == "percent":
            return urllib.parse.unquote(text)
        if form == "rot13":
            return codecs.encode(text, "rot13")
    except (binascii.Error, ValueError):
        return None
    return None


def _whole(language: str, tokens: list[_Token], names: set[str], strings: list[str], around: Around) -> None:
    """What is only seen in the whole: sockets with shells, endless forks, fetched code, sent environments."""
    bases = names | {piece for name in names for piece in name.replace("::", ".").split(".")}
    inet = any(text.startswith(("/inet/tcp/", "/inet/udp/", "/inet4/")) for text in strings)
    starts = bases & _EXEC or any(token.kind == "command" for token in tokens)
    shells = any(
        text.split(" ")[0] in {"/bin/sh", "/bin/bash", "sh", "bash", "cmd.exe", "/bin/zsh", "powershell"}
        for text in strings
        if text
    )
    netted = bases & _NET or inet or "net" in strings
    if (netted and (starts or shells)) or (inet and "getline" in names):
        around.note(block("reverse_shell", "a program that gives a shell to the network"))
    if bases & {"x", "repeat", "alloc", "str_repeat", "rep", "allocUnsafe"} and any(_is_great(name) for name in names):
        around.note(review("exhaust", "makes a text greater than the memory"))
    text_loops = {"while", "loop", "for", "until", "forever"} & names
    if bases & _FORK and text_loops:
        around.note(block("exhaust", "starts processes without an end"))
    fetches = (bases & _FETCH and any(text.startswith(("http://", "https://", "ftp://")) for text in strings)) or (
        any(text.startswith(("http://", "https://")) for text in strings)
        and bases & {"file_get_contents", "open", "readFileSync"}
    )
    if fetches and bases & _EVAL:
        around.note(block("download_execute", "runs what comes from the network"))
    elif bases & _EVAL and bases & frozenset(
        """
        base64_decode decode64 decode_base64 atob gzinflate unpack Buffer str_rot13 unpack1
    """.split()
    ):
        around.note(review("opaque", "runs what it decodes"))
    environment = names & {"process.env", "ENV", "%ENV", "$_ENV", "getenv", "_ENV"} and not any(
        n.startswith("process.env.") for n in names
    )
    sends = any(text.startswith(("http://", "https://")) for text in strings) or bases & {
        "request",
        "post",
        "fetch",
        "Net",
    }
    if environment and sends and bases & _SEND:
        around.note(block("exfiltrate", "sends the environment away"))


_GREAT = 5e9


def _is_great(name: str) -> bool:
    """Whether a name is a number of more bytes than a program should make at once."""
    if not name[:1].isdigit():
        return False
    try:
        return float(name.replace("_", "")) >= _GREAT
    except ValueError:
        return False


def _called(name: str, arguments: list[str], names: set[str], around: Around) -> None:  # noqa: C901
    base = name.rpartition("::")[2].rpartition(".")[2]
    first = arguments[0] if arguments else ""
    if base in _EVAL and first.strip(UNKNOWN) and len(first) > 3:  # noqa: PLR2004 (shorter is no code)
        for hit in judge_concepts(first):
            around.note(hit)
        for text in arguments:
            if "system" in text or "exec" in text:
                around.script(Data(text.partition("(")[2].strip("\"'); ")))
    if name in _EXEC or base in _EXEC:
        if first.strip(UNKNOWN):
            around.script(Data(first if " " in first or len(arguments) == 1 else " ".join(arguments)))
        if len(arguments) > 1 and first in {"/bin/sh", "sh", "/bin/bash", "bash"}:
            around.script(Data(" ".join(arguments[-1:])))
    if base in _DELETE_TREE:
        around.call("rm", "-rf", *[text for text in arguments if text])
    elif base in _DELETE and arguments:
        deep = "recursive" in names or base == "rm"
        around.call(
            "rm", *(["-rf"] if deep else []), *[text for text in arguments if text not in {"recursive", "force"}]
        )
    elif base in _WRITE and first:
        written = Data(arguments[1] if len(arguments) > 1 else UNKNOWN)
        around.call("echo", outputs=[Output(first, "append" in base.lower(), written)])
    elif base in _READ and first:
        _opened(first, arguments, around)
    elif base in _CHMOD and len(arguments) > 1:
        modes = [text for text in arguments[:2] if text[:1].isdigit()]
        paths = [text for text in arguments[:3] if not text[:1].isdigit()]
        around.call("chmod", *(mode.removeprefix("0o") for mode in modes), *paths)
    elif base == "setuid" and {"exec", "system"} & names:
        around.note(block("privilege", "becomes administrator"))
    if base in _SQL and any(
        text.lstrip()[:6].upper() in {"DROP T", "DROP D", "DROP S", "TRUNCA", "DELETE", "UPDATE"} for text in arguments
    ):
        around.call("sqlite3", "db", *arguments)


def _opened(first: str, arguments: list[str], around: Around) -> None:
    mode = arguments[1] if len(arguments) > 1 else ""
    stripped = first.lstrip()
    if stripped.startswith("|") or stripped.endswith("|"):
        around.script(Data(stripped.strip("| ")))
    elif stripped.startswith(">") or mode[:1] in {"w", "a", ">", "x"}:
        path = stripped.lstrip("> ") if stripped.startswith(">") else first
        if mode[:1] == ">":
            path = arguments[2] if len(arguments) > 2 else first  # noqa: PLR2004
        around.call("echo", outputs=[Output(path, ">>" in first or mode.startswith(("a", ">>")), Data(UNKNOWN))])
    elif mode == "<" and len(arguments) > 2:  # noqa: PLR2004
        around.call("cat", arguments[2])
    elif not first.startswith(("http://", "https://")):
        around.call("cat", stripped.lstrip("< "))


def _awk(tokens: list[_Token], around: Around) -> None:
    """`"command" | getline` and `print | "command"`."""
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.text == "|":
            if after.text == "getline" and before.kind == "string":
                around.script(Data(before.text))
            elif after.kind == "string" and after.text not in {"sort", "sort -n", "sort -rn", "cat 1>&2"}:
                around.script(Data(after.text), Data(before.text if before.kind == "string" else UNKNOWN))


def _escapes(code: str, around: Around) -> None:
    """An editor's or debugger's command that runs a shell."""
    text = code.strip().lstrip(":")
    if text.startswith(("python ", "py ", "py3 ", "python3 ")):
        python_code.judge(text.partition(" ")[2], around)
        return
    if text.startswith(("dump memory", "generate-core-file", "gcore", "dump binary")):
        around.note(review("credentials", "copies another program's memory"))
    for mark in ("!", "r !", "silent !", "shell ", "%!", "w !", "platform shell "):
        if text.startswith(mark):
            around.script(Data(text[len(mark) :].lstrip("!")))
            return
    for quote in ("'", '"'):
        for opener in ("system(", "os.execute(", "os.system("):
            start = text.find(opener + quote)
            if start >= 0:
                begin = start + len(opener) + 1
                around.script(Data(text[begin : text.find(quote, begin)]))


def _arguments(tokens: list[_Token], at: int) -> list[str]:
    """The texts of a call's arguments: strings joined where they are joined, UNKNOWN for what isn't a string."""
    arguments: list[str] = []
    current, depth, joined = "", 0, False
    for token in tokens[at : at + 60]:
        if token.kind == "mark" and token.text in "([{":
            depth += 1
            continue
        if token.kind == "mark" and (token.text in _ENDINGS or token.text == "]"):
            depth -= 1
            if depth <= 0 or token.text == ";":
                break
            continue
        if token.kind == "mark" and token.text in {",", "=>"}:
            arguments.append(current)
            current, joined = "", False
        elif token.kind == "string":
            current = current + token.text if joined or not current else token.text
            joined = False
        elif token.kind == "mark" and token.text in {"+", "."}:
            joined = True
        elif token.kind == "name":
            current += (
                HOME
                if token.text in {"process.env.HOME", "os.homedir", "homedir", "Dir.home"}
                else token.text
                if token.text[:1].isdigit()
                else ""
            )
            joined = joined or token.text in {"process.env.HOME", "Dir.home"}
    return [text for text in [*arguments, current] if text]


def _tokens(code: str, language: str) -> Iterator[_Token]:
    at, made, end = 0, 0, len(code)
    while at < end and made < MAX_TOKENS:
        char = code[at]
        made += 1
        if char in "'\"`":
            stop = _closing(code, at)
            text = code[at + 1 : stop]
            command = char == "`" and language in {"perl", "ruby", "php"}
            yield _Token(
                "command" if command else "string", text if char == "'" and "\\x" not in text else ansi_c(text)
            )
            at = stop + 1
        elif (char == "#" and language in {"perl", "ruby", "awk"}) or (
            code.startswith("//", at) and language in {"node", "php"} and (at == 0 or code[at - 1] != ":")
        ):
            line = code.find("\n", at)
            at = end if line < 0 else line
        elif char.isalnum() or char in "_$@%":
            stop = at + 1
            while stop < end and (
                code[stop].isalnum()
                or (code[stop] in "_.:-" and stop + 1 < end and (code[stop + 1].isalnum() or code[stop + 1] == ":"))
                or code[stop] == "_"
            ):
                stop += 1
            name = code[at:stop].lstrip("$@")
            at = stop
            opened = code[at : at + 1]
            if name in {"qx", "q", "qq", "%x"} and opened and opened in "{(/[|":
                closing = {"{": "}", "(": ")", "[": "]"}.get(opened, opened)
                stop = code.find(closing, at + 1)
                stop = end if stop < 0 else stop
                yield _Token("command" if name in {"qx", "%x"} else "string", code[at + 1 : stop])
                at = stop + 1
            else:
                yield _Token("name", name)
        else:
            at += 1
            if not char.isspace() or char == "\n":
                yield _Token("mark", char)


def _closing(code: str, at: int) -> int:
    quote, stop = code[at], at + 1
    while stop < len(code) and code[stop] != quote:
        stop += 2 if code[stop] == "\\" else 1
    return min(stop, len(code))
