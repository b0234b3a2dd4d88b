"""Starts a Ray of the system's own, or joins a running one, and notices when it dies."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from aura_ia_mcp.configs.settings import Cluster

from .ports import holder_of, is_free

_VITAL = ("gcs_server", "raylet")
_DASHBOARD = "dashboard/dashboard.py"
_KEPT_SESSIONS = 2
_SESSION = re.compile(r"session_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d+_\d+")

# Defaults of ours; whoever runs the system may set others in the environment.
ENVIRONMENT: dict[str, str] = {
    "RAY_AUTH_MODE": "token",  # without it, the dashboard's jobs API runs anybody's code
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ROTATION_MAX_BYTES": "10485760",
    "RAY_ROTATION_BACKUP_COUNT": "2",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_niceness": "0",  # Ray's 15 would let every other process go ahead of Safety
    "MALLOC_ARENA_MAX": "2",  # Ray's processes have dozens of threads, nearly all idle: a heap each costs memory
}

# Ray calls it a switch for other platforms; what it does is to take 127.0.0.1 for the node's address, so that none of
# Ray's servers (GCS, raylet, agents, metrics) listens beyond this machine. `_node_ip_address` refuses loopback.
LOOPBACK: dict[str, str] = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@dataclass(frozen=True)
class RunningRay:
    """What `start` found out.

    Args:
        address: of the cluster, `host:port`.
        dashboard_url: or "" without a dashboard.
        node_id: of the node that this process is on (hexadecimal).
        gpus: in the whole cluster.
        own: whether it was started here and ends with us.
        session: its session folder.
    """

    address: str
    dashboard_url: str
    node_id: str
    gpus: float
    own: bool
    session: str


def prepare_environment(*, own: bool) -> None:
    """Set Ray's environment; must come before the first `import ray`.

    Args:
        own: a Ray of our own will be started, rather than one joined; it keeps to loopback.
    """
    for name, value in (ENVIRONMENT | LOOPBACK if own else ENVIRONMENT).items():
        os.environ.setdefault(name, value)
    # Ray's workers recompile everything without byte code on disk (1 s of CPU each).
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def start(settings: Cluster, folder: Path, namespace: str) -> RunningRay:
    """Start or join; must run in the main thread, since Ray's processes end with the thread that started them.

    Raises:
        OSError: the dashboard's port is taken.
        Exception: whatever Ray raises when it can't start.
    """
    ray = _ray()
    own = settings.address == "local"
    options: dict[str, Any] = {"address": settings.address, "namespace": namespace}
    if own:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        prune_sessions(folder)
        options |= {
            "_temp_dir": str(folder),
            "include_dashboard": settings.dashboard,
            "dashboard_host": "127.0.0.1",
            "dashboard_port": settings.dashboard_port or None,
            "object_store_memory": settings.object_store_bytes,
            "num_cpus": settings.num_cpus,
        }
        if settings.dashboard and settings.dashboard_port:
            check_port(settings.dashboard_port)
    context: Any = ray.init(log_to_driver=False, logging_level=logging.WARNING, configure_logging=True, **options)
    runtime = ray.get_runtime_context()
    url = str(context.dashboard_url or "")
    return RunningRay(
        address=runtime.gcs_address,
        dashboard_url=f"http://{url}" if url else "",
        node_id=runtime.get_node_id(),
        gpus=float(ray.cluster_resources().get("GPU", 0.0)),
        own=own,
        session=str(context.address_info.get("session_dir", "")),
    )


def own_ip() -> str:
    """The address on which other nodes reach this one."""
    return str(_ray().util.get_node_ip_address())


def _ray() -> Any:
    """Ray, imported only after the environment was prepared; parts of it have no types."""
    return importlib.import_module("ray")


def check_port(port: int) -> None:
    """Refuse a dashboard port that is taken; Ray would quietly take another one.

    Raises:
        OSError: says who has it, and what to do.
    """
    if not is_free("127.0.0.1", port):
        raise OSError(
            f"port {port} for the Ray dashboard is taken by {holder_of(port) or 'a program of another user'}; "
            "stop that, or set cluster.dashboard_port (0 takes a free one), or cluster.dashboard = false"
        )


def vital_processes() -> dict[int, str]:
    """The processes of our own Ray without which it is dead: pid -> name."""
    return {pid: name for pid, name, _ in _children() if name in _VITAL}


def dashboard_process() -> int | None:
    """The pid of our own Ray's dashboard, which Ray doesn't start again when it dies; None without one."""
    found = (pid for pid, _, arguments in _children() if any(each.endswith(_DASHBOARD) for each in arguments))
    return next(found, None)


def _children() -> Iterator[tuple[int, str, list[str]]]:
    """Pid, name and arguments of each."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                yield child.pid, child.name(), child.cmdline()


def node_labels() -> dict[str, dict[str, str]]:
    """The labels of each living node, by its id (hexadecimal)."""
    return {node["NodeID"]: dict(node["Labels"]) for node in _ray().nodes() if node["Alive"]}


def figures() -> dict[str, Any]:
    """What Ray says of itself: nodes and resources."""
    ray = _ray()
    return {
        "nodes": [
            {"id": node["NodeID"], "name": node["NodeName"], "alive": node["Alive"], "resources": node["Resources"]}
            for node in ray.nodes()
        ],
        "resources": {"total": ray.cluster_resources(), "available": ray.available_resources()},
    }


def _sessions(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (path for path in folder.iterdir() if _SESSION.fullmatch(path.name) and path.is_dir())


def prune_sessions(folder: Path, keep: int = _KEPT_SESSIONS) -> None:
    """Delete all but the newest of Ray's session folders (logs of earlier runs), and the sockets in those kept."""
    newest_first = sorted(_sessions(folder), key=lambda path: path.name, reverse=True)
    for path in newest_first[:keep]:
        shutil.rmtree(path / "sockets", ignore_errors=True)
    for path in newest_first[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def free_port(host: str) -> int:
    """A port that is free now on one of this machine's addresses."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def stop(timeout_s: float) -> None:
    """Stop or leave Ray; whatever of our own Ray is still there after `timeout_s` is killed by pid."""
    ours = _descendants()
    worker = threading.Thread(target=_ray().shutdown, name="ray.shutdown", daemon=True)
    worker.start()
    worker.join(timeout_s)
    _, alive = psutil.wait_procs(ours, timeout=1.0)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _descendants() -> list[psutil.Process]:
    try:
        return psutil.Process().children(recursive=True)
    except psutil.Error:
        return []
