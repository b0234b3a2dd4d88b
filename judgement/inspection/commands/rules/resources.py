"""What programs do to others' machines, by verb and thing: for the many clients that no table names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Hit, review
from .verbs import is_dry

_VERBS = frozenset("delete destroy terminate purge wipe nuke decommission deprovision teardown obliterate drop".split())
_THINGS = frozenset(
    """
        account app context application backup bucket cluster collection container database datacenter dataset db d1
        deployment device disk domain droplet env environment fleet function group host image index instance job
        keyspace kv machine namespace network node nodepool org organization pipeline pool project queue r2 registry
        release repo repository resource secret server service site snapshot space stack storage stream subnet table
        tenant topic user vault vhost vm volume vpc workload workspace zone realm manifest policy role certificate
        record dashboard alert monitor replica partition schema warehouse share filesystem rule listener loadbalancer
        lb gateway vpn peering subscription trigger schedule connector artifact route tunnel worker system agent
        runner
    """.split()
)
_STARTS = ("Delete", "Terminate", "Destroy", "Release", "Purge")
_NOT_REMOTE = frozenset(
    """
        echo printf print grep rg egrep git make npm yarn pnpm pip man help ls cat apt apt-get dnf yum kind minikube
        k3d ctlptl kubectl oc docker podman nerdctl aws curl tldr which cd mkdir touch rails rake python python3 node
        systemctl vim code pytest cargo go ruby php artisan test [ [[ export alias conda brew multipass just task
    """.split()
)
_FOR_TRIALS = ("test", "dev", "tmp", "scratch", "sandbox", "ci-", "local", "demo", "preview", "qa")
_HEAD = 5
"""Operands among which a client's verb and thing stand."""


def _pieces(word: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in word.lower()).split()


def _is_thing(word: str) -> bool:
    return word in _THINGS or word.removesuffix("s") in _THINGS or word.removesuffix("es") in _THINGS


def _removes(call: Call) -> Iterator[Hit]:
    """`client thing verb name`, `client verb thing name`, `things:verb`, `client service DeleteThing`."""
    if call.name in _NOT_REMOTE or "/" in call.name or not call.argv[1:]:
        return
    head = [word for word in call.operands[:_HEAD] if "/" not in word and " " not in word and UNKNOWN not in word]
    pieces = [piece for word in head[:3] for piece in _pieces(word)]
    named = any(word.startswith(_STARTS) and word[-1].islower() and word not in _STARTS for word in head[:3])
    spoken = not _VERBS.isdisjoint(pieces) and any(map(_is_thing, pieces))
    if (named or spoken) and not any(word.lower().startswith(_FOR_TRIALS) for word in head) and not is_dry(call):
        yield review("infrastructure", "deletes what others may use")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_removes,)
