"""How the loading of the models goes, told while `aura serve` runs.

Plain HTTP over the ingress socket: a client library would cost the supervisor's process tens of MiB for a few lines.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aura_ia_mcp.configs.paths import Paths

PAUSE_S = 2.0
_ANSWER_S = 10.0
_LONGEST_S = 600.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_ANSWER_S)
        self.sock.connect(str(self._path))


def model_status(paths: Paths) -> dict[str, Any] | None:
    """What `get_model_status` answers the operator; None if it doesn't answer now."""
    connection = _UnixConnection(paths.ingress)
    try:
        token = paths.operator_token.read_text("ascii").strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", "/mcp/tools/call", '{"name": "get_model_status", "arguments": {}}', headers)
        content = json.loads(connection.getresponse().read(1_000_000)).get("structuredContent")
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return content if isinstance(content, dict) else None


class ModelWatch:
    """Tells each step of the models' loading, from a thread of its own, until they are loaded, failed or switched off.

    Args:
        paths: of the running system.
        tell: given a sentence for each change; called from that thread.
        pause_s: between two looks; each is a governed call.
    """

    def __init__(self, paths: Paths, tell: Callable[[str], None], pause_s: float = PAUSE_S) -> None:
        self._paths = paths
        self._tell = tell
        self._pause_s = pause_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="model watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more; returns at once."""
        self._stopped.set()

    def _watch(self) -> None:
        said = ""
        for _ in range(int(_LONGEST_S / self._pause_s)):
            status = model_status(self._paths)
            sentence = describe(status) if status else ""
            if sentence != said and sentence and not self._stopped.is_set():
                self._tell(sentence)
                said = sentence
            if status and status.get("state") != "loading":
                return
            if self._stopped.wait(self._pause_s):
                return


def describe(status: dict[str, Any]) -> str:
    """The models' state as a sentence."""
    state = status.get("state")
    if state == "loading":
        return f"loading models: {status.get('progress', 0):.0%} {status.get('stage', '')}".rstrip()
    if state == "ready":
        where = sorted({str(model["device"]) for model in status.get("models", ()) if model.get("loaded")})
        names = ", ".join(str(model["name"]) for model in status.get("models", ()) if model.get("loaded"))
        return f"models are loaded: {names} ({', '.join(where)})"
    if state == "failed":
        return f"the models could not be loaded: {status.get('detail', '')}; `aura doctor model` looks closer"
    return "models are switched off (ml.load = never)"
