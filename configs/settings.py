"""The settings: frozen sections, read once at the composition root and passed on as values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SecretStr


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


# Never shown. As JSON it is told to the system's own processes, on their standard input.
Secret = Annotated[SecretStr, PlainSerializer(SecretStr.get_secret_value, when_used="json")]


class Section(BaseModel):
    """Base of all sections: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class System(Section):
    """Where the system keeps its state, and how it talks about itself."""

    state_dir: Path = Field(Path(".aura"), description="State, keys and sockets; one running system per folder.")
    log_dir: Path = Field(Path("logs"), description="Audit records and the two readable views of the guide.")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = Field(
        "INFO", description="How much the processes say of themselves (AURA_LOG_LEVEL)."
    )
    drain_s: float = Field(5.0, ge=0, le=600, description="How long an orderly stop waits for calls under way.")


class VirtualServer(Section):
    """A port of its own that shows a part of the catalogue."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="Shown to clients as aura_NAME.")
    port: int = Field(ge=0, le=65535, description="0 takes a free one.")
    tools: tuple[str, ...] = Field(
        (), description="Tool names; empty means all. The port opens when one of them exists."
    )


class Gateway(Section):
    """The MCP front door."""

    host: str = Field("127.0.0.1", description="Beyond loopback only with anonymous = false.")
    anonymous: bool = Field(True, description="Callers without a token on loopback are agents with the role `guest`.")
    servers: tuple[VirtualServer, ...] = Field(
        (
            VirtualServer(name="gateway", port=9200),
            VirtualServer(
                name="ml",
                port=9201,
                tools=("analyze_emotion", "semantic_rank", "embed_text", "classify_text", "get_model_status"),
            ),
            VirtualServer(
                name="role_engine",
                port=9206,
                tools=(
                    "list_roles",
                    "get_role_capabilities",
                    "suggest_role",
                    "check_permission",
                    "arbitrate_roles",
                    "run_role_simulation",
                ),
            ),
        ),
        description="The ports that listen; each shows all tools or a part, at /mcp/stream.",
    )
    allowed_hosts: tuple[str, ...] = Field((), description="Host names accepted besides loopback's.")
    allowed_origins: tuple[str, ...] = Field((), description="Browser origins accepted besides loopback's.")
    max_body_bytes: int = Field(4_194_304, ge=1024, description="A larger request gets HTTP 413.")
    max_nesting: int = Field(64, ge=8, le=512, description="Deeper JSON is refused before it is parsed.")
    max_connections: int = Field(1024, ge=1, description="Connections open at once; one more is turned away.")
    body_timeout_s: float = Field(15.0, gt=0, description="A request body must arrive within this.")
    max_sessions: int = Field(1000, ge=1, description="Old-era sessions over all; the oldest idle one makes room.")
    max_sessions_per_principal: int = Field(200, ge=1, description="The same, for one caller.")
    session_idle_s: float = Field(1800.0, gt=0, description="A session that says nothing for so long is closed.")
    replay_bytes: int = Field(1_048_576, ge=0, description="Events kept per session for Last-Event-ID.")
    keepalive_s: float = Field(15.0, gt=0, description="A comment on idle event streams, so that dead ones are found.")
    call_timeout_s: float = Field(120.0, gt=0, description="The deadline of a call whose client names none.")
    auth_cache_s: float = Field(2.0, ge=0, description="How long a checked token is believed; revoking takes as long.")


class BusSettings(Section):
    """Messages between actors."""

    transport: Literal["socket", "ray"] = Field(
        "socket", description="`ray` sends each message as an actor call: slower by far, a reference."
    )
    mailbox: int = Field(1024, ge=1, description="Messages under way per actor; one more is refused at once.")
    max_frame_bytes: int = Field(8_388_608, ge=4096, description="A larger message is refused.")
    stream_items: int = Field(1024, ge=1, description="How far a stream's reader may fall behind.")
    deadline_s: float = Field(30.0, gt=0, description="For messages that inherit none.")
    patience_s: float = Field(4.0, ge=0, description="How long to wait for an address that is being restarted.")
    dead_letters: int = Field(1000, ge=0, description="Undeliverable messages kept for a look; the oldest goes first.")


class Cluster(Section):
    """Ray, and where the actors live."""

    address: str = Field("local", description="`local` starts a Ray of its own; else a running cluster's address.")
    dashboard: bool = Field(True, description="Start Ray's dashboard with a Ray of our own.")
    dashboard_port: int = Field(8265, ge=0, le=65535, description="0 takes a free one.")
    object_store_bytes: int = Field(104_857_600, ge=78_643_200, description="Shared memory for Ray's objects.")
    num_cpus: int | None = Field(None, ge=1, description="CPUs that Ray may hand out; unset lets Ray count.")
    replicas: dict[str, int] = Field(default_factory=dict, description="Replicas by role; 1 unless named.")
    placement: dict[str, str] = Field(default_factory=dict, description="Ray node label or id by role.")
    start_timeout_s: float = Field(90.0, gt=0, description="How long Ray and the actors may take to start.")


class Safety(Section):
    """Limits and the decision."""

    rate_limit: int = Field(100, ge=1, description="tools/call per minute and principal (AURA_RATE_LIMIT).")
    policy_file: Path | None = Field(
        None, description="The policy; unset takes policy.yaml of rules_folder if it exists, else the shipped one."
    )
    roles_file: Path | None = Field(None, description="The roles; unset takes roles.yaml of rules_folder, likewise.")
    rules_folder: Path = Field(Path("configs"), description="Where the two are looked for unless they are named above.")
    inspect_inline_bytes: int = Field(
        2_048, ge=0, description="Longer texts are inspected in a process of their own, so that nobody waits for them."
    )
    inspect_timeout_s: float = Field(10.0, gt=0, description="An inspection that takes longer refuses the call.")
    token_ttl_s: float = Field(180.0, gt=0, description="How long a decision token is good beyond the call's start.")
    idempotency_s: float = Field(86_400.0, ge=0, description="How long a keyed call's result is kept for a repeat.")
    idempotency_entries: int = Field(10_000, ge=0, description="How many such results; the oldest goes first.")
    idempotency_bytes: int = Field(67_108_864, ge=0, description="How much memory they may take.")


class Tools(Section):
    """Running tools."""

    timeout_s: float = Field(60.0, gt=0, description="For tools that don't say their own.")
    concurrency: int = Field(64, ge=1, description="Calls of one tool at once, for tools that don't say their own.")
    breaker_failures: int = Field(5, ge=1, description="Failures in a row after which a source is left alone.")
    breaker_cooldown_s: float = Field(2.0, gt=0, description="How long, before one call tries it again.")


class Commands(Section):
    """What execute_command runs, where, and within which limits."""

    allow: tuple[str, ...] = Field(
        (
            "basename",
            "cat",
            "cut",
            "date",
            "df",
            "diff",
            "dirname",
            "du",
            "echo",
            "find",
            "grep",
            "head",
            "id",
            "ls",
            "nl",
            "pwd",
            "readlink",
            "realpath",
            "sha256sum",
            "sort",
            "stat",
            "tail",
            "uname",
            "wc",
            "whoami",
        ),
        description="Programs that may run, by name; shells never do.",
    )
    roots: tuple[Path, ...] = Field(
        (Path(),), min_length=1, description="Folders that commands see; they start in the first."
    )
    writable: bool = Field(False, description="Let commands write in these folders too.")
    unsandboxed: bool = Field(
        False, description="Run commands even where bubblewrap is missing: with the limits, and without its walls."
    )
    output_bytes: int = Field(65_536, ge=1024, le=262_144, description="Of each output stream; the rest is cut.")
    memory_bytes: int = Field(536_870_912, ge=67_108_864, description="Address space of each process.")
    processes: int = Field(32, ge=1, description="Processes of one command; not held where the system runs as root.")
    file_bytes: int = Field(16_777_216, ge=0, description="Size of a file, and of the private /tmp.")
    open_files: int = Field(256, ge=16, description="Files that a process may hold open.")


class ML(Section):
    """The embedded models."""

    load: Literal["start", "never"] = Field(
        "start", description="`start` loads in the background as the system starts."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU when torch sees one.")
    threads: int = Field(1, ge=1, le=64, description="Threads of one worker; more than one suits idle machines only.")
    encoder_path: Path | None = Field(None, description="Another MiniLM folder; needs encoder_sha256.")
    encoder_sha256: str | None = Field(None, description="SHA-256 of that folder's model.safetensors.")
    max_batch: int = Field(32, ge=1, le=1024, description="Texts in one forward pass.")
    max_wait_ms: float = Field(2.0, ge=0, le=1000, description="How long a batch waits for company.")
    queue: int = Field(1024, ge=1, description="Texts waiting; more are refused at once.")
    max_texts: int = Field(256, ge=1, description="Texts in one call.")


class Database(Section):
    """What must survive."""

    url: Secret | None = Field(
        None, description="postgresql://USER:PASSWORD@HOST/DATABASE; unset keeps an SQLite file in the state folder."
    )


class Approvals(Section):
    """Calls that are held until somebody agrees."""

    decide_within_s: float = Field(86_400.0, gt=0, description="No answer by then is a no.")
    use_within_s: float = Field(3_600.0, gt=0, description="How long an approval can be used once it is given.")
    answer_within_s: float = Field(
        300.0, gt=0, description="How long a client's own user has to answer, if the call's deadline allows it."
    )
    most_pending: int = Field(1_000, ge=1, description="Approvals that wait at once; one more is refused.")
    most_pending_per_principal: int = Field(50, ge=1, description="The same, for one caller.")


class Audit(Section):
    """The record."""

    fsync: bool = Field(False, description="Also survive power loss; costs a disk write per call.")
    segment_bytes: int = Field(67_108_864, ge=65_536, description="A file of the record is closed at this size.")
    epoch_s: float = Field(5.0, gt=0, description="How long records wait at most before a signed epoch seals them.")
    epoch_records: int = Field(50_000, ge=1, description="The most records of one epoch.")
    retention_days: float = Field(0.0, ge=0, description="Sealed files older than this are removed; 0 keeps all.")
    retention_bytes: int = Field(0, ge=0, description="The oldest sealed files go beyond this; 0 keeps all.")


class Settings(Section):
    """Everything."""

    system: System = System()
    gateway: Gateway = Gateway()
    bus: BusSettings = BusSettings()
    cluster: Cluster = Cluster()
    safety: Safety = Safety()
    tools: Tools = Tools()
    commands: Commands = Commands()
    ml: ML = ML()
    database: Database = Database()
    approvals: Approvals = Approvals()
    audit: Audit = Audit()
