"""The check of a gateway: all probes that make sense from here, and the looks at the gateway."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from host_tools.gateway import probes
from host_tools.gateway.facts import Facts
from host_tools.gateway.local import local
from host_tools.gateway.results import FAIL, PASS, SKIP, Result, judged, skipped, status

STRANGER = "127.0.0.2"
"""An address that the gateway itself can come from, and that may not send."""


@dataclass(frozen=True)
class Target:
    """What to check, and from where.

    source: the address to come from; "" for what the system chooses
    here: whether the gateway is this computer; None to find out
    """

    host: str
    port: int = 25
    source: str = ""
    smuggling: bool = False
    here: bool | None = None


def check(target: Target, facts: Facts) -> Iterator[Result]:
    """Check a gateway; results come as they are found. Without its file only probes make sense."""
    here = is_here(target.host) if target.here is None else target.here
    try:
        yield from from_here(target, facts)
        yield from from_outside(target, facts, here)
    except OSError as error:
        yield judged("connection", "an answer", reason(error), False, remedy(error))
    if here and facts.networks:
        yield from local(facts)


def from_here(target: Target, facts: Facts) -> Iterator[Result]:
    """Probe from this address, as what it is: inside or outside."""
    place = probes.Place(facts, target.host, target.port, target.source)
    with place.connect() as dialogue:
        source = dialogue.source
        greeted = dialogue.banner.code == 220
    with closing(place):
        if may_send(source, facts, greeted):
            yield from probes.inside(place, target.smuggling)
        else:
            yield from probes.outside(place)


def may_send(source: str, facts: Facts, greeted: bool) -> bool:
    """Tell whether an address is inside; without the file, the gateway's word counts."""
    if not facts.networks:
        return greeted
    address = ip_address(source)
    return any(address in ip_network(network) for network in ("127.0.0.1/32", *facts.networks))


def from_outside(target: Target, facts: Facts, here: bool) -> Iterator[Result]:
    """Probe as a stranger, where this is possible: on the gateway itself."""
    if target.source:
        return
    if not here:
        yield skipped(
            "outside", "554 at connect", "run this from an address that may not send, too"
        )
        return
    yield from probes.outside(probes.Place(facts, "127.0.0.1", target.port, STRANGER))


def is_here(host: str) -> bool:
    """Tell whether an address is one of this computer: only those can be bound."""
    try:
        with socket.socket() as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def reason(error: OSError) -> str:
    """Say why there is no connection."""
    return error.strerror or str(error) or type(error).__name__


def remedy(error: OSError) -> str:
    """Say what helps when there is no connection."""
    if isinstance(error, socket.gaierror):
        return "give the gateway's address"
    return "is the gateway on, at this address and port, and is Postfix running?"


def report(host: str, results: list[Result]) -> str:
    """Return the results as JSON."""
    verdicts = [result.verdict for result in results]
    return json.dumps(
        {
            "host": host,
            "status": status(results),
            "passed": verdicts.count(PASS),
            "failed": verdicts.count(FAIL),
            "skipped": verdicts.count(SKIP),
            "results": [result.dump() for result in results],
        },
        indent=2,
    )
