"""The actors of one process, without Ray: two lives of one address, and a Directory that forgets."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.edges import KEYED
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import EdgeKeys
from aura_ia_mcp.bus.messages import Ping, Resolve
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.cluster.assignment import Assignment, assign
from aura_ia_mcp.cluster.household import Household
from aura_ia_mcp.cluster.joining import asking_transports, joined_peer
from aura_ia_mcp.cluster.spec import DirectoryPlace, Roots, bus_sockets
from aura_ia_mcp.cluster.tree import plan
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

ROOTS = Roots(b"b" * 32, b"d" * 32, b"a" * 32)


class Town:
    """Households that share a Directory, on one node."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.settings = self._settings("logs")
        sockets = bus_sockets(Paths.of(self.settings))
        self.place = DirectoryPlace("here", f"unix:{sockets / 'directory-0.sock'}")
        self.superseded: list[str] = []
        self.heard = asyncio.Event()
        self._living: list[Household] = []

    def _settings(self, logs: str) -> Settings:
        system = {"state_dir": self._root / "s", "log_dir": self._root / logs}
        return Settings.model_validate({"system": system, "ml": {"load": "never"}})

    def _supersede(self, why: str) -> None:
        self.superseded.append(why)
        self.heard.set()

    async def move_in(self, host: str, logs: str = "logs") -> Household:
        settings = self._settings(logs)
        base = Assignment(
            name="",
            duties=(),
            settings=settings,
            sockets=str(bus_sockets(Paths.of(settings))),
            directory=self.place,
            head=("", "here"),
            audit_key=ROOTS.audit_key,
            patience_s=5.0,
        )
        seat = next(seat for seat in plan({}, {}) if seat.row.host == host)
        household = Household(assign(seat, base, ROOTS, (), None), "here", "127.0.0.1", on_superseded=self._supersede)
        await household.start()
        assert (await household.ready())["error"] == ""
        self._living.append(household)
        return household

    def asker(self) -> Peer:
        keys = EdgeKeys.of("cluster", ROOTS.bus, KEYED)
        return joined_peer(
            Address("cluster"), keys, asking_transports(self.settings, None), self.place, "here", self.settings
        )

    async def close(self) -> None:
        while self._living:
            await self._living.pop().stop(0.0)

    async def leave(self, household: Household) -> None:
        self._living.remove(household)
        await household.stop(0.0)


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    with tempfile.TemporaryDirectory(prefix="town-") as short:  # pytest's own is too long for sockets
        made = Town(Path(short))
        yield made
        await made.close()


async def epoch(household: Household) -> int:
    addresses = (await household.status())["addresses"]
    return int(next(iter(addresses.values()))["epoch"])


async def test_an_older_life_learns_that_it_is_superseded(town: Town) -> None:
    await town.move_in("Directory")
    first = await town.move_in("MLWorker")
    second = await town.move_in("MLWorker", logs="elsewhere")
    assert await epoch(second) > await epoch(first)
    async with asyncio.timeout(15):
        await town.heard.wait()
    assert "ml/0" in town.superseded[0]


async def test_everybody_is_known_again_after_the_directory_forgot(town: Town) -> None:
    directory = await town.move_in("Directory")
    worker = await town.move_in("MLWorker")
    before = await epoch(worker)
    await town.leave(directory)
    await town.move_in("Directory")
    asker = town.asker()
    found: list[int] = []

    async def look() -> None:
        while not found:
            reply = await asker.request("directory", Resolve("ml/0"))
            found.extend(endpoint["epoch"] for endpoint in reply["endpoints"])
            await asyncio.sleep(0.05)

    async with asyncio.timeout(15):
        await look()
    await asker.stop()
    assert found == [before]
    assert not town.superseded


async def test_who_is_not_registered_may_ask_the_directory_and_nobody_else(town: Town) -> None:
    await town.move_in("Directory")
    await town.move_in("Records")
    asker = town.asker()
    assert (await asker.request("directory", Ping()))["address"] == "directory/0"
    with pytest.raises(AuraError) as refused:
        await asker.request("telemetry", Ping(), patience_s=0.2)
    await asker.stop()
    assert refused.value.code == "not_delivered"
    assert "isn't registered" in str(refused.value)


async def test_a_household_leaves_no_socket_behind(town: Town) -> None:
    directory = await town.move_in("Directory")
    records = await town.move_in("Records")
    folder = bus_sockets(Paths.of(town.settings))
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{each}-0.sock" for each in ("directory", "telemetry", "state", "audit", "approvals")}
    await town.leave(records)
    await town.leave(directory)
    assert not list(folder.iterdir())
