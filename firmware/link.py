"""The network interface while all is well; what brings it up is borrowed from `bringup`.

A board mails only while the link is up, so the larger part need not stay beside the mail: it comes
with the first look that finds no address, and goes when there is one.
"""

from borrow import borrow

try:
    from micropython import const
except ImportError:
    const = int

_TURN = const(250)  # ms between looks: each one talks to the chip


class Link:
    """The interface of a board.

    kind: the class of `bringup` that knows it; wiring: what that is to know of the board
    hostname: what the router shall call the board
    static: address, mask, router and name server; None for DHCP
    ssid, key: of the WiFi
    log: None, or called with a level (0 error, 1 warning, 2 info), a text and its values

    up: there is a link and an address
    address: "" where there is none
    """

    up = False
    address = hostname = ssid = key = ""
    static = nic = log = work = None
    due = 0

    def __init__(self, kind, *wiring):
        self.kind = kind
        self.wiring = wiring

    def poll(self, now):
        """Look after the interface; to be called often, with the time in ms."""
        if now < self.due:
            return
        self.due = now + _TURN
        if not self.work:
            if self.up and self.found() == self.address:
                return
            self.work = getattr(borrow("bringup"), self.kind)(self, now)
        if self.work.turn(now):
            self.work = None

    def found(self):
        """Return the address that the interface has now, "" for none."""
        nic = self.nic
        try:
            if nic.isconnected():  # pyright: ignore[reportAttributeAccessIssue]
                return nic.ifconfig()[0]  # pyright: ignore[reportAttributeAccessIssue]
        except Exception:  # whatever a driver raises: it will be started anew
            pass
        return ""
