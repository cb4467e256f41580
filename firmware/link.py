"""The network interface: brought up, watched, brought back; one class for each kind.

poll() blocks for no longer than the driver itself: about 0.4 s when a W5500 on an RP2040 starts.

Rules
1. An unplugged cable is waited for, however long; nothing is reset for it.
2. With a link and no address for 60 s the interface is started anew.
3. What cannot be repaired in place, a chip that does not answer or a third start in vain, needs a
   hard reset: a driver that has failed leaves itself behind. It comes after 10 s, next time after
   20 s, and so on up to 85 min. The count is kept over resets, and ends with an address.
"""

import hardware

try:
    from micropython import const
except ImportError:
    const = int

_TURN = const(250)  # ms between looks: each one talks to the chip
_PATIENCE = const(60000)  # ms with a link and no address
_STARTS = const(3)
_RESET = const(10000)  # ms before the first hard reset
_MOST = const(9)  # times that it doubles
_NOWHERE = "0.0.0.0"


class Link:
    """What all kinds have in common.

    up: there is a link and an address
    address: "" where there is none
    hostname: what the router shall call the board
    static: address, mask, router, name server; None for DHCP
    log: None, or called with a level (0 error, 1 warning, 2 info) and a text
    """

    up = linked = False
    address = hostname = ""
    static = nic = log = reset_at = None
    due = since = starts = 0

    def poll(self, now):
        """Look after the interface; to be called often with the uptime in ms."""
        if now < self.due:
            return
        self.due = now + _TURN
        if self.reset_at is not None:
            if now >= self.reset_at:
                hardware.reset()
            return
        try:
            self.look(now)
        except Exception as error:  # what drivers raise: OSError, RuntimeError, ValueError
            self.fall("")
            self.give_up(now, str(error))

    def look(self, now):
        """Start the interface, or see how it is."""
        if not self.nic:
            import network

            if self.hostname:
                network.hostname(self.hostname)
            self.nic = self.make(network)
            self.start(now)
        linked = self.has_link()
        if linked != self.linked:
            self.linked = linked
            self.starts = 0
            self.since = now
            if linked:
                self.back()
        address = self.nic.ifconfig()[0] if linked and self.nic.isconnected() else ""
        if address and address != _NOWHERE:
            self.rise(address)
            self.since = now
            self.starts = 0
        else:
            self.fall("no address" if linked else "no link")
            if linked and now - self.since >= _PATIENCE:
                self.repair(now)

    def rise(self, address):
        """There is an address."""
        if address != self.address:
            self.up = True
            self.address = address
            self.say(2, "up, " + address)
            if hardware.recall():
                hardware.remember(0)

    def fall(self, why):
        """There is none."""
        if self.up:
            self.up = False
            self.address = ""
            self.say(1, why)

    def repair(self, now):
        """Start the interface anew; the last means is a reset."""
        self.starts += 1
        if self.starts >= _STARTS:
            self.give_up(now, "no address")
        else:
            self.say(1, "no address, starting anew")
            self.nic.active(False)
            self.start(now)

    def give_up(self, now, why):
        """Reset the board later: the more often that was in vain, the later."""
        count = min(hardware.recall(), _MOST)
        hardware.remember(min(count + 1, _MOST))
        wait = _RESET << count
        self.reset_at = now + wait
        self.say(0, "%s, reset in %d s" % (why, wait // 1000))

    def start(self, now):
        """Start the interface; a static address comes after that, or DHCP would take it away."""
        self.nic.active(True)
        if self.static:
            self.nic.ifconfig(self.static)
        self.since = now

    def back(self):
        """Do what the driver leaves to us when there is a link again."""

    def say(self, level, text):
        """Log a line."""
        if self.log:
            self.log(level, "link: " + text)


class Lan(Link):
    """Ethernet of the ESP32: a W5500 on SPI, or a PHY at its own MAC.

    phy: what follows PHY_ in its name
    spi: the bus and its pins sck, mosi, miso; () for a PHY at the MAC
    clock: "IN" or "OUT", the direction of ref_clk; "" where there is none
    pins: the others, by the names that LAN() has for them
    """

    def __init__(self, phy, address=0, spi=(), clock="", **pins):
        self.phy = phy
        self.phy_address = address
        self.spi = spi
        self.clock = clock
        self.pins = pins

    def make(self, network):
        """Make the interface; a soft reset has taken its interrupt, which only a hard one brings."""
        from machine import SPI, Pin

        if hardware.reset_cause() == "soft reset":
            hardware.reset()
        given = {name: Pin(self.pins[name]) for name in self.pins}
        if self.spi:
            bus, sck, mosi, miso = self.spi
            given["spi"] = SPI(bus, sck=Pin(sck), mosi=Pin(mosi), miso=Pin(miso))
        if self.clock:
            given["ref_clk_mode"] = getattr(Pin, self.clock)
        kind = getattr(network, "PHY_" + self.phy)
        return network.LAN(phy_type=kind, phy_addr=self.phy_address, **given)

    def has_link(self):
        """Tell whether there is a cable; active() does not."""
        return self.nic.status() in (3, 5)


class Wiznet(Link):
    """A W5500 on the RP2040, where MicroPython knows the board's pins."""

    def make(self, network):
        """Make the interface."""
        return network.WIZNET5K()

    def has_link(self):
        """Tell whether there is a cable; a send error takes the interface down, so start it."""
        status = self.nic.status()
        if status == 1:
            self.say(1, "interface down, starting anew")
            self.start(self.since)
        return status != 0

    def back(self):
        """Ask DHCP: the driver keeps the address that it had, wherever the cable is now."""
        if not self.static:
            self.nic.ipconfig(dhcp4=True)


class Wifi(Link):
    """WiFi of the ESP32.

    ssid, key: of the access point
    """

    ssid = key = ""

    def make(self, network):
        """Make the interface."""
        return network.WLAN(network.STA_IF)

    def start(self, now):
        """Begin to connect; the driver tries again for ever."""
        Link.start(self, now)
        self.nic.connect(self.ssid, self.key)

    def has_link(self):
        """Tell whether there is an access point."""
        return self.nic.isconnected()
