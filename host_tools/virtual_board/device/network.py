"""The stand-in for `network`: the interfaces of the board, with the rules and errors of its port.

The chip is wired as the board's `board.json` says: with other pins it does not answer.
"""

import time

from _chips import CHIPS
from _page import page, port, settings
from machine import SPI, Pin

_ESP32 = port == "esp32"
_wired = settings["network"]  # class, chip and pins
_chip = CHIPS[settings["mcu"]]
_NOTHING = "0.0.0.0"
_DHCP = settings["dhcp"]  # ms until DHCP has answered

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000 if _ESP32 else 0
STAT_CONNECTING = 1001 if _ESP32 else 1
STAT_GOT_IP = 1010 if _ESP32 else 3
STAT_NO_AP_FOUND = 201 if _ESP32 else -2
STAT_WRONG_PASSWORD = 202 if _ESP32 else -3

_name = ["mpy-" + settings["mcu"].lower()]
_country = ["XX"]
_interfaces = []


def hostname(name=None):
    """Return or set the name that DHCP tells the router."""
    if name is None:
        return _name[0]
    if len(name) > 32:
        raise ValueError
    _name[0] = name
    return None


def country(code=None):
    """Return or set the country that WiFi obeys."""
    if code is None:
        return _country[0]
    _country[0] = code
    return None


def ipconfig(**options):
    """Take settings for all interfaces."""


def reachable():
    """Tell whether an interface has a link and an address."""
    return any(interface._online() for interface in _interfaces)


def send_failed():
    """Tell whether the interface has gone down with what is being sent."""
    if page.wedged:
        for interface in _interfaces:
            interface._wedge()
    return page.wedged


class _Interface:
    """An interface as lwIP has it: a link, an address, DHCP."""

    def __init__(self):
        self._active = False
        self._static = None
        self._address = None
        self._since = time.ticks_ms()
        self._seen = page.changes
        self._asks = False
        _interfaces.append(self)

    def _linked(self):
        """Tell whether there is a link; one that was lost and is back counts from now on."""
        if self._seen != page.changes:
            self._seen = page.changes
            self._changed()
        return self._active and page.link and page.chip

    def _changed(self):
        """The link was lost, came back, or both."""
        self._since = time.ticks_ms()
        self._address = None
        self._asks = self._static is None

    def _lease(self):
        """Let DHCP answer when its time has come."""
        waited = time.ticks_diff(time.ticks_ms(), self._since) >= _DHCP
        if self._linked() and self._asks and waited and any(page.lease):
            self._address = ".".join(str(octet) for octet in page.lease)
            self._asks = False

    def _online(self):
        """Tell whether there are a link and an address."""
        self._lease()
        return self._linked() and bool(self._static or self._address)

    def _quad(self):
        """Return address, mask, router and name server."""
        self._lease()
        if self._static:
            return self._static
        if self._address:
            router = self._address[: self._address.rindex(".") + 1] + "1"
            return (self._address, "255.255.255.0", router, router)
        return (_NOTHING, "255.255.255.0" if not _ESP32 else _NOTHING, _NOTHING, _NOTHING)

    def _ask(self):
        """Ask DHCP anew."""
        self._static = self._address = None
        self._asks = True
        self._since = time.ticks_ms()

    def _fix(self, quad):
        """Take a static address."""
        if len(quad) != 4 or any(len(item.split(".")) != 4 for item in quad):
            raise ValueError("invalid arguments")
        self._static = tuple(quad)
        self._asks = False

    def _wedge(self):
        """Go down with a send error."""

    def ipconfig(self, *query, **options):
        """Return a setting, or take some."""
        if query:
            return self._setting(query[0])
        for name in options:
            if name == "dhcp4":
                if options[name]:
                    self._ask()
                else:
                    self._asks = False
            elif name == "addr4":
                address, _, bits = options[name].partition("/")
                self._fix((address, _mask(int(bits or 24)), _NOTHING, _NOTHING))
            elif name == "gw4":
                self._static = (self._quad()[0], self._quad()[1], options[name], options[name])
            else:
                raise ValueError("unexpected key")
        return None

    def _setting(self, name):
        quad = self._quad()
        known = {
            "addr4": quad[:2],
            "gw4": quad[2],
            "dhcp4": self._static is None,
            "has_dhcp4": self._static is None and self._address is not None,
        }
        if name not in known:
            raise ValueError("unexpected key")
        return known[name]

    def config(self, *query, **options):
        """Return the MAC address, or take settings."""
        if query:
            if query[0] != "mac":
                raise ValueError("unknown config param")
            return bytes.fromhex("02" + settings["uid"][:10])
        return None


def _mask(bits):
    number = 0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


class _Esp(_Interface):
    """An interface of ESP-IDF: DHCP runs by itself."""

    def ifconfig(self, quad=None):
        """Return the four addresses, or take them; "dhcp" only where it does not run already."""
        if quad is None:
            return self._quad()
        if quad == "dhcp":
            if self._static is None:
                raise RuntimeError(
                    "Wifi Unknown Error 0x5003"
                )  # ESP_ERR_ESP_NETIF_DHCP_ALREADY...
            return self._ask()
        return self._fix(quad)


class LAN(_Esp):
    """Ethernet of the esp32: a chip on SPI, or (ESP32 only) a PHY at the MAC inside."""

    _one = None

    def __new__(cls, *args, **options):
        return LAN._one or object.__new__(cls)

    def __init__(
        self,
        id=None,
        *,
        phy_type,
        phy_addr,
        mdc=None,
        mdio=None,
        reset=None,
        power=None,
        spi=None,
        cs=None,
        int=None,
        ref_clk_mode=-1,
        ref_clk=None,
    ):
        if LAN._one:
            return
        if id not in (None, 0):
            raise ValueError("invalid LAN interface identifier")
        if not 0 <= phy_addr <= 31:
            raise ValueError("invalid phy address")
        if page.leaked:
            raise OSError("esp_netif_new failed")  # until a hard reset
        pins = {"reset": reset, "power": power, "cs": cs, "int": int, "mdc": mdc, "mdio": mdio}
        if ref_clk is not None:
            pins["ref_clk"] = ref_clk
        given = {name: _number(pins[name]) for name in pins if pins[name] is not None}
        if phy_type == 102:
            given.update(_bus(spi))
            needed = int is not None
        else:
            clock = {None: -1, "in": Pin.IN, "out": Pin.OUT}[_wired["clock"]]
            needed = phy_addr == _wired["phy_addr"] and ref_clk_mode == clock
            if not 0 <= phy_type <= 6 or not _chip.mac:
                raise ValueError("invalid phy type")
            if mdc is None or mdio is None:
                raise ValueError("mdc and mdio must be specified")
        if not (needed and page.chip and phy_type == _type() and _fits(given)):
            page.leaked = 1
            raise OSError("esp_eth_driver_install failed with invalid argument")
        _Interface.__init__(self)
        self._status = 0
        self._deaf = int is not None and page.made  # a soft reset takes the interrupt away
        page.made = 1
        LAN._one = self

    def _linked(self):
        """Tell whether there is a link that is noticed."""
        return not self._deaf and _Interface._linked(self)

    def active(self, on=None):
        """Start and stop; says whether it is started, not whether there is a link."""
        if on is None:
            return self._active
        if bool(on) != self._active:
            self._active = bool(on)
            self._changed()
        self._status = 1 if on else 2
        return self._active

    def status(self):
        """Return 0 new, 1 started, 2 stopped, 3 link, 4 no link, 5 address."""
        if not self._active:
            return self._status
        if not self._linked():
            return 4 if page.changes else 1
        return 5 if self._online() else 3

    def isconnected(self):
        """Tell whether there is an address."""
        return self.status() == 5


def _number(pin):
    """Return the number of a pin: the driver takes Pin objects only."""
    if not isinstance(pin, Pin):
        raise ValueError("expecting a pin")
    return pin._gpio


def _bus(spi):
    if not isinstance(spi, SPI):
        raise TypeError("expecting an SPI object")
    return {name: spi._pins[name] for name in spi._pins if spi._pins[name] is not None}


def _fits(given):
    """Tell whether the chip is wired to these pins; a reset line may be left out."""
    wanted = _wired["pins"]
    wrong = any(given[name] != wanted.get(name) for name in given)
    return not wrong and all(name in given for name in wanted if name not in ("reset", "power"))


if _ESP32:
    PHY_LAN8710, PHY_LAN8720, PHY_IP101, PHY_RTL8201 = 0, 1, 2, 3
    PHY_DP83848, PHY_KSZ8041, PHY_KSZ8081 = 4, 5, 6
    PHY_W5500 = 102
    ETH_INITIALIZED, ETH_STARTED, ETH_STOPPED = 0, 1, 2
    ETH_CONNECTED, ETH_DISCONNECTED, ETH_GOT_IP = 3, 4, 5


def _type():
    """Return the number of the chip that the board has."""
    return {"W5500": 102, "LAN8720": 1}.get(_wired["chip"])


class WIZNET5K(_Interface):
    """Ethernet of the rp2: a W5500, with lwIP on the board."""

    _one = None

    def __new__(cls, *args, **options):
        WIZNET5K._one = WIZNET5K._one or object.__new__(cls)
        return WIZNET5K._one

    def __init__(self, *args):
        if args:
            if not 3 <= len(args) <= 4:
                raise TypeError("function expected 3 arguments, got %d" % len(args))
            if not isinstance(args[0], SPI):
                raise TypeError("expecting an SPI object")
            given = dict(zip(("cs", "reset", "int"), (pin._gpio for pin in args[1:])))
            given.update(_bus(args[0]))
        else:
            given = _wired["pins"]
        self._fitting = _fits(given)
        _Interface.__init__(self)

    def active(self, on=None):
        """Start and stop; starting blocks, resets the chip, and asks DHCP."""
        if on is None:
            return self._active
        if on and not self._active:
            if not (self._fitting and page.chip):
                raise RuntimeError("No response from W5500")
            time.sleep_ms(settings["start"])
            page.wedged = 0
            self._active = True
            self._seen = page.changes
            self._ask()
        elif not on:
            self._active = False
            self._address = None
        return None

    def _changed(self):
        """Nothing: it keeps its address, and does not ask for one."""
        self._since = time.ticks_ms()

    def _wedge(self):
        self._active = False

    def status(self, *query):
        """Return 0 without link, 1 with it, 2 when it is active as well."""
        if query:
            raise ValueError("unknown status param")
        if not (page.link and page.chip):
            return 0
        return 2 if self._active else 1

    def isconnected(self):
        """Tell whether it is active, has a link and an address."""
        return bool(self._active and self._online())

    def ifconfig(self, quad=None):
        """Return the four addresses, or take them; "dhcp" blocks."""
        if quad is None:
            return self._quad()
        if quad != "dhcp":
            return self._fix(quad)
        self._ask()
        end = time.ticks_add(time.ticks_ms(), settings["patience"])
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            if self._online():
                return self._quad()
            time.sleep_ms(10)
        raise OSError("timeout waiting for DHCP to get IP address")


class WLAN(_Esp):
    """WiFi of the esp32."""

    IF_STA = 0
    IF_AP = 1
    SEC_OPEN = 0
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2

    _one = None

    def __new__(cls, *args, **options):
        WLAN._one = WLAN._one or object.__new__(cls)
        return WLAN._one

    def __init__(self, interface=0):
        if interface not in (0, 1):
            raise ValueError("invalid WLAN interface identifier")
        if interface == 1:
            raise NotImplementedError("the virtual board is no access point")
        if self not in _interfaces:
            _Interface.__init__(self)
            self._tries = None

    def active(self, on=None):
        """Start and stop."""
        if on is None:
            return self._active
        self._active = bool(on)
        if not on:
            self._tries = None
            self._address = None
        return self._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Begin to connect, and go on until it is done."""
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._tries and not self._linked():
            raise OSError("Wifi Internal State Error")
        self._tries = (ssid, key)
        self._changed()

    def disconnect(self):
        """Leave the access point."""
        self._tries = None

    def _linked(self):
        if self._seen != page.changes:
            self._seen = page.changes
            self._changed()
        wanted = (settings["ssid"], settings["key"])
        return bool(self._active and page.station and self._tries == wanted)

    def isconnected(self):
        """Tell whether there is an address."""
        return self._online()

    def status(self, query=None):
        """Return how far it is."""
        if query == "rssi":
            return -60
        if not self._tries:
            return STAT_IDLE
        if self._online():
            return STAT_GOT_IP
        if not page.station or self._tries[0] != settings["ssid"]:
            return STAT_NO_AP_FOUND
        return STAT_CONNECTING if self._linked() else STAT_WRONG_PASSWORD


def wifi_busy():
    """Tell whether WiFi is on, and so has the second converter."""
    return any(isinstance(interface, _WLAN) and interface._active for interface in _interfaces)


_WLAN = WLAN
for _class in ("LAN", "WIZNET5K", "WLAN"):
    if _class not in settings["classes"]:
        del globals()[_class]
