"""What the microcontrollers of the boards have, as far as programs meet it."""


def _range(*parts):
    found = set()
    for part in parts:
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


class ESP32:
    """The first ESP32: an Ethernet MAC of its own, pins that are inputs only."""

    pins = _range("0-5", "9-10", "12-19", "21-23", "25-27", "32-39")
    inputs = _range("34-39")
    analog = _range("32-39", "0", "2", "4", "12-15", "25-27")
    shared = _range("0", "2", "4", "12-15", "25-27")  # converters that WiFi takes
    mac = True
    spi = (1, 2)


class ESP32S3:
    """The ESP32-S3."""

    pins = _range("0-21", "26", "33-48")
    inputs = set()
    analog = _range("1-20")
    shared = _range("11-20")
    mac = False
    spi = (1, 2)


class RP2040:
    """The RP2040."""

    pins = _range("0-29")
    inputs = set()
    analog = _range("26-29")
    shared = set()
    mac = False
    spi = (0, 1)


CHIPS = {"ESP32": ESP32, "ESP32-S3": ESP32S3, "RP2040": RP2040}
