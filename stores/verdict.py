"""What a check of audit records gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that doesn't hold in one chain.

    Args:
        what: `writer:seq` of the record, or `epoch N`.
        place: `folder/file:line`, or "" where there is no file.
        why: what is wrong.
    """

    what: str
    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}{f' ({self.place})' if self.place else ''}: {self.why}"


@dataclass(slots=True)
class Chain:
    """What the check of one writer's chain gave.

    Attributes:
        writer: whose.
        records: number of the newest record that holds.
        checked: how many were checked.
        sealed: number of the newest record that an epoch seals.
        pruned: number of the newest record that retention removed; 0 for none.
        intact: whether all hold.
        head: hash of the newest record that holds.
        broken: place of the first that doesn't, as `file:line`, or None.
        why: what is wrong there, or "".
    """

    writer: str
    records: int
    checked: int
    sealed: int
    pruned: int
    intact: bool
    head: str
    broken: str | None = None
    why: str = ""


@dataclass(slots=True)
class Verdict:
    """What the check gave.

    Attributes:
        chains: one for each writer.
        epochs: number of the newest entry that holds, signed epochs and others.
        head: hash of its line.
        key: fingerprint of the public key; "" if there is none.
        begins: number of the entry at which the check of records began.
        checked: records checked.
        unsealed: how many of them no epoch seals yet; of those newest ones only the chain tells.
        faults: what doesn't hold, the first by epoch first.
        notes: what is odd and no fault.
        receipt: what was found of it, if one was asked for.
    """

    chains: list[Chain] = field(default_factory=list)
    epochs: int = 0
    head: str = ""
    key: str = ""
    begins: int = 1
    checked: int = 0
    unsealed: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    receipt: dict[str, Any] | None = None

    @property
    def intact(self) -> bool:
        """Whether all holds."""
        return not self.faults

    @property
    def signed(self) -> bool:
        """Whether there are signed entries; without any, only the chains were checked."""
        return self.epochs > 0

    def as_dict(self) -> dict[str, Any]:
        """Plain data; each fault with its `text`."""
        faults = [asdict(fault) | {"text": str(fault)} for fault in self.faults]
        return {"intact": self.intact, "signed": self.signed, **asdict(self), "faults": faults}
