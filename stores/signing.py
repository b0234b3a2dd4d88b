"""The key that signs epochs: made once, and never another one beside epochs that an earlier one signed."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .epochs import FOLDER, PUBLIC_KEY, fingerprint
from .keys import KeyFileError, load_or_create
from .segments import SegmentError, last_line, segments


def signing_key(path: Path, folder: Path) -> Ed25519PrivateKey:
    """The key in a file; made first if there is none and nothing was signed yet.

    Args:
        path: the file.
        folder: `logs/audit`, with the epochs and the public key of who signed them; neither is changed.

    Raises:
        KeyFileError: it is missing while there are epochs, isn't the one that signed the newest, or can't be used.
        OSError: a file can't be read or made.
    """
    epochs = segments(folder / FOLDER)
    remedy = f"restore it from a backup, or stop and move {folder} aside to begin anew"
    if not path.exists() and (epochs or (folder / PUBLIC_KEY).exists()):
        raise KeyFileError(f"{path} is missing, and {folder} holds what it signed; {remedy}")
    key = Ed25519PrivateKey.from_private_bytes(load_or_create(path))
    signer = _signer(epochs[-1]) if epochs else None
    if signer not in (None, fingerprint(key.public_key())):
        raise KeyFileError(f"{path} isn't the key that signed the epochs in {folder}; {remedy}")
    return key


def _signer(file: Path) -> str | None:
    """The fingerprint that the newest entry names; None where a crash left none, which the epochs' writer mends."""
    try:
        line, _, _ = last_line(file, "epoch")
        return None if line is None else str(json.loads(line).get("key"))
    except SegmentError:
        return None
