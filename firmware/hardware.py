"""What boards have in common; a board's own module adds its name, its pins and its link."""

try:
    import machine
    from micropython import const
except ImportError:  # CPython: to be read, not to be run
    const = int
    machine = None

_SCRATCH = const(0x4005800C)  # watchdog scratch register 0 of the RP2040; MicroPython leaves it
_MARK = const(0x41500000)
_OWN = const(128)  # of the word that is kept: the next reset is our own

CAUSES = "power on, hard reset, watchdog, deep sleep, soft reset"

inputs = {}  # of the board: GPIO by name
led = cause = None
lit = 1

uid = machine.unique_id() if hasattr(machine, "unique_id") else b""


def gpio(name):
    """Return the GPIO of an input: one that the board names, or 4 for "GPIO4", "GP4" and 4."""
    place = inputs.get(name)
    if place is None:
        try:
            place = int(str(name).replace("GPIO", "").replace("GP", ""))
        except ValueError:
            raise ValueError("input %s: give one that the board has, or a GPIO: GPIO4" % name)
    return place


def digital(name, pull=""):
    """Return a digital input, whose value() is 0 or 1; `pull` is "up", "down" or nothing."""
    pin = machine.Pin
    if pull:
        return pin(gpio(name), pin.IN, getattr(pin, "PULL_" + pull.upper()))
    return pin(gpio(name), pin.IN)


def analog(name):
    """Return an analog input for 0 to about 3.1 V."""
    adc = machine.ADC
    pin = machine.Pin(gpio(name))
    return adc(pin, atten=adc.ATTN_11DB) if hasattr(adc, "ATTN_11DB") else adc(pin)


def watchdog(ms):
    """Start the watchdog; feed() it at least every `ms`. None for 0."""
    return machine.WDT(timeout=ms) if ms else None


def indicate(state):
    """Let the LED be on or off, where there is one."""
    if led is not None:
        machine.Pin(led, machine.Pin.OUT).value(lit if state else 1 - lit)


def kept():
    """Return what is kept over resets until the power fails, where no flash wears.

    On the ESP32 it is in the memory of the RTC, on the RP2040 in a scratch register.
    """
    memory = getattr(machine.RTC(), "memory", None)
    word = int.from_bytes(memory()[:4], "little") if memory else machine.mem32[_SCRATCH]
    return word - _MARK if _MARK <= word < _MARK + 256 else 0


def keep(number):
    """Keep a number of 0 to 255."""
    memory = getattr(machine.RTC(), "memory", None)
    if memory:
        memory((_MARK + number).to_bytes(4, "little"))
    else:
        machine.mem32[_SCRATCH] = _MARK + number


def recall():
    """Return the number that was remembered; 0 after power on."""
    return kept() & ~_OWN


def remember(number):
    """Remember a number of 0 to 127 until the power fails."""
    keep(kept() & _OWN | number)


def expect_reset():
    """Take the next reset for our own, and not for a bite of the watchdog."""
    keep(kept() | _OWN)


def reset():
    """Reset the board."""
    expect_reset()
    machine.reset()


def reset_cause():
    """Return what led to this boot; the RP2040 takes its own resets for the watchdog's."""
    global cause  # noqa: PLW0603
    if not cause:
        number = machine.reset_cause()
        if kept() & _OWN:
            keep(recall())
            if number == 3:
                number = 2
        cause = CAUSES.split(", ")[number - 1]
    return cause
