"""One-liners of Perl, Ruby, Node, PHP, Lua, awk and others: read as tokens, judged by what they call.

No grammar of these languages is needed to see which function gets which text: a call's name, then the strings up to the
end of its arguments. Strings joined by `+` or `.` are joined here too; everything else in between is unknown.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

from ..model import NOTHING, UNKNOWN, Call, Data, Hit, Output, block, review
from ..targets import Place, place
from . import python_code
from .concepts import judge as judge_concepts
from .concepts import spoken_of
from .tokens import Token, arguments_at, decoded, tokenized

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
        stream_socket_client tcp net pfsockopen TCPServer UNIXServer stream_socket_server socket_create_listen
    """.split()
)
_FORK = frozenset(["fork"])
_CHMOD = frozenset(["chmod", "chmodSync"])
_SEND = frozenset(["post", "request", "put", "send", "end", "write", "fetch", "axios"])
_SQL = frozenset(["query", "execute", "do", "prepare", "exec"])


class Around(Protocol):
    """The shell through which effects are judged."""

    def script(self, data: Data, stdin: Data = NOTHING) -> Data:
        """Judge a shell text."""

    def call(self, name: str, *args: str, stdin: Data = NOTHING, outputs: list[Output] | None = None) -> None:
        """Judge a call."""

    def note(self, hit: Hit) -> None:
        """Keep a hit."""


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
    tokens = decoded(list(tokenized(code, language)))
    names = {token.text for token in tokens if token.kind == "name"}
    strings = [token.text for token in tokens if token.kind == "string"]
    _whole(tokens, names, strings, around)
    _listed(code, strings, around)
    for position, token in enumerate(tokens):
        if token.kind == "command":
            around.script(Data(token.text))
        elif token.kind == "name":
            _called(token.text, arguments_at(tokens, position + 1), names, around)
    if language == "awk":
        _awk(tokens, call.stdin, around)
    if language == "expect" or "run" in spoken_of(code):
        _run_strings(strings, around)
    if language in {"tclsh", "expect"}:
        _spawned(code, around)


def _spawned(code: str, around: Around) -> None:
    """Tcl's words that run programs."""
    for line in code.replace(";", "\n").split("\n")[:200]:
        word, _, told = line.strip().partition(" ")
        if word in {"exec", "spawn"}:
            around.script(Data(told.removeprefix("-noecho ")))


_LONGEST_COMMAND = 2000


def _run_strings(strings: list[str], around: Around) -> None:
    """In code that runs programs, each string may be what is run, and a row of strings an argument vector."""
    for text in strings[:60]:
        if " " in text.strip() and len(text) < _LONGEST_COMMAND:
            around.script(Data(text.replace("\\r", "").replace("\\n", "\n")))
    words = [text for text in strings[:60] if text and " " not in text]
    if len(words) > 1:
        around.call(words[0].rpartition("/")[2], *words[1:])


def _whole(tokens: list[Token], names: set[str], strings: list[str], around: Around) -> None:
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
    if bases & _FORK and _calls_itself(tokens):
        around.note(review("exhaust", "starts processes without an end"))
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


def _calls_itself(tokens: list[Token]) -> bool:
    """Whether a function is named where it is made, where it is called, and once more."""
    words = [token.text for token in tokens if token.kind == "name"]
    made = {name for word, name in pairwise(words) if word in {"def", "sub", "function", "fn"}}
    return any(words.count(name) > 2 for name in made)  # noqa: PLR2004


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
    if base in _EVAL:
        _evaluated(arguments, around)
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
    if base in _SQL and any(text.lstrip()[:6].upper() in _SQL_STARTS for text in arguments):
        around.call("sqlite3", "db", *arguments)


_SQL_STARTS = frozenset({"DROP T", "DROP D", "DROP S", "TRUNCA", "DELETE", "UPDATE"})


def _evaluated(arguments: list[str], around: Around) -> None:
    """Code in a text that is run as code."""
    for text in arguments:
        for hit in judge_concepts(text):
            around.note(hit)
        if "system" in text or "exec" in text:
            around.script(Data(text.partition("(")[2].strip("\"'); ")))


def _opened(first: str, arguments: list[str], around: Around) -> None:
    mode = arguments[1] if len(arguments) > 1 else ""
    stripped = first.lstrip()
    if stripped.startswith("|") or stripped.endswith("|"):
        around.script(Data(stripped.strip("| ")))
    elif stripped.startswith(">") or mode[:1] in {"w", "a", ">", "x"}:
        path = stripped.lstrip("> ") if stripped.startswith(">") else first
        if mode[:1] == ">":
            path = arguments[2] if arguments[2:] else first
        around.call("echo", outputs=[Output(path, ">>" in first or mode.startswith(("a", ">>")), Data(UNKNOWN))])
    elif mode == "<" and arguments[2:]:
        around.call("cat", arguments[2])
    elif not first.startswith(("http://", "https://")):
        around.call("cat", stripped.lstrip("< "))


def _lists(command: str) -> bool:
    """Whether a shell's text lists whole folders of the machine."""
    words = command.split()
    return words[:1] in (["find"], ["ls"]) and any(place(word) in _VAST for word in words[1:])


_VAST = frozenset({Place.MACHINE, Place.HOME, Place.DATA})
_HARMS = ("os.remove", "rm ", "unlink", "truncate", 'printf "" >', 'print "" >')


def _listed(code: str, strings: list[str], around: Around) -> None:
    """What code does to all that a listing of its names."""
    if any(map(_lists, strings)) and any(harm in code for harm in _HARMS):
        around.note(review("destroy_files", "destroys what a listing of whole folders names"))


def _awk(tokens: list[Token], read: Data, around: Around) -> None:
    """`"command" | getline` and `print | "command"`."""
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.text == "|":
            if after.text == "getline" and before.kind == "string":
                around.script(Data(before.text))
            elif after.kind == "string" and after.text not in {"sort", "sort -n", "sort -rn", "cat 1>&2"}:
                written = before.text if before.kind == "string" else UNKNOWN
                around.script(Data(after.text), Data(written, read.labels))


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
