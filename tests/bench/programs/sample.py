"""The mail that every figure is measured with."""

HOST = "127.0.0.1"
SENDER = "plc7@plant.lan"
SUBJECT = "Tank 3: level high"
LINE = "Tank 3: level 812 mm, limit 800 mm, pump 2 is on.\n"
BODY = LINE * 6  # 300 octets


def recipients(count):
    """Return so many addresses; one is given as a str, as most users do."""
    found = [f"duty{number}@example.com" for number in range(count)]
    return found if count > 1 else found[0]
