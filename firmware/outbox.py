"""The outbox on flash: notices until they are delivered, and what each tag's state is.

Pure storage: it knows nothing of mail, network or alarms, and nothing else touches the flash.

Theory of operation. A notice is one small file, and tells the state of its tag as well. So one
close() keeps both: there is no moment at which one is on flash and the other is not. A tag's state
is what the newest record says that is on flash, delivered or not. The file "=TAG" is the home of a
tag: it keeps the last record that was delivered, and the next one is written over it, which is a
single commit. Where there is no home yet, or what is in it still waits, a notice has a file of its
own named by its key, and is renamed to the home when it is delivered.

Rules
1. A record is built first, then open, one write, close. It is accepted when close() has returned.
2. LittleFS commits a new file twice, empty and whole, and replaces one in a single commit. A cut
   leaves an empty file, nothing, or all; boot() removes what is no whole record.
3. Keys only rise. A boot counts itself on flash before it gives the first one out.
4. A record that waits is replaced by the same one with fewer recipients, and never otherwise.
5. When the queue is full the oldest of the lowest priority are folded into a notice of their own,
   which counts them by tag. It names the last one, so boot() can finish what a cut has left, and
   nothing is lost or, but for what is parked, counted twice.

Files of the folder: "0000050000002a" (boot number 5, sequence number 42), "=TAG", and "boots", the
clock offsets. On the ESP32 LittleFS gives files of more than 128 octets a block of their own.
"""

import os
from binascii import crc32, hexlify
from struct import calcsize, pack, unpack_from

try:
    from micropython import const
except ImportError:  # CPython
    const = int

OVERFLOW = 0
"""The kind of notice that counts others; its text is lines of "COUNT TAG"; "*" stands for more."""

PENDING = b"\1\2\3\4\5"
PARKED = b"\0\6"
"""What `Outbox.find()` and `Outbox.count()` look for."""

TAG = 32  # octets; with them and a text of 41, a record has 120
TEXT = 500  # octets; such a record has a block of its own

# Ranks: a notice that is parked for all its recipients is 0, others are 1 more than their
# priority; an overflow is 5, parked 6. An entry of the index is a key and its rank.
_OVERFLOW = const(5)
_KEY = const(7)  # octets: boot number 3, sequence number 4
_ENTRY = const(8)
_VERSION = const(1)
_BATCH = const(8)  # folded at once: each costs a commit or two, some 10 ms
_OTHERS = const(12)  # octets of the last line
_RESIDUE = const(0x2144DF1C)  # the CRC-32 of anything that ends with its own CRC-32
_HEAD = ">B7s7sBBBIIIfIIB"
_BOOT = ">II"  # boot number, clock offset


class Record:
    """A notice, or the state of a tag.

    kind: 1 ... 255, whose meaning is the caller's
    tag: up to 32 octets; "" for none
    state: what the tag's state is from then on, 1 ... 255; 0 where this tells nothing about it
    priority: 0 diagnostic, 1 low, 2 medium, 3 high
    occurrence: which one of the tag; of an OVERFLOW: how many notices it counts
    uptime: when, in seconds of the boot that `key` tells
    value: the process value, as a 32-bit float, or None
    to: a bit for each of up to 32 recipients who shall get it
    text: up to 500 octets
    announced: key of the notice that announced the occurrence; its own where it is not given
    since: when the occurrence began, in seconds of the boot that `announced` tells

    key: set once it is on flash
    parked: a bit for each recipient who refused it for good
    """

    key = b""
    parked = 0

    def __init__(
        self,
        kind,
        tag="",
        state=0,
        priority=0,
        occurrence=0,
        uptime=0,
        value=None,
        to=1,
        text="",
        announced=b"",
        since=0,
    ):
        self.kind = kind
        self.tag = tag
        self.state = state
        self.priority = priority
        self.occurrence = occurrence
        self.uptime = uptime
        self.value = value
        self.to = to
        self.text = text
        self.announced = announced
        self.since = since if announced else uptime


def encode(record, key):
    """Return the octets of a record; raise ValueError where it is too long."""
    tag = record.tag.encode()
    text = record.text.encode()
    if len(tag) > TAG or len(text) > TEXT:
        raise ValueError("tag or text too long")
    data = (
        pack(
            _HEAD,
            _VERSION,
            key,
            record.announced or key,
            record.kind,
            record.state,
            record.priority,
            record.occurrence,
            record.uptime,
            record.since,
            float("nan") if record.value is None else record.value,
            record.to,
            record.parked,
            len(tag),
        )
        + tag
        + text
    )
    return data + pack("<I", crc32(data))


def decode(data):
    """Return the record that octets are, or None."""
    if not whole(data):
        return None
    head = unpack_from(_HEAD, data)
    _, key, announced, kind, state, priority, occurrence = head[:7]
    uptime, since, value, to, parked, size = head[7:]
    start = calcsize(_HEAD)
    tag = data[start : start + size].decode()
    text = data[start + size : -4].decode()
    if value != value:
        value = None  # it was "not a number"
    record = Record(
        kind, tag, state, priority, occurrence, uptime, value, to, text, announced, since
    )
    record.key = key
    record.parked = parked
    return record


def whole(data):
    """Tell whether octets are of this version and end with their CRC."""
    return data and data[0] == _VERSION and crc32(data) == _RESIDUE


def rank_of(notice):
    """Return the rank of a notice in the queue."""
    if notice.kind == OVERFLOW:
        return _OVERFLOW if notice.to else _OVERFLOW + 1
    return notice.priority + 1 if notice.to else 0


def add(overflow, counts, notice):
    """Count a notice, or those that an older overflow counts, into a new one."""
    notice = notice or Record(1, "*", to=0)
    overflow.priority = max(overflow.priority, notice.priority)
    overflow.to |= notice.to | notice.parked
    overflow.occurrence += notice.occurrence if notice.kind == OVERFLOW else 1
    text = notice.text if notice.kind == OVERFLOW else "1 " + notice.tag
    for line in text.split("\n"):
        number, tag = line.split(" ", 1)
        counts[tag] = counts.get(tag, 0) + int(number)


def lines(counts):
    """Return the text of an overflow: lines of "COUNT TAG", in the end "COUNT *" for others."""
    found = ""
    others = counts.pop("*", 0)
    for tag in sorted(counts):
        line = "%d %s\n" % (counts[tag], tag)
        if len((found + line).encode()) > TEXT - _OTHERS:
            others += counts[tag]
        else:
            found += line
    return found + "%d *" % others if others else found[:-1]


def name_of(key):
    """Return the name of the file that a notice has for itself."""
    return hexlify(key).decode()


def boot_of(key):
    """Return the number of the boot that a key is of."""
    return int.from_bytes(key[:3], "big")


def home_of(tag):
    """Return the name of the home of a tag; no name can have "/" in it."""
    return "=" + tag.replace("/", "\x1f")


def names(folder):
    """Yield the names of the files in a folder, on a board one at a time."""
    for entry in getattr(os, "ilistdir", os.listdir)(folder):
        yield entry if isinstance(entry, str) else entry[0]


class Outbox:
    """The queue and the states in the folder `root`, which has nothing else in it.

    limit: how many notices are kept; one more for a moment while some are folded

    boot() comes first. Then
        boots: the number of this boot
        damaged: how many files are lost: neither whole nor empty, or not to be read
    Where a method raises OSError, what it was to write is not on flash.
    """

    boots = damaged = 0

    def __init__(self, root="/outbox", limit=200):
        self.root = root + "/"
        self.limit = limit
        self.sequence = 0
        self.offsets = {}  # seconds to add to the uptime of a boot, by its number; 0 for unknown
        self.homes = {}  # tags by key: whose notices wait in their homes
        self.index = bytearray(_ENTRY * (limit + 2))
        self.index[:] = b""  # keeps its memory

    def boot(self):
        """Clean up after whatever ended the last boot, and count this one."""
        try:
            os.mkdir(self.root[:-1])
        except OSError:
            pass  # it is there
        data = self.load("boots")
        known = {}
        if data and whole(data):
            for at in range(1, len(data) - 4, 8):
                boot, offset = unpack_from(_BOOT, data, at)
                known[boot] = offset
        named = self.scan()
        at = 0
        while at < len(self.index):  # finish what a cut has left half done
            key = self.key_at(at)
            rank = self.index[at + _KEY]
            notice = self.read(key)
            if not notice:
                self.damaged += 1
            elif rank >= _OVERFLOW:
                # Notices may have been parked since, so those that were then cannot be told.
                self.fold_away(notice, notice.state or _OVERFLOW)
            elif not rank and not notice.parked:  # delivered
                self.retire(key, notice)
            at = self.seek(key + b"\0")
        self.boots = max(max(known) if known else 0, max(named) if named else 0) + 1
        self.offsets = {boot: known[boot] for boot in known if boot in named}
        self.save_offset(0)

    def scan(self):
        """Fill the index, remove what is no record; return the set of boots whose time is told."""
        named = set()
        bad = []
        for name in names(self.root[:-1]):
            if name == "boots":
                continue
            data = self.load(name)
            record = decode(data)
            if not record or name not in (name_of(record.key), home_of(record.tag)):
                self.damaged += data != b""
                if data is not None:  # what cannot be read now may be read at the next boot
                    bad.append(name)
                continue
            if record.to or record.parked or name[0] != "=":
                self.enter(record)
                if name[0] == "=":
                    self.homes[record.key] = record.tag
            named.add(boot_of(record.key))
            named.add(boot_of(record.announced))
        for name in bad:
            self.discard(name)
        return named

    def append(self, notice):
        """Accept a notice and return its key, by which it is known from now on."""
        while len(self.index) >= self.limit * _ENTRY and self.fold(notice.uptime):
            pass
        return self.accept(notice)

    def accept(self, notice):
        """Write a notice whose place is there."""
        key = self.next_key()
        data = encode(notice, key)
        entry = key + bytes((rank_of(notice),))
        tag = notice.tag
        if notice.state and tag and tag not in self.homes.values() and self.load(home_of(tag)):
            self.save(home_of(tag), data)
            self.homes[key] = tag
        else:
            try:
                self.save(name_of(key), data)
            except BaseException:
                self.discard(name_of(key))  # not accepted: it must not turn up at the next boot
                raise
        self.index.extend(entry)
        return key

    def read(self, key):
        """Return the notice with this key; None where flash has lost it, then remove() it."""
        return decode(self.load(self.file_of(key)))

    def find(self, after=b"", ranks=PENDING):
        """Return the key of the oldest notice that is younger than `after`, or None.

        ranks: PENDING, PENDING[2:] for those of priority 2 and more, or PARKED
        """
        at = self.seek(after + b"\0")
        while at < len(self.index):
            if self.index[at + _KEY] in ranks:
                return self.key_at(at)
            at += _ENTRY
        return None

    def count(self, ranks=PENDING):
        """Return how many notices there are; `ranks` as in find()."""
        count = 0
        for at in range(_KEY, len(self.index), _ENTRY):
            count += self.index[at] in ranks
        return count

    def remove(self, key, recipients=-1):
        """Take recipients off a notice: they have it, or shall not get it; the last takes it."""
        self.settle(key, recipients, 0)

    def park(self, key, recipients):
        """Keep a notice for those who refused it for good; others are still to get it."""
        self.settle(key, recipients, recipients)

    def settle(self, key, recipients, parked):
        """Take recipients off a notice and park it for some of them."""
        at = self.seek(key)
        if self.key_at(at) != key:
            return
        notice = self.read(key)
        if notice:
            both = notice.to | notice.parked
            notice.parked = (notice.parked & ~recipients) | (both & parked)
            notice.to &= ~recipients
            if notice.to or notice.parked:
                self.save(self.file_of(key), encode(notice, key))
                self.index[at + _KEY] = rank_of(notice)
                return
        else:
            self.damaged += 1
        self.retire(key, notice)

    def retire(self, key, notice):
        """Take a notice off the queue; it becomes the state of its tag where none is newer."""
        at = self.seek(key)
        self.index[at : at + _ENTRY] = b""  # first, lest a failing flash repeats the mail for ever
        name = self.file_of(key)
        if notice and (key in self.homes or self.tells(notice)):
            notice.to = notice.parked = 0
            self.save(name, encode(notice, key))
            if self.homes.pop(key, None) is None:
                self.vacate(notice.tag)
                os.rename(self.root + name, self.root + home_of(notice.tag))
        else:
            self.homes.pop(key, None)
            os.remove(self.root + name)

    def vacate(self, tag):
        """Let what waits in the home of a tag have a file of its own."""
        for key in self.homes:
            if self.homes[key] == tag:
                os.rename(self.root + home_of(tag), self.root + name_of(key))
                del self.homes[key]
                return

    def file_of(self, key):
        """Return the name of the file that a notice is in."""
        return home_of(self.homes[key]) if key in self.homes else name_of(key)

    def tells(self, notice):
        """Tell whether a notice tells the state of its tag and is newer than its home."""
        if not notice.state or not notice.tag:
            return False
        home = self.load(home_of(notice.tag)) or b""
        return not whole(home) or home[1 : 1 + _KEY] < notice.key

    def fold(self, uptime):
        """Fold the oldest of the lowest rank into an overflow, with those that there are already.

        Returns False where there is nothing to fold.
        """
        index = self.index
        lowest = _OVERFLOW
        for at in range(_KEY, len(index), _ENTRY):
            lowest = min(lowest, index[at])
        if lowest == _OVERFLOW:
            return False
        counts = {}
        overflow = Record(OVERFLOW, "", lowest, 0, 0, uptime, None, 0)
        left = _BATCH
        for at in range(0, len(index), _ENTRY):
            rank = index[at + _KEY]
            if rank >= _OVERFLOW or (rank == lowest and left):
                key = self.key_at(at)
                add(overflow, counts, self.read(key))
                if rank == lowest:
                    left -= 1
                    overflow.announced = key
        overflow.text = lines(counts)
        key = self.accept(overflow)
        self.fold_away(self.read(key), lowest)
        return True

    def fold_away(self, overflow, lowest):
        """Take off the queue what an overflow counts: older ones, and a rank up to a key."""
        at = 0
        while at < len(self.index):
            key = self.key_at(at)
            rank = self.index[at + _KEY]
            last = overflow.announced if rank == lowest else b""
            if key <= last or (rank >= _OVERFLOW and key < overflow.key):
                self.retire(key, self.read(key))
            else:
                at += _ENTRY

    def set_state(self, record):
        """Keep what `record` tells of the state of its tag, without a notice."""
        record.to = 0
        self.vacate(record.tag)
        self.save(home_of(record.tag), encode(record, self.next_key()))

    def forget(self, tag):
        """Remove the state of a tag that there is no more."""
        self.vacate(tag)
        self.discard(home_of(tag))

    def replay(self):
        """Yield the records that tell a state; of a tag's, the last tells the one that holds."""
        for name in names(self.root[:-1]):
            home = name[0] == "=" and decode(self.load(name))
            if home:
                yield home
        for at in range(0, len(self.index), _ENTRY):
            notice = self.read(self.key_at(at))
            if notice and self.tells(notice):
                yield notice

    def set_offset(self, seconds):
        """Keep what to add to the uptime of this boot to have the time; only the first counts."""
        if not self.offset():
            self.save_offset(seconds)

    def offset(self, key=b""):
        """Return what to add to the uptime of a notice to have the time, 0 where it is unknown.

        key: that of the notice; of this boot where it is not given
        """
        return self.offsets.get(boot_of(key) if key else self.boots, 0)

    def save_offset(self, seconds):
        """Keep the clock offset of this boot, and so that there was this boot."""
        data = bytes((_VERSION,))
        offsets = dict(self.offsets)
        offsets[self.boots] = seconds
        for boot in offsets:
            data += pack(_BOOT, boot, offsets[boot])
        self.save("boots", data + pack("<I", crc32(data)))
        self.offsets = offsets

    def next_key(self):
        """Return an key that was never given out, and never will be again."""
        self.sequence += 1
        return pack(">II", self.boots, self.sequence)[1:]

    def enter(self, notice):
        """Put a notice into the index, which is sorted."""
        at = self.seek(notice.key)
        self.index[at:at] = notice.key + bytes((rank_of(notice),))

    def seek(self, key):
        """Return where the first entry of the index is whose key is not less."""
        low = 0
        high = len(self.index) // _ENTRY
        while low < high:
            middle = (low + high) // 2
            if self.key_at(middle * _ENTRY) < key:
                low = middle + 1
            else:
                high = middle
        return low * _ENTRY

    def key_at(self, at):
        """Return the key of an entry of the index, b"" past its end."""
        return bytes(self.index[at : at + _KEY])

    def load(self, name):
        """Return what a file has in it, None where it cannot be read."""
        try:
            with open(self.root + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def save(self, name, data):
        """Write a file whole.

        A write that failed is not committed by close(), so that what was there before stays.
        """
        with open(self.root + name, "wb") as file:
            file.write(data)

    def discard(self, name):
        """Remove a file where that is possible."""
        try:
            os.remove(self.root + name)
        except OSError:
            pass
