"""A folder of audit records with writers, epochs and a key, for the tests of what works on them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aura_ia_mcp.stores.audit import AuditWriter, Written
from aura_ia_mcp.stores.epoch_writer import EpochWriter
from aura_ia_mcp.stores.sealing import Sealer
from aura_ia_mcp.stores.segments import segments
from aura_ia_mcp.stores.verdict import Verdict
from aura_ia_mcp.stores.verify import verify

KEY = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


class Log:
    """`folder` is what `logs/audit` is elsewhere."""

    def __init__(self, folder: Path, most: int = 50_000, segment_bytes: int = 1_500) -> None:
        self.folder = folder
        self.most = most
        self.segment_bytes = segment_bytes
        self.remembered = folder.with_name(f"{folder.name}.standing.json")
        self.writers: dict[str, AuditWriter] = {}
        self.restart()

    def restart(self) -> None:
        """Seal by a process that knows nothing yet."""
        self.epochs = EpochWriter(self.folder, KEY, remembered=self.remembered)
        self.sealer = Sealer(self.folder, self.epochs, self.most)

    def write(self, writer: str = "w-0", count: int = 1, **fields: Any) -> Written:
        if writer not in self.writers:
            self.writers[writer] = AuditWriter(self.folder, writer, b"k" * 32, segment_bytes=self.segment_bytes)
        for number in range(count):
            written = self.writers[writer].append("call", {"n": number} | fields)
        return written

    def seal(self) -> int:
        """Seal all that waits: how many epochs that took."""
        rounds = 0
        while self.sealer.seal():
            rounds += 1
        return rounds

    def check(self, **more: Any) -> Verdict:
        return verify(self.folder, **more)

    def lines(self, writer: str = "w-0") -> list[bytes]:
        return b"".join(path.read_bytes() for path in segments(self.folder / writer)).splitlines(keepends=True)

    def replace(self, lines: list[bytes], writer: str = "w-0") -> None:
        """Put other lines in the place of a writer's own, each file as many lines as before, the rest into the last."""
        files = segments(self.folder / writer)
        counts = [path.read_bytes().count(b"\n") for path in files]
        for at, (path, count) in enumerate(zip(files, counts, strict=True)):
            taken, lines = (lines, []) if at == len(files) - 1 else (lines[:count], lines[count:])
            path.write_bytes(b"".join(taken))

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()
        self.writers.clear()
        self.sealer.close()


def leads_to(entry: bytes, index: int, size: int, path: Sequence[bytes], expected: bytes) -> bool:
    """Whether a proof holds: the entry at `index` of a tree of `size` entries has this root."""
    if not 0 <= index < size:
        return False
    found, left = sha256(b"\0" + entry).digest(), list(path)
    while size > 1:
        if index ^ 1 < size:
            if not left:
                return False
            beside = left.pop(0)
            found = sha256(b"\1" + (beside + found if index & 1 else found + beside)).digest()
        index, size = index >> 1, (size + 1) >> 1
    return not left and found == expected
