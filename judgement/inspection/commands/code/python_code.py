"""Python code, read through `ast`: values that can be computed are, and what is called is judged."""

from __future__ import annotations

import ast
import warnings
from typing import Protocol

from ...addresses import is_metadata
from ..model import NOTHING, UNKNOWN, Data, Hit, Output, block, review
from .python_names import CLOUD, FETCHERS, FILES, PROCESS, READS, SENDERS, SHELL, TREES
from .python_values import GREAT_BYTES, Values, number

MAX_CODE = 32 * 1024
MAX_NODES = 20_000


class Around(Protocol):
    """The shell through which effects are judged."""

    def script(self, data: Data) -> Data:
        """Judge a shell text."""

    def call(self, name: str, *args: str, stdin: Data = NOTHING, outputs: list[Output] | None = None) -> None:
        """Judge a call."""

    def note(self, hit: Hit) -> None:
        """Keep a hit."""


def judge(code: str, around: Around, depth: int = 0) -> None:
    """Judge Python code.

    Args:
        code: its text; what is no Python, or more than MAX_CODE, is for a person to see.
        around: the shell through which effects are judged.
        depth: how many `exec` it lies within.
    """
    if len(code) > MAX_CODE or depth > 3:  # noqa: PLR2004
        around.note(review("too_large", "Python code that is too long or too deep to be judged"))
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code.replace("\x00", ""))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        if UNKNOWN not in code:
            around.note(review("unparsed", "Python code that can't be read"))
        return
    nodes: list[ast.AST] = []
    waiting: list[ast.AST] = [tree]
    while waiting and len(nodes) < MAX_NODES:
        node = waiting.pop()
        nodes.append(node)
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))
    _Code(nodes, around, depth).judge()


class _Code(Values):
    """One program: its names, then its calls."""

    def __init__(self, nodes: list[ast.AST], around: Around, depth: int) -> None:
        super().__init__()
        self._nodes = nodes
        self._around = around
        self._depth = depth
        self._called: set[str] = set()

    def judge(self) -> None:
        """Judge all calls, then what is only seen in the whole."""
        for node in self._nodes:
            self._learn(node)
        for node in self._nodes:
            if isinstance(node, ast.Call):
                name = self._name(node.func)
                self._called.add(name)
                self._call(name, node)
        self._whole()

    def _call(self, name: str, node: ast.Call) -> None:  # noqa: C901
        first = node.args[0] if node.args else None
        text = self._text(first) if first is not None else ""
        last = name.rpartition(".")[2]
        if name in SHELL:
            self._around.script(Data(text))
        elif name in PROCESS or name.startswith(("os.exec", "os.spawn")):
            self._process(name, node)
        elif name in TREES:
            self._around.call("rm", "-rf", text)
        elif name in FILES:
            self._around.call("rm", text)
        elif last in {"unlink", "rmdir"} and isinstance(node.func, ast.Attribute):
            self._around.call("rm", self._text(node.func.value))
        elif name in {"open", "io.open", "codecs.open", "os.open"} or (last == "open" and name.endswith("Path().open")):
            self._opened(node, text)
        elif last in {"read_text", "read_bytes"} and isinstance(node.func, ast.Attribute):
            self._around.call("cat", self._text(node.func.value))
        elif last in {"write_text", "write_bytes"} and isinstance(node.func, ast.Attribute):
            self._around.call("echo", outputs=[Output(self._text(node.func.value), False, Data(text))])
        elif name in READS:
            self._around.call("cp", text, self._text(node.args[1]) if len(node.args) > 1 else UNKNOWN)
        elif name in {"exec", "eval", "compile"} and first is not None:
            self._evaluated(first, text)
        else:
            self._further(name, last, node, text)

    def _further(self, name: str, last: str, node: ast.Call, text: str) -> None:
        second = self._value(node.args[1], 0) if len(node.args) > 1 else None
        if name == "os.chmod" and isinstance(second, int):
            self._around.call("chmod", oct(second)[2:], text)
        elif name == "os.kill":
            target = ast.unparse(node.args[0]) if node.args else ""
            if target == "-1":
                self._around.note(block("exhaust", "ends every process"))
        elif name == "os.symlink":
            self._around.call("ln", "-s", text, str(second))
        elif name == "os.chroot":
            self._around.call("chroot", text)
        elif last in {"execute", "executescript", "executemany", "raw"} and text.strip(UNKNOWN):
            self._around.call("sqlite3", "db", text)
        elif last in CLOUD or (last == "delete" and "boto3" in ast.unparse(node.func)):
            self._around.note(block("infrastructure", "deletes what a cloud account holds"))
        elif name == "shutil.disk_usage":
            return
        host = text.rsplit("://", maxsplit=1)[-1].split("/", maxsplit=1)[0]
        if name.startswith(("urllib", "requests", "httpx", "urlopen")) and is_metadata(host):
            self._around.note(block("credentials", "asks the cloud's metadata service, which gives out credentials"))

    def _process(self, name: str, node: ast.Call) -> None:
        held = self._value(node.args[0], 0) if node.args else None
        shell = any(
            key.arg == "shell" and isinstance(key.value, ast.Constant) and key.value.value for key in node.keywords
        )
        if name.startswith(("os.exec", "os.spawn")):
            held = self._value(node.args[-1], 0) if node.args else None
            if isinstance(held, str):
                held = [self._value(arg, 0) for arg in node.args[1:]]
        if isinstance(held, list):
            argv = [item if isinstance(item, str) else UNKNOWN for item in held]
            self._around.script(Data(" ".join(_quoted(item) for item in argv)))
        elif isinstance(held, str) and (shell or held):
            self._around.script(Data(held))

    def _opened(self, node: ast.Call, path: str) -> None:
        mode = self._text(node.args[1]) if len(node.args) > 1 else ""
        for key in node.keywords:
            if key.arg == "mode":
                mode = self._text(key.value)
        if any(letter in mode for letter in "wax+"):
            emptied = not any(isinstance(n, ast.Attribute) and n.attr in {"write", "writelines"} for n in self._nodes)
            self._around.call("echo", outputs=[Output(path, "a" in mode, Data("" if emptied else UNKNOWN))])
        else:
            self._around.call("cat", path)

    def _evaluated(self, node: ast.expr, text: str) -> None:
        inner = {self._name(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        held = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} & set(self._values)
        for name in held:
            inner |= {self._name(part.func) for part in ast.walk(self._values[name]) if isinstance(part, ast.Call)}
        if any(fetcher in name for name in inner for fetcher in FETCHERS) or any(
            name.endswith((".recv", ".recv()")) or ".recv" in name for name in inner
        ):
            self._around.note(block("download_execute", "runs what comes from the network"))
        elif UNKNOWN not in text:
            judge(text, self._around, self._depth + 1)
        elif any(mark in name for name in inner for mark in ("decode", "decompress", "fromhex", "loads", "unhexlify")):
            self._around.note(review("opaque", "runs what it decodes"))

    def _whole(self) -> None:
        called = self._called
        connects = any(
            name.startswith("socket.") or name.endswith((".connect", "create_connection")) for name in called
        )
        runs = any(name in SHELL or name in PROCESS or name.startswith(("os.dup2", "os.exec")) for name in called)
        if connects and runs:
            self._around.note(block("reverse_shell", "a program that gives a shell to the network"))
        loops = any(isinstance(node, ast.While | ast.For | ast.comprehension) for node in self._nodes)
        if any(self._is_great(node) for node in self._nodes):
            self._around.note(block("exhaust", "makes a text greater than the memory"))
        if "os.fork" in called and loops:
            self._around.note(block("exhaust", "starts processes without an end"))
        if "os.setuid" in called and runs:
            self._around.note(block("privilege", "becomes administrator"))
        chosen = any(
            isinstance(node, ast.If) or (isinstance(node, ast.comprehension) and node.ifs) for node in self._nodes
        )
        if called & FILES or any(name.endswith(".unlink") for name in called):
            for node in self._nodes:
                if (
                    isinstance(node, ast.Call)
                    and node.args
                    and self._name(node.func) in {"os.walk", "glob.glob", "os.scandir", "os.listdir", "glob.iglob"}
                    and not (chosen and self._text(node.args[0]) in {".", ""})
                ):
                    self._around.call("rm", "-rf", self._text(node.args[0]))
        if self._sends() and self._private():
            self._around.note(block("exfiltrate", "sends private data away"))
        fetched = any(fetcher in name for name in called for fetcher in FETCHERS) or any(
            name.startswith("urllib.request.urlretrieve") for name in called
        )
        if fetched and any(self._runs_fetched(node) for node in self._nodes):
            self._around.note(block("download_execute", "runs what comes from the network"))

    def _is_great(self, node: ast.AST) -> bool:
        """`'x' * 10**12`, `bytearray(10**12)`."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = (node.left, node.right)
            repeats = any(
                isinstance(side, ast.List) or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
                for side in sides
            )
            return repeats and any(number(side) >= GREAT_BYTES for side in sides)
        if isinstance(node, ast.Call) and node.args and self._name(node.func) in {"bytearray", "bytes", "os.urandom"}:
            return number(node.args[0]) >= GREAT_BYTES
        return False

    def _runs_fetched(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call) or self._name(node.func) not in SHELL | PROCESS:
            return False
        inner = {self._name(part.func) for arg in node.args for part in ast.walk(arg) if isinstance(part, ast.Call)}
        return any(fetcher in name for name in inner for fetcher in FETCHERS)

    def _sends(self) -> bool:
        for node in self._nodes:
            if isinstance(node, ast.Call):
                name = self._name(node.func)
                if name in SENDERS or name.endswith((".sendall", ".send", ".storbinary", ".sendmail")):
                    return True
                if "urlopen" in name and (
                    len(node.args) > 1
                    or any(key.arg == "data" for key in node.keywords)
                    or UNKNOWN in self._text(node.args[0] if node.args else None)
                ):
                    return True
                if name in {"requests.get", "httpx.get"} and (
                    any(key.arg in {"params", "data"} for key in node.keywords)
                    or UNKNOWN in self._text(node.args[0] if node.args else None)
                ):
                    return True
        return False

    def _private(self) -> bool:
        parents = {id(node.value) for node in self._nodes if isinstance(node, ast.Attribute | ast.Subscript)}
        for node in self._nodes:
            if isinstance(node, ast.Attribute) and self._name(node) == "os.environ" and id(node) not in parents:
                return True
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and any(
                    mark in node.value
                    for mark in ("/etc/passwd", "/etc/shadow", ".ssh/", ".aws/", "id_rsa", "/environ")
                )
            ):
                return True
        return False


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if text else "''"
