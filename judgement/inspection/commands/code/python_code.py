"""Python code, read through `ast`: values that can be computed are, and what is called is judged."""

# ruff: noqa: ARG001 (one signature for all of a table)

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import posixpath
import warnings
from collections.abc import Callable, Mapping
from typing import Protocol

from ..model import HOME, NOTHING, UNKNOWN, Data, Hit, Output, block, review
from ..words import WELL_KNOWN

MAX_CODE = 32 * 1024
MAX_NODES = 20_000
MAX_VALUE = 8 * 1024
_DEPTH = 40


class Around(Protocol):
    """The shell through which effects are judged."""

    def script(self, data: Data) -> Data:
        """Judge a shell text."""

    def call(self, name: str, *args: str, stdin: Data = NOTHING, outputs: list[Output] | None = None) -> None:
        """Judge a call."""

    def note(self, hit: Hit) -> None:
        """Keep a hit."""


Value = str | bytes | int | list["Value"] | None

_SHELL = frozenset(
    {
        "os.system",
        "os.popen",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "commands.getoutput",
        "asyncio.create_subprocess_shell",
    }
)
_PROCESS = frozenset(
    frozenset(
        """
        subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen pty.spawn
        asyncio.create_subprocess_exec os.posix_spawn
    """.split()
    )
)
_READS = frozenset(
    {
        "read_text",
        "read_bytes",
        "shutil.copy",
        "shutil.copyfile",
        "shutil.copytree",
        "shutil.move",
        "linecache.getlines",
    }
)
_TREES = frozenset({"shutil.rmtree", "os.removedirs", "distutils.dir_util.remove_tree"})
_FILES = frozenset({"os.remove", "os.unlink", "os.rmdir"})
_FETCHERS = tuple(
    """
    urllib.request.urlopen requests.get requests.post urlopen httpx.get urllib.urlopen urllib2.urlopen
    http.client.HTTPConnection aiohttp.ClientSession
""".split()
)
_SENDERS = frozenset({"requests.post", "requests.put", "httpx.post", "httpx.put", "requests.request"})
_CLOUD = frozenset(
    frozenset(
        """
        terminate_instances delete_bucket delete_objects delete_db_instance delete_stack delete_cluster
        delete_namespace delete_table delete_volume delete_snapshot delete_user
    """.split()
    )
)


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


class _Code:
    """One program: its names, then its calls."""

    def __init__(self, nodes: list[ast.AST], around: Around, depth: int) -> None:
        self._nodes = nodes
        self._around = around
        self._depth = depth
        self._names: dict[str, str] = {}
        self._values: dict[str, ast.expr] = {}
        self._called: set[str] = set()
        self._budget = 20_000

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

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self._values[node.targets[0].id] = node.value
        elif (
            isinstance(node, ast.For)
            and isinstance(node.target, ast.Name)
            and isinstance(node.iter, ast.List | ast.Tuple)
            and node.iter.elts
        ):
            self._values[node.target.id] = node.iter.elts[0]

    def _name(self, node: ast.expr, depth: int = 0) -> str:  # noqa: PLR0911
        """A callee's dotted name, `import`, `getattr` and plain variables followed."""
        if depth > _DEPTH:
            return ""
        if isinstance(node, ast.Name):
            if node.id in self._names:
                return self._names[node.id]
            held = self._values.get(node.id)
            return (
                self._name(held, depth + 10) or node.id
                if isinstance(held, ast.Attribute | ast.Call | ast.Name)
                else node.id
            )
        if isinstance(node, ast.Attribute):
            return f"{self._name(node.value, depth + 1)}.{node.attr}"
        if isinstance(node, ast.Call):
            callee = self._name(node.func, depth + 1)
            if callee in {"__import__", "importlib.import_module"} and node.args:
                return str(self._text(node.args[0]))
            if callee == "getattr" and len(node.args) > 1:
                return f"{self._name(node.args[0], depth + 1)}.{self._text(node.args[1])}"
            return callee + "()"
        return ""

    # Values.

    def _text(self, node: ast.expr | None) -> str:
        """A value as text; UNKNOWN where it can't be computed."""
        held = self._value(node, 0) if node is not None else None
        if isinstance(held, bytes):
            return held.decode("utf-8", "replace")
        if isinstance(held, list):
            return " ".join(item if isinstance(item, str) else UNKNOWN for item in held)
        return UNKNOWN if held is None else str(held)

    def _value(self, node: ast.expr, depth: int) -> Value:  # noqa: PLR0911
        self._budget -= 1
        if depth > _DEPTH or self._budget < 0:
            return None
        deeper = depth + 1
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str | bytes | int) else None
        if isinstance(node, ast.Name):
            held = self._values.get(node.id)
            return self._value(held, deeper + 3) if held is not None else None
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(item, deeper) for item in node.elts[:200]]
        if isinstance(node, ast.JoinedStr):
            return "".join(self._piece(part, deeper) for part in node.values)[:MAX_VALUE]
        if isinstance(node, ast.BinOp):
            return self._joined(node, deeper)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, deeper)
        if isinstance(node, ast.Call):
            return self._computed(node, deeper)
        return None

    def _piece(self, part: ast.expr, depth: int) -> str:
        held = self._value(part.value if isinstance(part, ast.FormattedValue) else part, depth)
        return UNKNOWN if held is None else str(held)

    def _joined(self, node: ast.BinOp, depth: int) -> Value:
        left, right = self._value(node.left, depth), self._value(node.right, depth)
        if isinstance(node.op, ast.Div) and isinstance(right, str):
            return posixpath.join(left if isinstance(left, str) else UNKNOWN, right)[:MAX_VALUE]
        if isinstance(node.op, ast.Add):
            if isinstance(left, list) and isinstance(right, list):
                return (left + right)[:200]
            if isinstance(left, bytes) and isinstance(right, bytes):
                return (left + right)[:MAX_VALUE]
            if isinstance(left, str) or isinstance(right, str):
                return ((left if isinstance(left, str) else UNKNOWN) + (right if isinstance(right, str) else UNKNOWN))[
                    :MAX_VALUE
                ]
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return left.replace("%s", right if isinstance(right, str) else UNKNOWN)[:MAX_VALUE]
        return None

    def _subscript(self, node: ast.Subscript, depth: int) -> Value:
        if self._name(node.value) == "os.environ":
            return WELL_KNOWN.get(self._text(node.slice))
        held = self._value(node.value, depth)
        if isinstance(node.slice, ast.Slice) and isinstance(held, str) and isinstance(node.slice.step, ast.UnaryOp):
            return held[::-1]
        return None

    def _computed(self, node: ast.Call, depth: int) -> Value:
        name = self._name(node.func)
        arguments = [self._value(arg, depth) for arg in node.args[:20]]
        first = arguments[0] if arguments else None
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        receiver = self._value(node.func.value, depth) if isinstance(node.func, ast.Attribute) else None
        try:
            return _compute(name, method, receiver, first, arguments)
        except (binascii.Error, ValueError, TypeError, LookupError, OverflowError):
            return None

    # Calls.

    def _call(self, name: str, node: ast.Call) -> None:  # noqa: C901
        first = node.args[0] if node.args else None
        text = self._text(first) if first is not None else ""
        last = name.rpartition(".")[2]
        if name in _SHELL:
            self._around.script(Data(text))
        elif name in _PROCESS or name.startswith(("os.exec", "os.spawn")):
            self._process(name, node)
        elif name in _TREES:
            self._around.call("rm", "-rf", text)
        elif name in _FILES:
            self._around.call("rm", text)
        elif last in {"unlink", "rmdir"} and isinstance(node.func, ast.Attribute):
            self._around.call("rm", self._text(node.func.value))
        elif name in {"open", "io.open", "codecs.open", "os.open"} or (last == "open" and name.endswith("Path().open")):
            self._opened(node, text)
        elif last in {"read_text", "read_bytes"} and isinstance(node.func, ast.Attribute):
            self._around.call("cat", self._text(node.func.value))
        elif last in {"write_text", "write_bytes"} and isinstance(node.func, ast.Attribute):
            self._around.call("echo", outputs=[Output(self._text(node.func.value), False, Data(text))])
        elif name in _READS:
            self._around.call("cp", text, self._text(node.args[1]) if len(node.args) > 1 else UNKNOWN)
        elif name in {"exec", "eval", "compile"} and first is not None:
            self._evaluated(first, text)
        else:
            self._further(name, last, node, text)

    def _further(self, name: str, last: str, node: ast.Call, text: str) -> None:  # noqa: C901
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
        elif last in _CLOUD or (last == "delete" and "boto3" in ast.unparse(node.func)):
            self._around.note(block("infrastructure", "deletes what a cloud account holds"))
        elif name == "shutil.disk_usage":
            return
        if name.startswith(("urllib", "requests", "httpx", "urlopen")):
            from ...urls import is_metadata  # noqa: PLC0415 (one use)

            if is_metadata(text.rsplit("://", maxsplit=1)[-1].split("/", maxsplit=1)[0]):
                self._around.note(
                    block("credentials", "asks the cloud's metadata service, which gives out credentials")
                )

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
        if any(fetcher in name for name in inner for fetcher in _FETCHERS) or any(
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
        runs = any(name in _SHELL or name in _PROCESS or name.startswith(("os.dup2", "os.exec")) for name in called)
        if connects and runs:
            self._around.note(block("reverse_shell", "a program that gives a shell to the network"))
        loops = any(isinstance(node, ast.While | ast.For | ast.comprehension) for node in self._nodes)
        if any(self._is_great(node) for node in self._nodes):
            self._around.note(block("exhaust", "makes a text greater than the memory"))
        if "os.fork" in called and loops:
            self._around.note(block("exhaust", "starts processes without an end"))
        if "os.setuid" in called and runs:
            self._around.note(block("privilege", "becomes administrator"))
        if called & _FILES or any(name.endswith(".unlink") for name in called):
            for node in self._nodes:
                if (
                    isinstance(node, ast.Call)
                    and node.args
                    and self._name(node.func) in {"os.walk", "glob.glob", "os.scandir", "os.listdir", "glob.iglob"}
                ):
                    self._around.call("rm", "-rf", self._text(node.args[0]))
        if self._sends() and self._private():
            self._around.note(block("exfiltrate", "sends private data away"))
        fetched = any(fetcher in name for name in called for fetcher in _FETCHERS) or any(
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
            return repeats and any(_number(side) >= _GREAT_BYTES for side in sides)
        if isinstance(node, ast.Call) and node.args and self._name(node.func) in {"bytearray", "bytes", "os.urandom"}:
            return _number(node.args[0]) >= _GREAT_BYTES
        return False

    def _runs_fetched(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call) or self._name(node.func) not in _SHELL | _PROCESS:
            return False
        inner = {self._name(part.func) for arg in node.args for part in ast.walk(arg) if isinstance(part, ast.Call)}
        return any(fetcher in name for name in inner for fetcher in _FETCHERS)

    def _sends(self) -> bool:
        for node in self._nodes:
            if isinstance(node, ast.Call):
                name = self._name(node.func)
                if name in _SENDERS or name.endswith((".sendall", ".send", ".storbinary", ".sendmail")):
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


_GREAT_BYTES = 5 * 10**9


def _number(node: ast.AST, depth: int = 0) -> float:
    """A number that is written down, products and powers worked out; 0 where it isn't one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and depth < _DEPTH and isinstance(node.op, ast.Mult | ast.Pow | ast.LShift):
        left, right = _number(node.left, depth + 1), _number(node.right, depth + 1)
        if isinstance(node.op, ast.Mult):
            return left * right
        base = left if isinstance(node.op, ast.Pow) else 2.0
        grown = base ** min(right, 60) if abs(base) < 1e4 else left  # noqa: PLR2004 (far beyond any memory already)
        return grown if isinstance(node.op, ast.Pow) else left * grown
    return 0.0


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if text else "''"


def _compute(name: str, method: str, receiver: Value, first: Value, arguments: list[Value]) -> Value:  # noqa: PLR0911, C901 (a table of cases)
    raw = first.encode() if isinstance(first, str) else first
    if name in frozenset(
        """
        os.path.expanduser os.path.abspath os.path.realpath pathlib.Path Path str os.path.expandvars bytes
        pathlib.PosixPath
    """.split()
    ):
        if isinstance(first, str):
            return HOME + first[1:] if first.startswith("~") else first.replace("$HOME", HOME)
        return (
            bytes(item for item in first if isinstance(item, int))
            if isinstance(first, list) and name == "bytes"
            else first
        )
    if name in {"pathlib.Path.home", "Path.home"}:
        return HOME
    if name in {"os.environ.get", "os.getenv"}:
        return WELL_KNOWN.get(first) if isinstance(first, str) else None
    if name in {"os.path.join", "posixpath.join"}:
        return posixpath.join(*(item if isinstance(item, str) else UNKNOWN for item in arguments))
    if name in {
        "base64.b64decode",
        "base64.decodebytes",
        "base64.standard_b64decode",
        "base64.urlsafe_b64decode",
    } and isinstance(raw, bytes):
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    if name in {"bytes.fromhex", "bytearray.fromhex", "binascii.unhexlify"} and isinstance(raw, bytes):
        return bytes.fromhex(raw.decode())
    if name == "base64.b32decode" and isinstance(raw, bytes):
        return base64.b32decode(raw)
    if name == "codecs.decode" and isinstance(first, str | bytes):
        return _codec(first, str(arguments[1]) if len(arguments) > 1 else "utf-8")
    if name == "chr" and isinstance(first, int):
        return chr(first)
    if name == "shlex.split" and isinstance(first, str):
        return list(first.split())
    if name == "reversed" and isinstance(first, str):
        return first[::-1]
    return _METHODS[method](receiver, first, arguments) if method in _METHODS else None


def _codec(text: str | bytes, codec: str) -> Value:
    if codec in {"rot13", "rot_13"}:
        return codecs.decode(text if isinstance(text, str) else text.decode(), "rot13")
    raw = text.encode() if isinstance(text, str) else text
    return (
        bytes.fromhex(raw.decode())
        if codec in {"hex", "hex_codec"}
        else base64.b64decode(raw)
        if codec.startswith("base64")
        else raw.decode()
    )


def _join(receiver: Value, first: Value, arguments: list[Value]) -> Value:
    items = first if isinstance(first, list) else [first]
    texts = [item if isinstance(item, str) else UNKNOWN for item in items]
    return receiver.join(texts)[:MAX_VALUE] if isinstance(receiver, str) else None


def _method_replace(receiver: Value, first: Value, arguments: list[Value]) -> Value:
    second = arguments[1] if len(arguments) > 1 else None
    return (
        receiver.replace(first, second)[:MAX_VALUE]
        if isinstance(receiver, str) and isinstance(first, str) and first and isinstance(second, str)
        else None
    )


def _same(receiver: Value, first: Value, arguments: list[Value]) -> Value:
    return receiver


def _to_text(receiver: Value, first: Value, arguments: list[Value]) -> Value:
    return receiver.decode("utf-8", "replace") if isinstance(receiver, bytes) else receiver


def _split(receiver: Value, first: Value, arguments: list[Value]) -> Value:
    return (
        list(receiver.split(first if isinstance(first, str) and first else None)) if isinstance(receiver, str) else None
    )


def _formatted(receiver: Value, first: Value, arguments: list[Value]) -> Value:
    return receiver.replace("{}", first if isinstance(first, str) else UNKNOWN) if isinstance(receiver, str) else None


def _path_join(receiver: Value, first: Value, arguments: list[Value]) -> Value:
    return (
        posixpath.join(receiver, *(item if isinstance(item, str) else UNKNOWN for item in arguments))
        if isinstance(receiver, str)
        else None
    )


_METHODS: Mapping[str, Callable[[Value, Value, list[Value]], Value]] = {
    "join": _join,
    "replace": _method_replace,
    "decode": _to_text,
    "encode": _same,
    "strip": _same,
    "expanduser": lambda receiver, _first, _arguments: receiver,
    "resolve": _same,
    "lower": _same,
    "split": _split,
    "format": _formatted,
    "joinpath": _path_join,
}
