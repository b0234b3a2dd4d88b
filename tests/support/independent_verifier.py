"""A second verifier of the audit record, written from docs/audit.md alone: `independent_verifier.py DIR [KEY]`."""

import base64
import json
import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

START = r'\{"v":1,"seq":([1-9][0-9]*),"ts":[0-9]+\.[0-9]{6},"writer":"([a-z0-9][a-z0-9_-]{0,63})","'
LINE = re.compile(START + r'(?:prev":"([0-9a-f]{64})","kind":"[a-z_]{1,64}"[,}][ -~]*|redacted":"([0-9a-f]{64})" *\})')


class Verifier:  # raises where something doesn't hold: at the record, or the entry of `epochs`, that `at` names
    def __init__(self) -> None:
        self.at, self.sealed, self.pruned = ("epochs", 1), dict[str, int](), dict[str, int]()
        self.vouched, self.read = dict[tuple[str, int], str](), dict[tuple[str, int], str]()  # hashes, by record
        self.redacted = dict[tuple[str, int, str], str]()  # by record and its hash: the hash of the record before
        self.roots = dict[int, tuple[list[tuple[str, int]], str]]()  # of each epoch: its records and their root

    def lines(self, folder: Path, number: int) -> Iterator[bytes]:
        self.at = (folder.name, number)
        files = sorted((int(p.stem), p) for p in folder.glob("[0-9]" * 8 + "*.jsonl") if int(p.stem) >= number)
        for first, path in files:
            *whole, torn = path.read_bytes().split(b"\n")
            assert first == self.at[1], f"{path.name} begins with it"
            for line in whole:
                yield line
                self.at = (folder.name, self.at[1] + 1)
            assert first == files[-1][0] or (whole and not torn), f"{path.name} is empty or torn, and not the newest"

    def read_entries(self, folder: Path, pem: bytes) -> None:
        public, prev = load_pem_public_key(pem), "0" * 64
        assert isinstance(public, Ed25519PublicKey), "the key isn't one of Ed25519"
        key = sha256(public.public_bytes_raw()).hexdigest()
        for line in self.lines(folder, 1):
            entry, signature = json.loads(line), base64.b64decode(line[-90:-2])
            assert (entry["v"], entry["epoch"], entry["prev"], entry["key"]) == (1, self.at[1], prev, key), "its place"
            assert line[-98:] == b',"sig":"%s"}' % base64.b64encode(signature), "its signature's form"
            public.verify(signature, line[:-98] + b"}")
            if entry["kind"] == "redacted":
                self.redacted[entry["writer"], entry["seq"], entry["hash"]] = entry["before"]
            elif entry["kind"] == "pruned":
                name, through = entry["writer"], entry["through"]
                assert self.pruned.get(name, 0) < through <= self.sealed.get(name, 0), "what it prunes"
                self.pruned[name], self.vouched[name, through] = through, entry["head"]
            else:
                for name, part in entry["writers"].items():
                    assert part["first"] == self.sealed.get(name, 0) + 1 <= part["last"], f"what it seals of {name}"
                    self.sealed[name], self.vouched[name, part["last"]] = part["last"], part["head"]
                ids = [(w, n) for w, p in sorted(entry["writers"].items()) for n in range(p["first"], p["last"] + 1)]
                assert (entry["kind"], entry["records"]) == ("epoch", len(ids)), "its kind, or how many it seals"
                self.roots[self.at[1]] = (ids, entry["root"])
            prev = sha256(line).hexdigest()
        assert self.at[1] > 1, "there is a key, but no entry"

    def read_records(self, folder: Path) -> None:
        name, start = folder.name, self.pruned.get(folder.name, 0)
        before, lines = self.vouched.setdefault((name, start), "0" * 64), self.lines(folder, start + 1)
        for line in lines:
            this, match = self.at, json.loads(line) and LINE.fullmatch(line.decode())
            assert match, "its form"
            assert (match[2], int(match[1])) == this, "another record stands in its place"
            own = match[4] or sha256(line).hexdigest()
            prev = match[3] or self.redacted[*this, own]  # KeyError: a tombstone that no entry tells of
            if prev != before:  # this one was changed, or the one before
                told = " ".join([match[4] or "", *self.redacted.values(), next(lines, own.encode()).decode("latin-1")])
                held, last = own in self.vouched.get(this, told), (name, this[1] - 1)
                self.at = last if held and last not in self.vouched else this
            assert prev == before, f"{name}:{this[1]} names another hash of the record before"
            assert self.vouched.get(this, own) == own, "an entry tells another hash"
            self.read[this] = before = own
        assert self.at[1] > self.sealed.get(name, 0), "it was sealed, and is missing"


def verify(folder: Path, public_key: Path | None = None) -> str | None:
    """None if the record under `folder` is intact, else a sentence that names what doesn't hold first."""
    check, key = Verifier(), public_key or folder / "public_key.pem"
    try:
        if public_key or key.exists() or (folder / "epochs").exists() or {*folder.iterdir()} <= {folder / "rules"}:
            check.read_entries(folder / "epochs", key.read_bytes())
        for name in sorted({p.name for p in folder.iterdir() if p.is_dir()} - {"epochs", "rules"} | set(check.sealed)):
            check.read_records(folder / name)
        for number, (ids, root) in check.roots.items():
            check.at = ("epochs", number)
            row = [sha256(b"\0" + bytes.fromhex(check.read.get(i, ""))).digest() for i in ids]
            while (size := len(row)) > 1:
                row = [sha256(b"\1" + row[i] + row[i + 1]).digest() for i in range(0, size - 1, 2)] + row[size & ~1 :]
            assert row[0].hex() == root or set(ids) - check.read.keys(), "its root"
    except Exception as error:
        return f"{check.at[0]}:{check.at[1]} doesn't hold: {str(error) or type(error).__name__}."
    return None


if __name__ == "__main__":
    sys.exit(verify(Path(sys.argv[1]), *map(Path, sys.argv[2:])))
