"""What Prometheus reads. Label values are bounded, and none of them is an id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_MAX_TOOLS = 256
_REASONS = {400: "malformed", 401: "unauthenticated", 403: "host_or_origin", 404: "not_found", 405: "method"}
_REASONS |= {406: "not_acceptable", 408: "slow_body", 410: "expired_event", 413: "too_large", 415: "media_type"}
_REASONS |= {429: "session_limit", 503: "unavailable", 500: "fault"}
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The gateway's figures, in a registry of their own.

    Args:
        version: the system's version.
    """

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "aura_tool_calls_total", "Tool calls by tool and outcome.", ["tool", "outcome"], registry=self._registry
        )
        self._seconds = Histogram(
            "aura_tool_call_seconds", "Time of tool calls.", ["tool"], registry=self._registry, buckets=_BUCKETS
        )
        self._rejected = Counter(
            "aura_requests_rejected_total",
            "Requests refused at the door, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self.sessions = Gauge("aura_sessions", "Sessions of the older era.", registry=self._registry)
        self.streams = Gauge("aura_open_streams", "Event streams that are connected.", registry=self._registry)
        self.connections = Gauge("aura_connections", "Connections that are open.", registry=self._registry)
        self.replay_bytes = Gauge("aura_replay_bytes", "Events kept for resumption.", registry=self._registry)
        build = Gauge("aura_build_info", "The version that runs.", ["version"], registry=self._registry)
        build.labels(version).set(1)
        self._by_tool: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._tools: set[str] = set()
        self.calls = 0
        self.failures = 0
        self.rejections = 0

    def called(self, tool: str, outcome: str, seconds: float, *, known: bool) -> None:
        """Count a tool call.

        Args:
            tool: its name; counted as `other` unless known, or beyond 256 names.
            outcome: `ok`, or the type of the failure.
            seconds: how long it took.
            known: whether the catalogue has a tool of that name.
        """
        self.calls += 1
        self.failures += outcome != "ok"
        if tool not in self._tools:
            if known and len(self._tools) < _MAX_TOOLS:
                self._tools.add(tool)
            else:
                tool = "other"
        pair = self._by_tool.get((tool, outcome))
        if pair is None:
            pair = (self._calls.labels(tool, outcome), self._seconds.labels(tool))
            self._by_tool[tool, outcome] = pair
        pair[0].inc()
        pair[1].observe(seconds)

    def rejected(self, status: int) -> None:
        """Count a refusal at the door, by the word for its HTTP status."""
        self.rejections += 1
        self._rejected.labels(_REASONS.get(status, "other")).inc()

    def page(self) -> tuple[bytes, str]:
        """The exposition, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
