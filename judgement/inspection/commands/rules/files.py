"""Destruction of files: deletion, overwriting and emptying of what can't be had again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import HOME, UNKNOWN, Call, Data, Hit, Label, block, review
from ..targets import Place, is_device, is_history, is_log, is_system_file, normal, place
from .written import HIDDEN_FOLDERS

_FAMILY = "destroy_files"


def of_place(path: str, folder: str, verb: str) -> Iterator[Hit]:
    """What is to be said of destroying everything at a path."""
    where = place(path, folder)
    if where in {Place.MACHINE, Place.HOME, Place.DATA, Place.DEVICE}:
        yield block(_FAMILY, f"{verb} {where.value}")
    elif where is Place.LOGS:
        yield block("cover_tracks", f"{verb} {where.value}")
    elif where in {Place.NEAR_SYSTEM, Place.UNRESOLVED, Place.HERE}:
        yield review(_FAMILY, f"{verb} {where.value}")


def of_file(path: str, folder: str, verb: str) -> Iterator[Hit]:
    """What is to be said of destroying one file."""
    if is_log(path, folder):
        yield block("cover_tracks", f"{verb} a log or a history")
    elif is_device(path):
        yield block("destroy_device", f"{verb} a device")
    elif is_system_file(path, folder):
        yield block(_FAMILY, f"{verb} a file that the system needs")


def _rm(call: Call) -> Iterator[Hit]:
    yield from _listed(call)
    if call.has("", "--no-preserve-root"):
        yield block(_FAMILY, "deletes without keeping the root")
    deep = call.has("rR", "--recursive", "-recurse", "-Recurse")
    for path in call.operands:
        if deep:
            yield from of_place(path, call.folder, "deletes")
        else:
            yield from of_file(path, call.folder, "deletes")
            if path.endswith("*") and place(path, call.folder) in {Place.MACHINE, Place.HOME, Place.DATA, Place.LOGS}:
                yield block(_FAMILY, "deletes everything in a system folder or a home")


def _shred(call: Call) -> Iterator[Hit]:
    yield from _listed(call)
    for path in call.operands:
        if not path.isdigit():
            yield from of_file(path, call.folder, "overwrites")
            if place(path, call.folder) in {Place.HOME, Place.MACHINE, Place.DATA, Place.NEAR_SYSTEM}:
                yield block(_FAMILY, "overwrites files of a home or of the system")


def _mv(call: Call) -> Iterator[Hit]:
    operands = call.operands
    if not operands[1:]:
        return
    if is_system_file(operands[-1], call.folder) and operands[0].startswith(HIDDEN_FOLDERS):
        yield block(_FAMILY, "replaces a file that the system needs")
    target = normal(operands[-1], call.folder)
    for path in operands[:-1]:
        where = place(path, call.folder)
        if target == "/dev/null":
            yield block(_FAMILY, "moves files into nothing")
        elif where in {Place.MACHINE, Place.HOME, Place.DATA} and not normal(path).startswith("/home/~/."):
            yield block(_FAMILY, f"moves away {where.value}")
        elif is_log(path, call.folder):
            yield block("cover_tracks", "moves a log or a history away")
    yield from of_file(operands[-1], call.folder, "replaces") if is_device(target) else ()


def _cp(call: Call) -> Iterator[Hit]:
    operands = call.operands
    if call.name == "rsync":
        yield from _rsync(call)
    if not operands[1:]:
        return
    if {normal(path) for path in operands[:-1]} & {
        "/dev/null",
        "/dev/zero",
        "/dev/urandom",
        "/dev/random",
    } or is_device(operands[-1]):
        yield from of_file(operands[-1], call.folder, "overwrites")


_INSTALLED = ("/usr/", "/bin/", "/lib", "/sbin", "/run/", "/etc/", "/snap/", "/opt/", "/boot/", "../", "lib", "vmlinuz")


def _ln(call: Call) -> Iterator[Hit]:
    operands = call.operands
    if not operands[1:]:
        return
    if normal(operands[0]) == "/dev/null" and is_log(operands[-1], call.folder):
        yield block("cover_tracks", "makes a log or a history vanish")
    elif is_system_file(operands[-1], call.folder) and not operands[0].startswith(_INSTALLED):
        yield review(_FAMILY, "puts something in the place of a file that the system needs")


def _truncate(call: Call) -> Iterator[Hit]:
    yield from _listed(call)
    size = call.option("-s", "--size") or "0"
    if size.startswith("0") or size.startswith("-"):
        for path in call.operands:
            if path != size:
                yield from of_file(path, call.folder, "empties")
                if place(path, call.folder) in {Place.MACHINE, Place.HOME, Place.DATA}:
                    yield block(_FAMILY, "empties files of a service or of the system")


def _rsync(call: Call) -> Iterator[Hit]:
    if not any(text.startswith(("--del", "--remove-source-files")) for text in call.argv) or call.has("n", "--dry-run"):
        return
    operands = call.operands
    if operands and ":" not in operands[-1]:
        where = place(operands[-1], call.folder)
        if where in {Place.MACHINE, Place.HOME, Place.DATA}:
            yield block(_FAMILY, f"empties {where.value} to match another folder")


def _git_clean(call: Call) -> Iterator[Hit]:
    folder = normal(call.option("-C") or ".", call.folder)
    if "clean" not in call.operands[:2] or not call.has("f", "--force") or call.has("n", "--dry-run"):
        return
    if any(place(path, folder) in {Place.MACHINE, Place.HOME} for path in [".", *call.operands[1:]]) or (
        folder in {"/", HOME, "/etc"}
    ):
        yield block(_FAMILY, "cleans a system folder or a home")


def _written(call: Call) -> Iterator[Hit]:
    """A redirection or tee into a device, a log or a file of the system."""
    paths = [(made.path, made.appends, made.data.text) for made in call.outputs]
    if call.name in {"tee", "sponge"}:
        paths += [(path, call.has("a", "--append"), call.stdin.text) for path in call.operands]
    for path, appends, text in paths:
        if is_device(path):
            yield block("destroy_device", "writes to a device")
        elif appends:
            continue
        elif is_history(normal(path, call.folder)):
            yield block("cover_tracks", "empties a history")
        elif is_log(path, call.folder) and (UNKNOWN not in text or not call.name):
            yield block("cover_tracks", "overwrites a log")
        elif is_system_file(path, call.folder) and not path.endswith("authorized_keys"):
            yield block(_FAMILY, "overwrites a file that the system needs")
        elif path.endswith("*") and place(path, call.folder) in {Place.MACHINE, Place.HOME, Place.DATA}:
            yield block(_FAMILY, "empties everything in a system folder or a home")


def _recursive_tools(call: Call) -> Iterator[Hit]:
    for path in call.operands:
        yield from of_place(path, call.folder, "deletes")


def _sed_in_place(call: Call) -> Iterator[Hit]:
    if not any(
        text.startswith(("-i", "--in-place")) or (text[:1] == "-" and text[1:2] != "-" and "i" in text)
        for text in call.argv
    ):
        return
    for path in call.operands:
        if "/" in path and is_log(path, call.folder):
            yield block("cover_tracks", "edits a log or a history")


def _tar(call: Call) -> Iterator[Hit]:
    if call.has("", "--remove-files"):
        for path in call.operands:
            yield from of_place(path, call.folder, "deletes after packing")


def _packed(call: Call) -> Iterator[Hit]:
    """Packers that delete what they packed."""
    if call.has("", "-sdel") and any(text.startswith("-p") and text[2:] for text in call.argv):
        yield from _encrypted(call)
    if call.has("", "-sdel") if call.name.startswith("7z") else call.has("m", "--move"):
        for path in call.operands:
            yield from of_place(path, call.folder, "deletes after packing")


_PEOPLES = ("/*", "/home/", "/srv/", "/Users/", "/var/www/", "/mnt/", "/data/")


def _encrypted(call: Call) -> Iterator[Hit]:
    """Many files of people made unreadable at once."""
    locks = call.has("c", "-e", "--symmetric", "--encrypt", "-enc", "-r", "-p") or call.name == "ccrypt"
    locks = locks or (call.operands[:1] == ["enc"] and not call.has("", "-d")) or call.argv[:1] in (["a"], ["smime"])
    if locks and any("*" in path and normal(path, call.folder).startswith(_PEOPLES) for path in call.argv):
        yield review(_FAMILY, "encrypts people's files")


def _unlinked(call: Call) -> Iterator[Hit]:
    yield from _listed(call)
    for path in call.operands:
        yield from of_file(path, call.folder, "deletes")


_JUNK = ("*.pyc", "*.tmp", "*.swp", "*~", ".DS_Store", "core", "core.*", "Thumbs.db", "*.orig", "*.rej", "*.bak", "*.o")


def _sought(call: Call) -> Iterator[Hit]:
    """Whatever has a name of some kind, deleted on the whole machine."""
    argv = call.argv
    deletes = "-delete" in argv or any(t in {"rm", "shred", "unlink", "srm"} for t in argv[1:] if t)
    named = [data.text for data in call.options("-name", "-iname")]
    bounds = {"-mtime", "-mmin", "-atime", "-newer", "-empty", "-xtype", "-user", "-size", "-path"} & set(argv)
    if deletes and call.operands[:1] == ["/"] and named and not bounds and not set(named) <= set(_JUNK):
        yield review(_FAMILY, "deletes files of a kind on the whole machine")


def _everywhere(call: Call) -> Iterator[Hit]:
    """Rights or attributes of everything there is."""
    deep = call.has("R", "--recursive")
    if deep and any(place(path, call.folder) is Place.MACHINE for path in call.operands):
        yield review(_FAMILY, "changes the rights of a whole system")


def _chattr(call: Call) -> Iterator[Hit]:
    for path in call.operands:
        if "i" in " ".join(a for a in call.argv if a[:1] in "-+") and is_system_file(path, call.folder):
            yield review("privilege", "changes the write protection of a file that the system needs")


def _listed(call: Call) -> Iterator[Hit]:
    """Whatever a listing of a whole machine, a home or a service names."""
    if any(Label.WIDE in arg.data.labels for arg in call.args):
        yield review(_FAMILY, "destroys what a listing of whole folders names")


def _by_options(call: Call) -> Iterator[Hit]:
    """Programs told by an option to write their result over a device or a log."""
    if call.name in _CHOOSES_COLUMNS:
        return
    named = call.bundled("f") + call.options("-f", "--file") if call.name in _ARCHIVERS else []
    if call.name in _ARCHIVERS and call.argv[:1] == call.operands[:1] and "f" in call.argv[0]:
        named = [Data(path) for path in call.operands[1:2]]
    if call.name == "mksquashfs" and call.operands[1:]:
        named = [Data(call.operands[1])]
    if named and not _packs(call):
        named = []
    for data in [*call.options(*_RESULTS), *named]:
        if is_device(data.text):
            yield block("destroy_device", "writes to a device")
        elif is_log(data.text, call.folder) and call.name not in {"curl", "wget", "screen"}:
            yield block("cover_tracks", "overwrites a log")


def _packs(call: Call) -> bool:
    """Whether an archive is written, not read."""
    return call.name == "mksquashfs" or call.has("cru", "--create", "--append") or "c" in call.argv[0]


_ARCHIVERS = frozenset({"tar", "bsdtar", "gtar", "star", "dump"})
_RESULTS = ("-o", "-O", "-out", "--out", "--output", "--output-document", "--outfile", "--output-file", "-outdev")
_CHOOSES_COLUMNS = frozenset("grep egrep rg ag ps lsblk findmnt df mount lsof find test [ [[ ls stat chown".split())


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "rm": _rm,
    "grm": _rm,
    "srm": _rm,
    "trash": _recursive_tools,
    "rimraf": _recursive_tools,
    "del-cli": _recursive_tools,
    "rmdir": _recursive_tools,
    "unlink": _unlinked,
    "shred": _shred,
    "wipe": _shred,
    "mv": _mv,
    **dict.fromkeys(("cp", "install", "rsync"), _cp),
    "ln": _ln,
    "truncate": _truncate,
    "git": _git_clean,
    "sed": _sed_in_place,
    **dict.fromkeys(("gsed", "perl", "ruby", "awk", "gawk"), _sed_in_place),
    "tar": _tar,
    **dict.fromkeys(("7z", "7za", "7zz", "zip"), _packed),
    **dict.fromkeys(("gpg", "gpg2", "openssl", "ccrypt", "age", "rage"), _encrypted),
    "chattr": lambda call: [*_chattr(call), *_everywhere(call)],
    **dict.fromkeys(("setfacl", "chcon"), _everywhere),
    "find": _sought,
    "remove-item": _rm,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_by_options,)
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_written,)
