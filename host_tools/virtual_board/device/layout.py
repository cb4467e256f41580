"""The hardware page: what board and supervisor share; read by MicroPython and by CPython.

One writes each field, the other reads it: `host` fields the supervisor, the others the board. What
the board keeps over a reset, but not without power, is here too.
"""

SIZE = 8192  # octets
PINS = 64
MISSING = 255  # a level of a pin that nothing drives

# Who has the console: nobody yet, the prompt, a program, or a program that takes Ctrl-C as data
BOOTING, PROMPT, PROGRAM, BINARY = range(4)

# Reset causes, as machine.reset_cause() of both ports numbers them
POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5

# How a board ends its process
EXIT_HARD, EXIT_SOFT, EXIT_SLEEP = 40, 41, 42

# name, octets of an item, number of items
FIELDS = (
    # of the board
    ("rtc", 8, 1),  # microseconds to add to the supervisor's clock
    ("operations", 4, 1),  # of the flash since power on
    ("programs", 4, 1),
    ("erases", 4, 1),
    ("watchdog", 4, 1),  # ms, 0 for none
    ("left", 4, 1),  # ms that the watchdog had left at a soft reset
    ("scratch", 4, 8),  # watchdog scratch registers of the rp2
    ("memory_length", 4, 1),
    ("parted", 4, 1),  # the last boot that closed its connections before it ended
    ("console", 1, 1),
    ("stops", 1, 1),  # Ctrl-C can be made pending
    ("leaked", 1, 1),  # a failed LAN() has left the interface behind
    ("made", 1, 1),  # LAN() was called since the last hard reset
    ("raw", 1, 1),  # the raw REPL comes after the soft reset
    ("driven", 1, PINS),  # levels of outputs; MISSING for inputs
    ("pulls", 1, PINS),  # levels that pulls give; MISSING for none
    ("armed", 1, PINS),  # edges that interrupt: 1 rising, 2 falling
    ("taken", 1, PINS),  # edges that have interrupted, modulo 256
    ("memory", 1, 2048),  # RTC memory of the esp32
    # of the supervisor
    ("cut", 4, 1),  # operation of the flash at which the power fails, 0 for none
    ("changes", 4, 1),  # of the link
    ("boots", 4, 1),
    ("hole", 2, 1),  # local port that never answers
    ("analog", 2, PINS),  # read_u16()
    ("torn", 1, 1),
    ("interrupts", 1, 1),  # times that Ctrl-C was typed, modulo 256
    ("cause", 1, 1),
    ("origin", 1, 1),  # the cause of the last boot that was no soft reset
    ("link", 1, 1),
    ("silent", 1, 1),  # the network beyond the cable does not answer
    ("lease", 1, 4),  # the address that DHCP gives; 0.0.0.0: it does not answer
    ("chip", 1, 1),  # the network chip answers
    ("wedged", 1, 1),  # a send error has taken the interface down
    ("station", 1, 1),  # the access point is in reach
    ("levels", 1, PINS),  # what the world drives pins to; MISSING for nothing
    ("edges", 1, PINS),  # that were to interrupt, modulo 256
    ("expanders", 1, 128),  # inputs of the PCF8574 at each I2C address
    ("present", 1, 128),  # whether there is one
    ("routes", 1, 512),  # of 8 octets each: address, port, local port; unused ones are 0
    ("hosts", 1, 512),  # "NAME ADDRESS\n" ..., ended by a 0
)


def offsets():
    """Yield name, size, number and offset of each field; the largest items come first."""
    at = 0
    for size in (8, 4, 2, 1):
        for name, octets, count in FIELDS:
            if octets == size:
                yield name, octets, count, at
                at += octets * count
