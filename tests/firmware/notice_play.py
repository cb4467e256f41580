"""Renders mails on any interpreter from plain data; run by a `Device`, and by the tests."""

import outbox
from notices import compose

KINDS = outbox.KINDS.split()


class Stand:
    """Stands for an object: has the attributes that it is given."""

    def __init__(self, **attributes):
        for name in attributes:
            setattr(self, name, attributes[name])


class Settings:
    """A configuration: values by name, as its file has them."""

    def __init__(self, values):
        self.values = values

    def read(self, name):
        return self.values.get(name)

    def points(self):
        for name in self.values:
            if name.startswith("point "):
                point = {"tag": name[6:]}
                point.update(self.values[name])
                yield point


class Outbox:
    """An outbox in memory: records by key, each through the octets that flash would have."""

    def __init__(self, boots, offsets):
        self.boots = boots
        self.offsets = offsets
        self.records = {}

    def put(self, boot, sequence, kind, **values):
        """Keep a record and return its key."""
        key = boot.to_bytes(3, "big") + sequence.to_bytes(4, "big")
        values["announced"] = bytes(values.get("announced", key))
        parked = values.pop("parked", 0)
        record = outbox.Record(KINDS.index(kind), **values)
        record.parked = parked
        self.records[key] = outbox.encode(record, key)
        return key

    def offset(self, key=b""):
        return self.offsets.get(str(int.from_bytes(key[:3], "big") or self.boots), 0)

    def read(self, key):
        return outbox.decode(self.records[key]) if key in self.records else None

    def keys(self, ranks):
        return [
            key
            for key in sorted(self.records)
            if outbox.rank_of(outbox.decode(self.records[key])) in ranks
        ]

    def find(self, after=b"", ranks=outbox.PENDING):
        for key in self.keys(ranks):
            if key > after:
                return key
        return None

    def count(self, ranks=outbox.PENDING):
        return len(self.keys(ranks))


def play(values, boots, offsets, records, context):
    """Return recipients, subject and body of the mail that the last record is.

    values: the configuration
    offsets: clock offsets by the number of the boot, as a str
    records: each a list of boot, sequence number, kind, and a dict of the others; those before
        the last are a bundle's members
    """
    box = Outbox(boots, offsets)
    keys = [box.put(*record[:3], **record[3]) for record in records]
    context["idle"] = lambda: None
    recipients, subject, body = compose(
        box.read(keys[-1]), keys[:-1], Settings(values), box, Stand(**context)
    )
    return [recipients, subject, body]
