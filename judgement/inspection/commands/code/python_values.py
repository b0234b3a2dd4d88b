"""Values of Python expressions, as far as they can be worked out without running anything."""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import posixpath
from collections.abc import Callable, Mapping

from ..model import HOME, UNKNOWN
from ..words import WELL_KNOWN

MAX_VALUE = 8 * 1024
_DEPTH = 40
Value = str | bytes | int | list["Value"] | None
GREAT_BYTES = 5 * 10**9


class Values:
    """The names and values of one program."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, ast.expr] = {}
        self._budget = 20_000

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


def number(node: ast.AST, depth: int = 0) -> float:
    """A number that is written down, products and powers worked out; 0 where it isn't one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and depth < _DEPTH and isinstance(node.op, ast.Mult | ast.Pow | ast.LShift):
        left, right = number(node.left, depth + 1), number(node.right, depth + 1)
        if isinstance(node.op, ast.Mult):
            return left * right
        base = left if isinstance(node.op, ast.Pow) else 2.0
        grown = base ** min(right, 60) if abs(base) < 1e4 else left  # noqa: PLR2004 (far beyond any memory already)
        return grown if isinstance(node.op, ast.Pow) else left * grown
    return 0.0


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


def _join(receiver: Value, first: Value, _arguments: list[Value]) -> Value:
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


def _same(receiver: Value, _first: Value, _arguments: list[Value]) -> Value:
    return receiver


def _to_text(receiver: Value, _first: Value, _arguments: list[Value]) -> Value:
    return receiver.decode("utf-8", "replace") if isinstance(receiver, bytes) else receiver


def _split(receiver: Value, first: Value, _arguments: list[Value]) -> Value:
    return (
        list(receiver.split(first if isinstance(first, str) and first else None)) if isinstance(receiver, str) else None
    )


def _formatted(receiver: Value, first: Value, _arguments: list[Value]) -> Value:
    return receiver.replace("{}", first if isinstance(first, str) else UNKNOWN) if isinstance(receiver, str) else None


def _path_join(receiver: Value, _first: Value, arguments: list[Value]) -> Value:
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
