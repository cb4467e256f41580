"""Header fields that have options of their own. Imported by the first mail that has one."""

from .checks import address, bad, text

_PRIORITIES = {"high": "1 (Highest)", "normal": "3 (Normal)", "low": "5 (Lowest)"}


def add(headers, given):
    """Check the options `given` and add what they say to a dict of header fields."""
    found = {}
    if given.get("reply_to") is not None:
        address("reply_to", given["reply_to"])
        found["Reply-To"] = given["reply_to"]
    priority = given.get("priority")
    if priority is not None:
        if priority not in _PRIORITIES:
            raise bad("priority", priority, " is none: give high, normal or low")
        found["X-Priority"] = _PRIORITIES[priority]
        found["Importance"] = priority
    for name, field in (("in_reply_to", "In-Reply-To"), ("references", "References")):
        if given.get(name) is not None:
            found[field] = " ".join(_message_ids(name, given[name]))
    taken = [name.lower() for name in headers]
    for name in found:
        if name.lower() in taken:
            raise bad("headers", name, " has an option of its own: give one of them")
        headers[name] = found[name]


def _message_ids(name, value):
    """Return Message-IDs (RFC 5322 section 3.6.4), given as one str or a list of them."""
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, (tuple, list)):
        raise bad(name, value, " is no Message-ID: give one like <1.2@plant.lan>, or a list")
    for one in values:
        text(name, one)
        inner = one[1:-1]
        if (
            "<%s>" % inner != one
            or "@" not in inner
            or len(one) > 400
            or [1 for sign in inner if not 32 < ord(sign) < 127 or sign in "<>"]
        ):
            raise bad(name, one, " is no Message-ID: give one like <1.2@plant.lan>")
    return values
