"""Whether docs/audit.md suffices to write a verifier: one that was agrees with ours on good and on tampered records."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aura_ia_mcp.stores.epochs import PUBLIC_KEY, public_pem
from aura_ia_mcp.stores.redaction import redact
from aura_ia_mcp.stores.retention import prune
from aura_ia_mcp.stores.segments import segments
from aura_ia_mcp.stores.verify import verify
from tests.support import independent_verifier

from .sealed import Log

Change = Callable[[Path], object]


def filled(folder: Path) -> Log:
    """Two writers with several files and epochs, and a third with little to say."""
    log = Log(folder, most=12)
    for _ in range(5):
        log.write("w-0", 5)
        log.write("w-1", 2)
        log.seal()
    log.write("w-2", 1)
    log.seal()
    return log


def tear(log: Log) -> None:
    """Power losses amid a record and amid an entry, and starts after them."""
    log.close()
    for name in ("w-0", "epochs"):
        with segments(log.folder / name)[-1].open("ab") as file:
            file.write(b'{"v":1,"seq":')
    log.restart()
    log.write("w-0", 2)
    log.seal()


def retire(log: Log) -> None:
    assert prune(log.folder, log.epochs, days=2, most_bytes=0, now=time.time() + 3 * 86_400)["files"] > 2
    log.write("w-0", 6)
    log.seal()


def blacken(log: Log) -> None:
    """Redact a few: one that begins what is left, two beside each other, a head, and one that isn't sealed yet."""
    first = int(segments(log.folder / "w-0")[0].stem)
    newest = log.write("w-0", 5).id
    for which in (f"w-0:{first}", f"w-0:{first + 2}", f"w-0:{first + 3}", "w-1:11", newest):
        redact(log.folder, log.epochs, which, reason="request 4711", by="me")
    log.write("w-0", 3)
    log.seal()


def unsealed(log: Log) -> None:
    log.write("w-0", 2)
    log.write("w-9", 3)


STEPS: dict[str, list[Callable[[Log], object]]] = {
    "sealed": [],
    "torn": [tear],
    "pruned": [retire],
    "redacted": [blacken],
    "unsealed": [unsealed],
    "all of it": [tear, retire, blacken, tear, unsealed],
}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, steps in STEPS.items():
        log = filled(tmp_path_factory.mktemp("logs") / "audit")
        for step in steps:
            step(log)
        log.close()
        made[name] = log.folder
    return made


def both(folder: Path, key: Path | None = None) -> tuple[str | None, str | None]:
    """What each of the two names first, in the same words; None for an intact record.

    Of faults in several chains they may name different ones first.
    """
    found = verify(folder, key=key)
    assert found.intact == (not found.faults)
    names: list[str | None] = [fault.what for fault in found.faults] or [None]
    told = independent_verifier.verify(folder, key)
    second = None if told is None else re.sub("^epochs:", "epoch ", told.split(" doesn't hold")[0])
    return second if second in names else names[0], second


@pytest.mark.parametrize("name", STEPS)
def test_both_find_a_good_log_intact(logs: dict[str, Path], name: str) -> None:
    assert both(logs[name]) == (None, None)


# --- tampered ones ---------------------------------------------------------------------------------------------------


def swap(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


def reseq(line: bytes) -> bytes:
    """The line with a later number, as one that was put in would have it."""
    return re.sub(rb'"(seq|epoch)":(\d+)', lambda found: b'"%s":%d' % (found[1], int(found[2]) + 1), line, count=1)


LINES: dict[str, Callable[[list[bytes], int], list[bytes]]] = {
    "dropped": lambda lines, at: [*lines[:at], *lines[at + 1 :]],
    "reordered": swap,
    "repeated": lambda lines, at: [*lines[: at + 1], lines[at], *lines[at + 1 :]],
    "put in": lambda lines, at: [*lines[: at + 1], reseq(lines[at]), *lines[at + 1 :]],
    "emptied": lambda lines, at: [*lines[:at], b"\n", *lines[at + 1 :]],
    "altered": lambda lines, at: [*lines[:at], lines[at].replace(b'"kind":"', b'"kind":"x'), *lines[at + 1 :]],
    "cut off after it": lambda lines, at: lines[: at + 1],
    "torn": lambda lines, at: [*lines[:at], lines[at][:-9]],
    "forged tombstone": lambda lines, at: [
        *lines[:at],
        re.sub(rb'"(prev|redacted)":"(\w{64}).*', rb'"redacted":"\g<2>"  }', lines[at]),
        *lines[at + 1 :],
    ],
}


@pytest.mark.parametrize("how", LINES)
@pytest.mark.parametrize("name", ["sealed", "all of it"])
def test_both_name_the_same_first_line_that_does_not_hold(logs: dict[str, Path], name: str, how: str) -> None:
    faults, differences = 0, []
    for path in sorted(logs[name].glob("*/*.jsonl")):
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        places = range(len(lines) - (how in {"reordered", "put in"}))
        for at in random.Random(how).sample(places, min(2, len(places))):
            path.write_bytes(b"".join(LINES[how](lines, at)))
            first, second = both(logs[name])
            faults += first is not None
            if first != second:
                differences.append((path.parent.name, path.name, at, first, second))
        path.write_bytes(whole)
    assert differences == []
    assert faults > 5
    assert both(logs[name]) == (None, None)


def test_both_find_the_same_flipped_bits_and_name_the_same_lines(logs: dict[str, Path]) -> None:
    folder, chosen, faults, differences = logs["all of it"], random.Random(4711), 0, []
    newest = {segments(path)[-1] for path in folder.iterdir() if path.is_dir()}
    for path in sorted(folder.glob("*/*.jsonl")):
        whole = path.read_bytes()
        # That the newest record is JSON is for nobody to find: nothing but its own line says what it was.
        end = whole[:-1].rfind(b"\n") + 1 if path in newest and path.parent.name != "epochs" else len(whole)
        for at in chosen.sample(range(end), min(15, end)):
            raw = bytearray(whole)
            raw[at] ^= 1 << chosen.randrange(8)
            path.write_bytes(raw)
            first, second = both(folder)
            faults += first is not None
            # Two lines that became one are one that isn't JSON, or one and a missing one.
            if first != second and (None in {first, second} or whole[at] != 0x0A):
                differences.append((path.parent.name, path.name, at, first, second))
        path.write_bytes(whole)
    assert differences == []
    assert faults > 60
    assert both(folder) == (None, None)


def without(pattern: str) -> Change:
    def remove(folder: Path) -> None:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def renamed(folder: Path) -> None:
    (folder / "w-1").rename(folder / "w-8")


def file_renamed(folder: Path) -> None:
    path = segments(folder / "w-1")[-1]
    path.rename(path.with_name(f"{int(path.stem) + 1:08}.jsonl"))


def other_key(folder: Path) -> None:
    (folder / PUBLIC_KEY).write_bytes(public_pem(Ed25519PrivateKey.generate().public_key()))


def empty_between(folder: Path) -> None:
    (folder / "w-1" / "00000004.jsonl").write_bytes(b"")


CHANGES: dict[str, Change] = {
    "a writer's folder gone": without("w-1"),
    "a writer that isn't sealed gone": without("w-9"),
    "a writer's first file gone": lambda folder: segments(folder / "w-0")[0].unlink(),
    "a writer's newest file gone": lambda folder: segments(folder / "w-0")[-1].unlink(),
    "a file of another number": file_renamed,
    "an empty file between": empty_between,
    "an empty newest file of another number": lambda folder: (folder / "w-1" / "00000099.jsonl").touch(),
    "a file that isn't one of the chain's": lambda folder: (folder / "w-1" / "1.jsonl").touch(),
    "a folder whose name isn't a writer's": lambda folder: (folder / "w-1").rename(folder / "Some Folder"),
    "a writer under another name": renamed,
    "all entries gone": without("epochs"),
    "entries and key gone": lambda folder: (without("epochs")(folder), without(PUBLIC_KEY)(folder)),
    "the key gone": without(PUBLIC_KEY),
    "another key": other_key,
    "everything gone": without("*"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("name", ["sealed", "all of it"])
def test_both_agree_on_what_was_done_to_files(logs: dict[str, Path], tmp_path: Path, name: str, what: str) -> None:
    copy = shutil.copytree(logs[name], tmp_path / "copy")
    CHANGES[what](copy)
    first, second = both(copy)
    assert first == second


def test_neither_finds_what_the_page_says_that_files_alone_do_not_tell(logs: dict[str, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(logs["sealed"], tmp_path / "copy")
    entries = segments(copy / "epochs")[-1]
    entries.write_bytes(b"".join(entries.read_bytes().splitlines(keepends=True)[:-1]))
    shutil.rmtree(copy / "w-2")
    assert both(copy) == (None, None)
    copy = shutil.copytree(logs["redacted"], tmp_path / "redacted")
    for path in segments(copy / "w-0"):
        path.write_bytes(re.sub(rb'"ts":\d+(\.\d+,"writer":"w-0","redacted")', rb'"ts":1\1', path.read_bytes()))
    assert b'"ts":1.' in b"".join(path.read_bytes() for path in segments(copy / "w-0"))
    assert both(copy) == (None, None)


def test_a_key_kept_elsewhere_counts_and_not_the_one_beside_the_records(logs: dict[str, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(logs["sealed"], tmp_path / "copy")
    kept = Path(shutil.copy(copy / PUBLIC_KEY, tmp_path / "kept.pem"))
    other_key(copy)
    assert both(copy, kept) == (None, None)
    kept.write_bytes((copy / PUBLIC_KEY).read_bytes())
    assert both(logs["sealed"], kept) == ("epoch 1", "epoch 1")


def test_it_is_a_script_that_needs_nothing_of_ours(logs: dict[str, Path], tmp_path: Path) -> None:
    script = [sys.executable, "-I", independent_verifier.__file__]
    assert subprocess.run([*script, logs["all of it"]], check=False).returncode == 0
    copy = shutil.copytree(logs["sealed"], tmp_path / "copy")
    shutil.rmtree(copy / "w-1")
    done = subprocess.run([*script, copy], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "w-1:1 doesn't hold: it was sealed, and is missing.\n")
