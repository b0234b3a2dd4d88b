"""Where things lie under the state folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .settings import Settings

_MOST_SOCKET_BYTES = 107  # of a unix socket's path (sun_path, unix(7))
_LONGEST_SOCKET = "/bus/directory-9999.sock"


@dataclass(frozen=True, slots=True)
class Paths:
    """The files and folders of one system; all absolute.

    Args:
        state: the `.aura` folder.
        logs: the `logs` folder.
    """

    state: Path
    logs: Path

    @classmethod
    def of(cls, settings: Settings) -> Paths:
        """The paths that these settings mean, seen from the current folder."""
        return cls(settings.system.state_dir.resolve(), settings.system.log_dir.resolve())

    @property
    def lock(self) -> Path:
        """Held by the one running system."""
        return self.state / "serve.lock"

    @property
    def run(self) -> Path:
        """Sockets and the running system's description; mode 0700.

        Lies in the system's folder for temporary files when the state folder's path is too long for unix sockets.
        """
        usual = self.state / "run"
        if len(os.fsencode(usual)) + len(_LONGEST_SOCKET) <= _MOST_SOCKET_BYTES:
            return usual
        return self.short

    @property
    def short(self) -> Path:
        """A short path of this system's own, the same in every process; exists only where it is needed."""
        name = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"aura-{os.getuid()}-{name}"

    @property
    def ingress(self) -> Path:
        """The unix socket on which the gateway serves local clients."""
        return self.run / "ingress.sock"

    @property
    def leases(self) -> Path:
        """The unix socket that clients hold open to keep an on-demand system alive."""
        return self.run / "leases.sock"

    @property
    def running(self) -> Path:
        """JSON about the running system: pids, URLs, start time."""
        return self.run / "system.json"

    @property
    def database(self) -> Path:
        """SQLite with all that must survive, unless `database.url` names another database; mode 0600."""
        return self.state / "state.sqlite"

    @property
    def former_tokens(self) -> Path:
        """SQLite with the tokens of earlier versions; taken over into `database` once, and renamed."""
        return self.state / "tokens.sqlite"

    @property
    def operator_token(self) -> Path:
        """The CLI's own bearer token; mode 0600."""
        return self.state / "operator.token"

    @property
    def audit_key(self) -> Path:
        """32 bytes that key the digests in audit records; mode 0600."""
        return self.state / "keys" / "audit.key"

    @property
    def audit_signing_key(self) -> Path:
        """32 bytes, the Ed25519 key that signs the epochs of the record; mode 0600."""
        return self.state / "keys" / "audit.ed25519"

    @property
    def epochs_standing(self) -> Path:
        """JSON: what the signed epochs say up to now, so that a start needn't read them all."""
        return self.state / "audit_epochs.json"

    @property
    def audit(self) -> Path:
        """The truth: one folder per writer."""
        return self.logs / "audit"
