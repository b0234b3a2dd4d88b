"""Receipts: `writer:seq:hash`, given with each result, by which a caller shows later that its record was there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from . import merkle
from .epochs import Standing

_FORM = re.compile(r"(?P<writer>[a-z0-9][a-z0-9_-]{0,63}):(?P<seq>[1-9][0-9]{0,17}):(?P<hash>[0-9a-f]{64})")


class ReceiptError(Exception):
    """It isn't a receipt."""


@dataclass(slots=True)
class Receipt:
    """A receipt, and what a check found of it.

    Args:
        writer: whose record.
        seq: its number.
        hash: of its line.

    Attributes:
        fault: what speaks against the records, or "".
        at: index of the record in its epoch.
    """

    writer: str
    seq: int
    hash: str
    fault: str = field(default="", init=False)
    at: int | None = field(default=None, init=False)
    _epoch: int | None = field(default=None, init=False)
    _there: bool = field(default=False, init=False)
    _proof: dict[str, Any] | None = field(default=None, init=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a receipt.

        Raises:
            ReceiptError: the text is none.
        """
        form = _FORM.fullmatch(text.strip())
        if form is None:
            raise ReceiptError(f"{text!r} is no receipt; a result's `aura/receipt` is writer:number:hash")
        return cls(form["writer"], int(form["seq"]), form["hash"])

    @property
    def id(self) -> str:
        """The record's id, `writer:seq`."""
        return f"{self.writer}:{self.seq}"

    def within(self, writer: str, first: int, last: int) -> bool:
        """Whether its record is one of these."""
        return writer == self.writer and first <= self.seq <= last

    def seen(self, line_hash: str, epoch: int | None) -> None:
        """Its record is there with this hash, sealed by this epoch or by none yet."""
        self._there = line_hash == self.hash
        self._epoch = epoch
        self.fault = "" if self._there else "the receipt names another hash: one of the two was changed"

    def prove(self, leaves: Sequence[bytes], epoch: int) -> None:
        """All records of an epoch: if its own is among them, the proof that it is."""
        if epoch != self._epoch or self.at is None or not self._there:
            return
        path = [each.hex() for each in merkle.proof(leaves, self.at)]
        self._proof = {"index": self.at, "size": len(leaves), "path": path, "root": merkle.root(leaves).hex()}

    def told(self, standing: Standing) -> dict[str, Any]:
        """What was found: {record, state, epoch, proof}.

        State is sealed, unsealed, missing, or unconfirmed: retention removed the record, so that nothing is left to
        hold the receipt's hash against, and a forged one would look the same.
        """
        state = "missing"
        if self._there:
            state = "unsealed" if self._epoch is None else "sealed"
        elif self.seq <= standing.begins(self.writer)[0]:
            state = "unconfirmed"
        elif not self.fault:
            self.fault = "the receipt's record isn't among those checked"
        return {"record": self.id, "state": state, "epoch": self._epoch, "proof": self._proof}
