"""The stand-in for `machine`: what boards have of it, with the rules and errors of their ports."""

import struct
import sys

import ffi
import micropython
import time

import _stop
import layout
from _chips import CHIPS
from _page import driven, end, levels, page, port, pulls, settings

_ESP32 = port == "esp32"
_chip = CHIPS[settings["mcu"]]
_edges = page.edges
_taken = page.taken
_armed = page.armed
_expanders = page.expanders
_present = page.present

_libc = ffi.open(None)
_setitimer = _libc.func("i", "setitimer", "ipp")
_getitimer = _libc.func("i", "getitimer", "ip")
_signal = _libc.func("p", "signal", "iC")

PWRON_RESET = layout.POWER_ON
WDT_RESET = layout.WATCHDOG
if _ESP32:
    HARD_RESET = layout.HARD
    DEEPSLEEP_RESET = layout.DEEP_SLEEP
    SOFT_RESET = layout.SOFT


def _gpio(pin):
    """Return the number of a pin that is given as a Pin, a number or (rp2) a name."""
    if isinstance(pin, Pin):
        return pin._gpio
    if isinstance(pin, str) and not _ESP32:
        names = {"LED": settings.get("led", -1)}
        number = int(pin[2:]) if pin[:2] == "GP" and pin[2:].isdigit() else names.get(pin, -1)
    else:
        number = pin if isinstance(pin, int) else -1
    if number not in _chip.pins:
        if _ESP32:
            raise ValueError("expecting a pin" if not isinstance(pin, int) else "invalid pin")
        raise ValueError('unknown named pin "%s"' % pin if isinstance(pin, str) else "invalid pin")
    return number


class Pin:
    """A pin; what drives it is on the hardware page."""

    IN = 1 if _ESP32 else 0
    OUT = 3 if _ESP32 else 1
    OPEN_DRAIN = 7 if _ESP32 else 2
    PULL_UP = 2 if _ESP32 else 1
    PULL_DOWN = 1 if _ESP32 else 2
    IRQ_RISING = 1 if _ESP32 else 8
    IRQ_FALLING = 2 if _ESP32 else 4

    _known = {}

    def __new__(cls, pin, *args, **options):
        number = _gpio(pin)
        if number not in cls._known:
            cls._known[number] = object.__new__(cls)
            cls._known[number]._gpio = number
        return cls._known[number]

    def __init__(self, pin, mode=-1, pull=-1, *, value=None, drive=0, hold=None, alt=0):
        if mode != -1 or pull != -1 or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=0, hold=None, alt=0):
        """Configure."""
        number = self._gpio
        if mode in (self.OUT, self.OPEN_DRAIN):
            if number in _chip.inputs:
                raise ValueError("pin can only be input")
            driven[number] = 1 if value else 0
        elif mode == self.IN:
            driven[number] = layout.MISSING
        elif mode not in (-1, None):
            raise ValueError("invalid pin mode: %s" % mode)
        if pull != -1:
            if pull is not None and number in _chip.inputs:
                raise ValueError("pins 34~39 do not have pull-up or pull-down circuitry")
            pulls[number] = {self.PULL_UP: 1, self.PULL_DOWN: 0}.get(pull, layout.MISSING)

    def value(self, value=None):
        """Read or write."""
        number = self._gpio
        if value is not None:
            driven[number] = 1 if value else 0
            return None
        for level in (driven[number], levels[number], pulls[number]):
            if level != layout.MISSING:
                return level
        return 0

    __call__ = value

    def on(self):
        """Set."""
        self.value(1)

    def off(self):
        """Clear."""
        self.value(0)

    def toggle(self):
        """Change."""
        self.value(not self.value())

    def irq(self, handler=None, trigger=IRQ_RISING | IRQ_FALLING, **options):
        """Have a handler called at edges; as on the boards, from the scheduler."""
        hard = options.pop("hard", False) if not _ESP32 else False
        options.pop("wake", None)
        if options:
            raise TypeError("extra keyword arguments given")
        number = self._gpio
        _armed[number] = 0
        _handlers.pop(number, None)
        if handler:
            _handlers[number] = (handler, hard)
            _taken[number] = _edges[number]
            _armed[number] = (1 if trigger & self.IRQ_RISING else 0) | (
                2 if trigger & self.IRQ_FALLING else 0
            )
        return self

    def __repr__(self):
        return "Pin(%d)" % self._gpio


_handlers = {}
_QUEUE = 8  # callbacks that wait at most; what is beyond is lost


def _interrupts(_):
    """Call the handlers of the pins that had edges; a Ctrl-C meanwhile is for the program."""
    _waiting[0] = 0
    _calling[0] = 1
    _call()
    _calling[0] = 0
    if _calling[1]:
        _calling[1] = 0
        micropython.schedule(_stop.nothing, 0)
        _stop.stop()  # at the very end: it would be raised here at the next jump


def _call():
    """Call the handlers."""
    left = _QUEUE
    for number in _handlers:
        count = (_edges[number] - _taken[number]) & 255
        _taken[number] = _edges[number]
        handler, hard = _handlers[number]
        while count and left:
            count -= 1
            left -= 1
            try:
                if hard:
                    micropython.heap_lock()
                handler(Pin._known[number])
            except Exception as error:
                sys.print_exception(error)
            finally:
                if hard:
                    micropython.heap_unlock()


def _interrupt(_):
    """Answer the supervisor's signal; it may come at any moment, so nothing is allocated."""
    if not _waiting[0]:
        _waiting[0] = 1
        micropython.schedule(_interrupts, 0)
    if page.console == layout.PROGRAM and page.interrupts != _typed[0]:
        _typed[0] = page.interrupts
        if _calling[0]:
            _calling[1] = 1
            return
        _stop.stop()  # at the very end


_waiting = bytearray(1)
_calling = bytearray(2)  # whether handlers are being called, and whether Ctrl-C was typed then
_typed = bytearray(1)
_typed[0] = page.interrupts
_callback = ffi.callback("v", _interrupt, "i", lock=True)
_signal(10, _callback)  # SIGUSR1


def _was_stopped():
    """Tell whether Ctrl-C was typed in a moment in which no program was running."""
    before = _typed[0]
    _typed[0] = page.interrupts
    return before != page.interrupts


class Signal:
    """A pin, maybe inverted."""

    def __init__(self, pin, *args, invert=False, **options):
        self._pin = pin if isinstance(pin, Pin) else Pin(pin, *args, **options)
        self._invert = invert

    def value(self, value=None):
        """Read or write."""
        if value is None:
            return self._pin.value() ^ self._invert
        return self._pin.value(bool(value) ^ self._invert)

    __call__ = value

    def on(self):
        """Set."""
        self.value(1)

    def off(self):
        """Clear."""
        self.value(0)


class ADC:
    """An analog input."""

    if _ESP32:
        ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = range(4)
    else:
        CORE_TEMP = 4

    def __init__(self, pin, **options):
        if not _ESP32 and isinstance(pin, int) and 0 <= pin < 5:
            pin = 26 + pin
        number = 30 if pin == 30 and not _ESP32 else _gpio(pin)
        if number not in _chip.analog and number != 30:
            raise ValueError("invalid pin" if _ESP32 else "Pin doesn't have ADC capabilities")
        if options and not _ESP32:
            raise TypeError("extra keyword arguments given")
        self._gpio = number

    def read_u16(self):
        """Return the voltage as a part of 65535."""
        if (
            self._gpio in _chip.shared
            and "network" in sys.modules
            and sys.modules["network"].wifi_busy()
        ):
            raise OSError(116)
        return page.analog[self._gpio]

    if _ESP32:

        def read_uv(self):
            """Return microvolts."""
            return self.read_u16() * 3300000 // 65535

        def read(self):
            """Return 12 bits."""
            return self.read_u16() >> 4

        def atten(self, attenuation):
            """Set the range."""

        def width(self, bits):
            """Set the resolution."""


class SPI:
    """A bus; what is on it is up to `network`."""

    MSB = 0
    LSB = 1

    def __init__(self, id, baudrate=1000000, *args, sck=None, mosi=None, miso=None, **options):
        if id not in _chip.spi:
            raise ValueError("SPI(%s) doesn't exist" % id)
        pins = {"sck": sck, "mosi": mosi, "miso": miso}
        self._pins = {
            name: pins[name] if pins[name] is None else _gpio(pins[name]) for name in pins
        }
        self._id = id
        if not _ESP32:
            for name, rest in (("sck", 2), ("mosi", 3), ("miso", 0)):
                number = self._pins[name]
                if number is not None and (number % 4 != rest or number // 8 % 2 != id):
                    raise ValueError("bad %s pin" % name.upper())

    def deinit(self):
        """Let go of it."""


class I2C:
    """A bus with the expanders of the hardware page."""

    def __init__(self, id=-1, *args, scl=None, sda=None, freq=400000, timeout=50000):
        if id not in (0, 1):
            raise ValueError("I2C(%s) doesn't exist" % id)
        self._check(scl, sda)

    def _check(self, scl, sda):
        """Find out whether the expanders are on these pins."""
        wired = settings.get("i2c")
        found = (scl is None and sda is None) or (
            wired is not None and [_gpio(scl), _gpio(sda)] == [wired["scl"], wired["sda"]]
        )
        self._wired = wired is not None and found

    def _found(self, address):
        if not (self._wired and 0 <= address < 128 and _present[address]):
            raise OSError(19 if _ESP32 else 5)  # ENODEV, EIO

    def scan(self):
        """Return the addresses that answer."""
        return [address for address in range(8, 120) if self._wired and _present[address]]

    def readfrom(self, address, count, stop=True):
        """Read; an expander gives its inputs again and again."""
        self._found(address)
        return bytes([_expanders[address]] * count)

    def readfrom_into(self, address, buffer, stop=True):
        """Read."""
        buffer[:] = self.readfrom(address, len(buffer))

    def writeto(self, address, data, stop=True):
        """Write; an expander's inputs are outputs that are high, so 0 pulls them down."""
        self._found(address)
        return len(data)


class SoftI2C(I2C):
    """The same in software."""

    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        self._check(scl, sda)


class WDT:
    """A watchdog that bites whatever the program does."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id if not _ESP32 else None)
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        if not _ESP32 and timeout > 8388:
            raise ValueError("timeout exceeds 8388")
        page.watchdog = timeout
        self.feed()

    def feed(self):
        """Start its time again."""
        _alarm(page.watchdog)


_WORD = struct.calcsize("l")
_timer = bytearray(4 * _WORD)  # a struct itimerval


def _alarm(ms):
    """Let the kernel end the process in so many milliseconds; allocates nothing."""
    _put(2 * _WORD, ms // 1000)
    _put(3 * _WORD, ms % 1000 * 1000)
    _setitimer(0, _timer, None)


def _put(at, value):
    for shift in (0, 8, 16, 24):
        _timer[at] = value >> shift & 255
        at += 1


def _left():
    """Return the milliseconds that the watchdog has left, 0 where there is none."""
    if not page.watchdog:
        return 0
    _getitimer(0, _timer)
    whole, part = (int.from_bytes(_timer[at : at + 4], "little") for at in (2 * _WORD, 3 * _WORD))
    return max(1, whole * 1000 + part // 1000)


if page.watchdog and page.cause == layout.SOFT:
    _alarm(page.left)


class RTC:
    """The clock, which goes on over resets but not without power."""

    def datetime(self, value=None):
        """Read or set it."""
        if value is None:
            now = time.time_ns() // 1000
            moment = time.gmtime(now // 1000000 - time._EPOCH)
            year, month, day, hour, minute, second, weekday = moment[:7]
            return (
                year,
                month,
                day,
                weekday,
                hour,
                minute,
                second,
                now % 1000000 if _ESP32 else 0,
            )
        year, month, day, _, hour, minute, second, part = value
        time._set((year, month, day, hour, minute, second, 0, 0), part)
        return None

    if _ESP32:

        def init(self, value):
            """Set it."""
            self.datetime(value)

        def memory(self, data=None):
            """Read or write the memory that lasts until the power fails."""
            if data is None:
                return bytes(page.memory[: page.memory_length])
            if len(data) > 2048:
                raise ValueError("buffer too long")
            page.memory[: len(data)] = data
            page.memory_length = len(data)
            return None


class _Mem32:
    """Registers; there are the watchdog's scratch registers of the rp2."""

    def _index(self, address):
        index = (address - 0x4005800C) // 4
        if _ESP32 or address % 4 or not 0 <= index < 8:
            raise NotImplementedError("the virtual board has no register at 0x%08x" % address)
        return index

    def __getitem__(self, address):
        return page.scratch[self._index(address)]

    def __setitem__(self, address, value):
        page.scratch[self._index(address)] = value & 0xFFFFFFFF


mem32 = _Mem32()


def reset():
    """Begin anew, like after power on; RTC and its memory stay."""
    end(layout.EXIT_HARD)


def soft_reset():
    """Begin the program anew."""
    raise SystemExit


def reset_cause():
    """Return what led to this boot; the rp2 knows two causes only."""
    if not _ESP32:
        return (
            layout.WATCHDOG if page.origin in (layout.HARD, layout.WATCHDOG) else layout.POWER_ON
        )
    return page.cause


def unique_id():
    """Return what no other board has."""
    return bytes.fromhex(settings["uid"])


def freq(hz=None):
    """Return the clock of the CPU."""
    return 125000000 if not _ESP32 else 160000000


def idle():
    """Wait a moment."""
    time.sleep_ms(1)


def lightsleep(ms=0):
    """Sleep."""
    time.sleep_ms(ms)


def deepsleep(ms=0):
    """Sleep, then begin anew."""
    time.sleep_ms(ms)
    end(layout.EXIT_SLEEP)


def disable_irq():
    """Hold interrupts back."""
    return 0


def enable_irq(state):
    """Let them come again."""
