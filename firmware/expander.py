"""Digital inputs on PCF8574 expanders."""

try:
    from time import ticks_diff, ticks_ms
except ImportError:  # CPython
    from smtp_client.cpython import ticks_diff, ticks_ms


class Expander:
    """A PCF8574 on an I2C bus; it is read once for all its inputs, at most every 5 ms."""

    def __init__(self, bus, address):
        self.bus = bus
        self.address = address
        self.data = bytearray(b"\xff")
        self.time = None

    def read(self):
        """Return the 8 inputs as bits; raise OSError where it does not answer."""
        now = ticks_ms()
        if self.time is None or ticks_diff(now, self.time) >= 5:
            self.bus.readfrom_into(self.address, self.data)
            self.time = now
        return self.data[0]


class Input:
    """One of its inputs; it has no interrupt."""

    def __init__(self, expander, bit):
        self.expander = expander
        self.bit = bit

    def value(self):
        """Return 0 or 1."""
        return self.expander.read() >> self.bit & 1
