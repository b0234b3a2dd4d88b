"""The process that inspects long texts for an `Inspector`: frames of JSON in and out, until its owner is gone."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from typing import BinaryIO

from aura_ia_mcp.judgement import inspection

READY = b"!"
"""What it says once its tables are read, before any answer."""
_LENGTH = struct.Struct(">I")
_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Get ready, say so, and answer each list of texts with their reports, or the name of what a detector raised."""
    _die_with(int(sys.argv[1]))
    inspection.warm()
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the requests end."""
    while len(head := requests.read(_LENGTH.size)) == _LENGTH.size:
        texts = json.loads(requests.read(_LENGTH.unpack(head)[0]))
        body = json.dumps(_answer(texts)).encode()
        answers.write(_LENGTH.pack(len(body)) + body)
        answers.flush()


def _answer(texts: list[tuple[str, str]]) -> list[dict[str, object]] | str:
    try:
        reports = [inspection.inspect(text, kind) for text, kind in texts]
    except Exception as error:  # the owner says so to whoever asked
        return type(error).__name__
    return [
        {"findings": [finding.as_dict() for finding in report.findings], "version": report.version}
        for report in reports
    ]


def _die_with(owner: int) -> None:
    """An owner that is killed closes no pipe that a descendant of it holds open, so its end is asked of the kernel."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != owner:  # it died before this could be asked for
        sys.exit(1)


if __name__ == "__main__":
    main()
