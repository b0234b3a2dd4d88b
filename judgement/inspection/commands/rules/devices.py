"""Destruction of devices: file systems made, partitions and disks overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Hit, Label, block, review
from ..targets import is_device, is_system_file
from .files import of_file

_FAMILY = "destroy_device"


def make_file_system(call: Call) -> Iterator[Hit]:
    """Mkfs in all its names: a device is lost, a file is a disk image."""
    if (call.has("N", "--help", "-V") and not call.operands) or call.has("n", "-N", "--dry-run"):
        return
    for path in call.operands:
        if is_device(path):
            yield block(_FAMILY, "makes a file system on a device")
        elif path.startswith(UNKNOWN):
            yield review(_FAMILY, "makes a file system on something unresolved")


def _dd(call: Call) -> Iterator[Hit]:
    values = dict(text.partition("=")[::2] for text in call.argv if "=" in text)
    target, source = values.get("of", ""), values.get("if", "")
    if target and is_device(target):
        yield block(_FAMILY, "writes raw data to a device")
    elif target.startswith(UNKNOWN):
        yield review(_FAMILY, "writes raw data to something unresolved")
    elif target and is_system_file(target, call.folder):
        yield block("destroy_files", "overwrites a file that the system needs")
    elif source in {"/dev/zero", "/dev/urandom", "/dev/random"} and target and "count" not in values:
        yield block("exhaust", "fills the disk")
    if target:
        yield from of_file(target, call.folder, "overwrites") if not is_device(target) else ()


def _any_device(
    verb: str, *, unless: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> Callable[[Call], Iterator[Hit]]:
    """A program that harms each device it is given, unless one of these words says that it only looks."""

    def rule(call: Call) -> Iterator[Hit]:
        words = {text.partition("=")[0] for text in call.argv}
        if words & set(unless) or (only and not words & set(only)):
            return
        if any(is_device(text) for text in call.operands) or any(Label.DISKS in arg.data.labels for arg in call.args):
            yield block(_FAMILY, verb)

    return rule


def _cryptsetup(call: Call) -> Iterator[Hit]:
    if call.operands[:1] and call.operands[0].lower() in {
        "lukserase",
        "erase",
        "luksformat",
        "lukskillslot",
        "luksremovekey",
    }:
        yield block(_FAMILY, "destroys an encrypted volume")


def _volumes(call: Call) -> Iterator[Hit]:
    if not call.has("t", "--test"):
        yield block(_FAMILY, "removes a volume")


_TABLE_WORDS = frozenset({"mklabel", "mktable", "rm", "mkpart", "resizepart"})


def _parted(call: Call) -> Iterator[Hit]:
    said = {*call.argv, *call.stdin.text.split()}
    if said & _TABLE_WORDS and any(is_device(text) for text in call.operands):
        yield block(_FAMILY, "rewrites a partition table")


def _fdisk(call: Call) -> Iterator[Hit]:
    if not call.has("lsxV", "--list", "-d", "--dump") and call.stdin.text and any(is_device(t) for t in call.operands):
        yield block(_FAMILY, "rewrites a partition table")


def _mdadm(call: Call) -> Iterator[Hit]:
    if call.has("", "--zero-superblock", "--create", "--stop") and not call.has("", "--examine"):
        yield block(_FAMILY, "destroys a disk array")


def _diskutil(call: Call) -> Iterator[Hit]:
    verb = (call.operands or [""])[0].lower()
    if verb.startswith(("erase", "zero", "random", "secureerase", "partition", "reformat")):
        yield block(_FAMILY, "erases a disk")


def _nvme(call: Call) -> Iterator[Hit]:
    if call.operands[:1] and call.operands[0] in {"format", "sanitize", "delete-ns", "write-zeroes", "dsm"}:
        yield block(_FAMILY, "erases a device")


def _hdparm(call: Call) -> Iterator[Hit]:
    if any(
        text.startswith(("--security-erase", "--trim-sector", "--write-sector", "--security-set", "--make-bad"))
        for text in call.argv
    ):
        yield block(_FAMILY, "erases a device")


def _zpool(call: Call) -> Iterator[Hit]:
    if call.operands[:1] and call.operands[0] in {"destroy", "labelclear"}:
        yield block("infrastructure", "destroys a storage pool")


def _flash(call: Call) -> Iterator[Hit]:
    if call.operands or (call.name == "flashrom" and call.has("wE", "--write", "--erase")):
        yield block(_FAMILY, "erases a flash memory")


_DEVICE_READERS = frozenset(
    """
        lsblk blkid findmnt df du file stat ls test [ [[ echo printf grep rg man which smartctl fdisk cfdisk sfdisk
        gdisk sgdisk parted partprobe partx hdparm nvme mount umount swapon swapoff mdadm cryptsetup fsck e2fsck
        dumpe2fs tune2fs resize2fs xfs_info xfs_growfs xfs_repair xfs_db btrfs btrfsck growpart blockdev badblocks
        udevadm udisksctl eject lvs pvs vgs pvdisplay lvdisplay vgdisplay lvextend lvresize lvcreate vgextend pvcreate
        pvresize kpartx losetup dd dcfldd dc3dd cat head tail xxd od hexdump strings md5sum sha1sum sha256sum cmp pv
        ddrescue ioping fio sync sg_inq sginfo sdparm grub-install update-grub zpool zfs wipefs blkdiscard mkswap
        qemu-img tee cp mv tar gzip zstd ln chmod chown setfacl rm mknod debugfs testdisk photorec lsof fuser nvme-cli
        e2label fatlabel exfatlabel ntfslabel fsfreeze fstrim quotacheck docker podman nerdctl kubectl lxc incus virsh
        strace timeout sudo nc ncat curl rsync scp ssh openssl gpg base64 ls-lh efibootmgr bootctl dmsetup multipath
        hwinfo lshw inxi hddtemp sensors iostat = export git code vim vi nano less more find for in read mdevctl
        nbd-client qemu-nbd guestmount chroot kvm qemu-system-x86_64 systemctl
    """.split()
)
_LOOKS = frozenset({"-n", "-l", "--list", "--dry-run", "--no-act", "--info", "info", "show", "status", "list", "print"})


def _whole_device(call: Call) -> Iterator[Hit]:
    """A whole disk handed to a program that isn't known to leave disks alone."""
    reads = call.name in _DEVICE_READERS or call.name.startswith(("fsck.", "ls"))
    if reads or not call.name or call.has("n") or not _LOOKS.isdisjoint(call.argv):
        return
    if any(path.startswith("/dev/") and is_device(path) and path != "/dev/mem" for path in call.operands):
        yield review(_FAMILY, "hands a whole disk to a program")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "mkfs": make_file_system,
    "newfs": make_file_system,
    "mkswap": make_file_system,
    "mkntfs": make_file_system,
    "mkdosfs": make_file_system,
    "dd": _dd,
    "dcfldd": _dd,
    "dc3dd": _dd,
    "wipefs": _any_device(
        "wipes the signatures of a device",
        unless=("-n", "--no-act", "-p", "-J"),
        only=("-a", "--all", "-af", "-fa", "-o", "-f", "--force", "--offset"),
    ),
    "blkdiscard": _any_device("discards a device"),
    "dmsetup": lambda call: (
        [block(_FAMILY, "takes volumes away from under what uses them")]
        if call.operands[:1] in (["remove_all"], ["wipe_table"])
        else ()
    ),
    **dict.fromkeys(
        ("tpm2_clear", "tpm_clear"), lambda _call: [block(_FAMILY, "deletes the keys that a machine's disks need")]
    ),
    "efibootmgr": lambda call: [block(_FAMILY, "takes a start entry away")] if call.has("B") else (),
    "pvcreate": lambda call: _any_device("writes over a device")(call) if call.has("f", "--force") else (),
    "badblocks": lambda call: _any_device("writes over a device")(call) if call.has("w") else (),
    "sgdisk": _any_device(
        "rewrites a partition table", unless=("-p", "--print", "-v", "--verify", "-i", "--info", "-b", "--backup")
    ),
    "gdisk": _any_device("rewrites a partition table", unless=("-l",)),
    "sfdisk": _any_device(
        "rewrites a partition table", unless=("-l", "--list", "-d", "--dump", "-J", "--json", "-n", "--no-act")
    ),
    "parted": _parted,
    "fdisk": _fdisk,
    "cfdisk": _fdisk,
    "hdparm": _hdparm,
    "nvme": _nvme,
    "cryptsetup": _cryptsetup,
    "lvremove": _volumes,
    "vgremove": _volumes,
    "pvremove": _volumes,
    "mdadm": _mdadm,
    "diskutil": _diskutil,
    "zpool": _zpool,
    "flash_erase": _flash,
    "flashrom": _flash,
    "pv": _any_device("writes to a device", only=("-o", "--output")),
    **dict.fromkeys(("ddrescue", "dd_rescue", "bmaptool"), _any_device("writes to a device", unless=("-t",))),
    "scrub": _any_device("overwrites a device"),
    "nwipe": _any_device("overwrites a device"),
    "sg_format": _any_device("formats a device"),
    "ntfsclone": _any_device("writes to a device", only=("-O", "--overwrite")),
    "qemu-img": _any_device("writes to a device", only=("convert", "dd")),
    "xxd": _any_device("writes to a device", only=("-r",)),
    "cp": lambda call: _any_device("copies onto a device")(Call("cp", call.args[-1:])),
    "debugfs": lambda call: (
        _any_device("edits a file system directly")(call) if call.has("w") or not call.has("RV") else ()
    ),
    "tune2fs": _any_device("alters a file system", only=("-O", "-U")),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_whole_device,)
