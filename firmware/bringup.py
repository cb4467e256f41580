"""Bringing the network interface up, and back; borrowed by `link` while there is no address.

turn() blocks for no longer than the driver itself: some 0.4 s when a W5500 on an RP2040 starts.

Rules
1. An unplugged cable is waited for, however long; nothing is reset for it.
2. With a link and no address for 60 s the interface is started anew.
3. What cannot be repaired in place, a chip that does not answer or a third start in vain, needs a
   hard reset: a driver that has failed leaves itself behind. It comes after 10 s, next time after
   20 s, and so on up to 85 min. The count is kept over resets, and ends with an address.
4. WiFi is left alone on a board with a cable: it would win the default route.
"""

import hardware

try:
    import network
except ImportError:  # a PC: to be read, not to be run
    network = None

try:
    from micropython import const
except ImportError:
    const = int

_PATIENCE = const(60000)  # ms with a link and no address
_STARTS = const(3)
_RESET = const(10000)  # ms before the first hard reset
_MOST = const(9)  # times that it doubles


class Kind:
    """What all kinds of interfaces have in common; `link` is the Link that borrows it.

    A kind adds make(), which returns the interface, and has_link().
    """

    linked = reset_at = None
    starts = 0

    def __init__(self, link, now):
        self.link = link
        self.since = now

    def turn(self, now):
        """Look after the interface; return whether it has an address."""
        if self.reset_at is not None:
            if now >= self.reset_at:
                hardware.reset()
            return False
        try:
            return self.look(now)
        except Exception as error:  # what drivers raise: OSError, RuntimeError, ValueError
            self.fall("failed")
            self.give_up(now, str(error))
            return False

    def look(self, now):
        """Start the interface, or see how it is."""
        link = self.link
        if not link.nic:
            if link.hostname:
                network.hostname(link.hostname)
            link.nic = self.make()  # pyright: ignore[reportAttributeAccessIssue]
            self.start(now)
        linked = self.has_link()  # pyright: ignore[reportAttributeAccessIssue]
        if linked != self.linked:
            if linked and self.linked is False:
                self.back()
            self.linked = linked
            self.since = now
            self.starts = 0
        address = link.found() if linked else ""
        if address and address != "0.0.0.0":
            return self.rise(address)
        self.fall("no address" if linked else "no link")
        if linked and now - self.since >= _PATIENCE:
            self.repair(now)
        return False

    def rise(self, address):
        """Tell that there is an address."""
        link = self.link
        link.up = True
        link.address = address
        self.say(2, "up, " + address)
        if hardware.recall():
            hardware.remember(0)
        return True

    def fall(self, why):
        """Tell that there is none any more."""
        link = self.link
        if link.up:
            link.up = False
            link.address = ""
            self.say(1, why)

    def repair(self, now):
        """Start the interface anew; the last means is a reset."""
        self.starts += 1
        if self.starts >= _STARTS:
            self.give_up(now, "no address")
        else:
            self.say(1, "no address, starting anew")
            self.link.nic.active(False)
            self.start(now)

    def give_up(self, now, why):
        """Reset the board later: the more often that was in vain, the later."""
        count = hardware.recall()
        hardware.remember(min(count + 1, _MOST))
        wait = _RESET << count
        self.reset_at = now + wait
        self.say(0, "%s, reset in %d s" % (why, wait // 1000))

    def start(self, now):
        """Start the interface; a static address comes after that, or DHCP would take it away."""
        self.link.nic.active(True)
        if self.link.static:
            self.link.nic.ifconfig(tuple(self.link.static))
        self.since = now

    def back(self):
        """Do what the driver leaves to us when there is a link again."""

    def say(self, level, text):
        """Log a line."""
        if self.link.log:
            self.link.log(level, "link: %s", text)


class Lan(Kind):
    """Ethernet of the ESP32: a W5500 on SPI, or a PHY at its own MAC.

    Wiring: what follows PHY_ in its name, its address, bus and pins sck, mosi, miso of SPI or (),
    other pins by the names that LAN() has for them, "IN" or "OUT" for the direction of ref_clk.
    """

    def make(self):
        """Make the interface; a soft reset took its interrupt away, and only a hard one helps."""
        from machine import SPI, Pin

        if hardware.reset_cause() == "soft reset":
            hardware.reset()
        phy, address, spi, pins, clock = self.link.wiring
        given = {"phy_type": getattr(network, "PHY_" + phy), "phy_addr": address}
        for name in pins:
            given[name] = Pin(pins[name])
        if spi:
            bus, sck, mosi, miso = spi
            given["spi"] = SPI(bus, sck=Pin(sck), mosi=Pin(mosi), miso=Pin(miso))
        if clock:
            given["ref_clk_mode"] = getattr(Pin, clock)
        return network.LAN(**given)

    def has_link(self):
        """Tell whether there is a cable; active() does not."""
        return self.link.nic.status() in (3, 5)


class Wiznet(Kind):
    """A W5500 on the RP2040, where MicroPython knows the board's pins; no wiring."""

    def make(self):
        """Make the interface."""
        return network.WIZNET5K()  # pyright: ignore[reportAttributeAccessIssue]

    def has_link(self):
        """Tell whether there is a cable; start what a send error has taken down."""
        status = self.link.nic.status()
        if status == 1:
            self.say(1, "interface down, starting anew")
            self.start(self.since)
        return status != 0

    def back(self):
        """Ask DHCP: the driver keeps the address that it had, wherever the cable is now."""
        if not self.link.static:
            self.link.nic.ipconfig(dhcp4=True)


class Wifi(Kind):
    """WiFi of the ESP32; no wiring."""

    def make(self):
        """Make the interface."""
        return network.WLAN(network.STA_IF)

    def start(self, now):
        """Begin to connect; the driver tries again for ever."""
        Kind.start(self, now)
        self.link.nic.connect(self.link.ssid, self.link.key)

    def has_link(self):
        """Tell whether there is an access point."""
        return self.link.nic.isconnected()
