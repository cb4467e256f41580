"""A workbench: a virtual board with the firmware, a gateway and a time server on its network."""

import json
import signal
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from host_tools import boards
from host_tools.fake_smtp import Event, FakeSMTP
from host_tools.virtual_board import VirtualBoard
from host_tools.workbench.flash import Flash, read_flash
from host_tools.workbench.time_server import TimeServer
from host_tools.workbench.wiring import wire

SMTP = 25
NTP = 123
ENDS = (signal.SIGHUP, signal.SIGTERM)
"""A closed terminal, and a polite kill: what was made must be taken away then, too."""

NETWORK = "10.99.0."  # where names of a configuration are

WIFI = """\
import board

board.link.ssid, board.link.key = "plant", "secret"
"""
"""What comes before main.py on a board that has WiFi only."""


class Workbench:
    """A board with contacts and cables, all well and still without power; `with` makes it.

    name: one of boards/
    configuration: what its config.json says; its gateways are all the one here, and its time
        server, too
    scenario: what the gateway does, as `FakeSMTP` has it
    heard, ended: as `VirtualBoard` has them
    watch: called with each event at the gateway, in a thread of the gateway's

    board, gateway: the two
    wiring: what is at the board's inputs
    """

    def __init__(
        self,
        name: str,
        configuration: dict[str, Any],
        scenario: str = "default",
        heard: Callable[[str], None] = lambda text: None,
        ended: Callable[[str], None] = lambda why: None,
        watch: Callable[[Event], None] = lambda event: None,
    ):
        self.configuration = configuration
        self.gateway = FakeSMTP(scenario, watch=watch)
        files = {**boards.sources(name), "config.json": json.dumps(configuration)}
        if boards.load(name).network.kind == "WLAN":
            files["main.py"] = WIFI.encode() + files["main.py"]
        self.board = VirtualBoard(name, files, heard=heard, ended=ended, power=False)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.gateway)
            clock = stack.enter_context(TimeServer())
            stack.enter_context(self.board)
            self._connect(clock)
            self.wiring = wire(self.board, self.configuration)
            self._rest = stack.pop_all()
        return self

    def __exit__(self, *reason: object) -> None:
        self._rest.close()

    def _connect(self, clock: TimeServer) -> None:
        """Let the addresses of the configuration lead to the gateway and to the time server."""
        cable = self.board.cable
        gateways = self.configuration["gateways"]
        names: dict[str, str] = {}
        for text in gateways:
            address, port = place(text, SMTP, names)
            cable.route(address, port, self.gateway.port)
        ntp = self.configuration.get("ntp", split(gateways[0], SMTP)[0])
        if ntp:
            address, port = place(ntp, NTP, names)
            cable.route_udp(address, port, clock.port)
        cable.name(names)

    def flash(self) -> Flash:
        """Return what a power cut at this moment would leave of notices and alarm states."""
        return read_flash(self.board.files("queue"))


def split(text: str, port: int) -> tuple[str, int]:
    """Split what a configuration calls a server, such as "192.168.1.1:25"."""
    host, _, number = text.partition(":")
    return host, int(number or port)


def place(text: str, port: int, names: dict[str, str]) -> tuple[str, int]:
    """Return address and port of a server; one that has a name gets an address in `names`."""
    host, port = split(text, port)
    if host.replace(".", "").isdigit():
        return host, port
    return names.setdefault(host, f"{NETWORK}{len(names) + 1}"), port
