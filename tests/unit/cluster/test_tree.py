"""The tree as data, and what settings make of it."""

from __future__ import annotations

import pytest

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.edges import LAYERS
from aura_ia_mcp.cluster.tree import TREE, Place, check_places, plan


def test_every_layer_is_a_ray_actor_that_people_find_by_name() -> None:
    names = [seat.name for seat in plan({}, {})]
    assert names == [
        "Bus Directory 0",
        "L0 Records 0",
        "L1 ML worker 0",
        "L1 Language 0",
        "L2 Role engine 0",
        "L2 Router 0",
        "L3 Workflow 0",
        "L4 Reasoning 0",
        "L5 Tools 0",
        "L6 Safety 0",
    ]


def test_every_role_of_the_bus_but_the_clients_has_one_seat() -> None:
    seated = [role.name for row in TREE for role in row.roles]
    assert sorted(seated) == sorted(set(LAYERS) - {"gateway", "cluster"})


def test_a_lower_layer_is_created_before_the_ones_that_ask_it() -> None:
    lowest = [min(LAYERS[role.name] for role in row.roles) for row in TREE]
    assert lowest == sorted(lowest)


def test_what_keeps_records_shares_a_process() -> None:
    records = next(seat for seat in plan({}, {}) if seat.row.host == "Records")
    assert set(records.addresses) == {Address(name) for name in ("state", "approvals", "audit", "telemetry")}


def test_replicas_get_seats_and_addresses_of_their_own() -> None:
    seats = [seat for seat in plan({"safety": 3}, {}) if seat.row.host == "Safety"]
    assert [seat.name for seat in seats] == ["L6 Safety 0", "L6 Safety 1", "L6 Safety 2"]
    assert [seat.addresses for seat in seats] == [(Address("safety", n),) for n in range(3)]


@pytest.mark.parametrize(
    ("replicas", "placement", "says"),
    [
        ({"saftey": 2}, {}, "did you mean 'safety'"),
        ({"state": 2}, {}, "only one Records"),
        ({"ml": 0}, {}, "at least one"),
        ({}, {"toolz": "gpu=1"}, "did you mean 'tools'"),
        ({}, {"state": "a=1", "audit": "a=2"}, "share one process"),
    ],
)
def test_settings_that_the_tree_can_not_follow_are_refused(
    replicas: dict[str, int], placement: dict[str, str], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        plan(replicas, placement)


def test_placement_is_by_label_or_by_node_id() -> None:
    seats = {seat.row.host: seat for seat in plan({}, {"ml": "aura/gpu=yes", "audit": "0123abcd"})}
    assert seats["MLWorker"].place == Place(label=("aura/gpu", "yes"))
    assert seats["Records"].place == Place(node_id="0123abcd")
    assert seats["Safety"].place == Place()


def test_a_place_that_no_node_offers_is_refused_instead_of_waited_for() -> None:
    nodes = {"0123": {"zone": "a"}, "4567": {"zone": "b"}}
    check_places(plan({}, {"ml": "zone=b", "audit": "0123"}), nodes)
    with pytest.raises(ValueError, match=r"L1 ML worker 0 asks for zone=c.*0123"):
        check_places(plan({}, {"ml": "zone=c"}), nodes)


@pytest.mark.parametrize(
    ("gpus", "device", "each"),
    [(0.0, "auto", 0.0), (1.0, "auto", 0.0), (2.0, "auto", 1.0), (2.0, "cpu", 0.0), (0.0, "cuda", 1.0)],
)
def test_ml_workers_take_a_gpu_each_where_there_are_enough(gpus: float, device: str, each: float) -> None:
    seats = [seat for seat in plan({"ml": 2}, {}, gpus=gpus, device=device) if seat.row.gpu]
    assert [seat.num_gpus for seat in seats] == [each, each]
