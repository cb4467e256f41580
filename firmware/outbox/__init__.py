"""The outbox on flash: notices until they are delivered, and what each tag's state is.

Pure storage: it knows nothing of mail, network or alarms, and nothing else touches its folder.

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
3. Keys only rise, and start anywhere: a flash that was formatted does not give out old ones again.
   A boot counts itself on flash before it gives the first one out.
4. A record that waits is replaced by the same one with fewer recipients, and never otherwise.
5. When the queue is full the oldest of the lowest priority are folded into a notice of their own,
   which counts them by tag. It names the last one, so boot() can finish what a cut has left, and
   nothing is lost or, but for what is parked, counted twice.
6. A mail that covers several notices is a record too, a bundle, on flash before it is sent: after
   a cut the mail has the same key. It is no notice: it is neither counted nor folded.

Files of the folder: "0000050000002a" (boot number 5, sequence number 42), "=TAG", and "boots", the
clock offsets. On the ESP32 LittleFS gives files of more than 128 octets a block of their own.

What is needed rarely is borrowed: recovery.py at boot, offsets.py to set the clock, states.py for
states without a notice, overflow.py when the queue is full, deliveries.py for what was delivered.
"""

import os
from binascii import crc32, hexlify
from struct import pack, unpack_from

from borrow import borrow, tidy

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

KINDS = (
    "OVERFLOW RAISE CLEAR FAULT GOOD ESCALATE REMIND CHATTER CHATTER_END SHELVE UNSHELVE OUT "
    "RETURN FLOOD FLOOD_END TEXT BOOT HEARTBEAT BUNDLE STATE"
)
"""The names of the kinds of records; a kind is a number, the index into them."""

OVERFLOW = 0
"""Counts notices that were folded; its text is lines of "COUNT TAG"; "*" stands for more."""

BUNDLE = 18
"""A mail that covers all notices of alarms up to the key `announced` that are for just its
recipients; those of one tag only where `text` is a tag. See `members.py`."""

PENDING = b"\1\2\3\4\5"
PARKED = b"\0\6"
BUNDLES = b"\7"
ANY = b"\0\1\2\3\4\5\6\7"
"""What `Outbox.find()` and `Outbox.count()` look for."""

TAG = 32  # octets; with them and a text of 41, a record has 120
TEXT = 500  # octets; such a record has a block of its own

# Ranks: a notice that is parked for all its recipients is 0, others are 1 more than their
# priority; an overflow is 5, parked 6; a bundle is 7. An entry of the index is a key and its rank;
# its pages come and go with the queue, since a heap in use has no place for many in one piece.
_OVERFLOW = const(5)
_BUNDLE = const(7)
_KEY = const(7)  # octets: boot number 3, sequence number 4
_ENTRY = const(8)
_PAGE = const(128)  # octets of a page at most
_RECORD = const(120)  # octets of a record without a text at most
_VERSION = const(1)
_RESIDUE = const(0x2144DF1C)  # the CRC-32 of anything that ends with its own CRC-32
_HEAD = const(">B7s7sBBBIIIfIIB")
_START = const(43)  # octets of it


class Record:
    """A notice, or the state of a tag.

    kind: an index into `KINDS`
    tag: up to 32 octets; "" for none
    state: what the tag's state is from then on, 1 ... 255; 0 where this tells nothing about it
    priority: 0 diagnostic, 1 low, 2 medium, 3 high
    occurrence: which one of the tag; of an OVERFLOW: how many notices it counts
    uptime: when, in seconds of the boot that `key` tells
    value: the process value, as a 32-bit float, or None
    to: a bit for each of up to 32 recipients who shall get it
    text: up to 500 octets
    announced: key of the mail that announced the occurrence; its own where it is not given
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
    data = pack(
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
    data += tag + text
    return data + pack("<I", crc32(data))


def decode(data):
    """Return the record that octets are, or None."""
    if not data or data[0] != _VERSION or crc32(data) != _RESIDUE:
        return None
    record = Record(0)
    (
        _,
        record.key,
        record.announced,
        record.kind,
        record.state,
        record.priority,
        record.occurrence,
        record.uptime,
        record.since,
        record.value,
        record.to,
        record.parked,
        size,
    ) = unpack_from(_HEAD, data)
    text = data[_START:-4]
    record.tag = text[:size].decode()
    record.text = text[size:].decode()
    if record.value != record.value:
        record.value = None  # it was "not a number"
    return record


def rank_of(notice):
    """Return the rank of a record in the queue."""
    if notice.kind == BUNDLE:
        return _BUNDLE
    if notice.kind == OVERFLOW:
        return _OVERFLOW if notice.to else _OVERFLOW + 1
    return notice.priority + 1 if notice.to else 0


def name_of(key):
    """Return the name of the file that a notice has for itself."""
    return hexlify(key).decode()


def boot_of(key):
    """Return the number of the boot that a key is of."""
    return int.from_bytes(key[:3], "big")


def home_of(tag):
    """Return the name of the home of a tag; no name can have "/" in it."""
    return "=" + tag.replace("/", "\x1f")


class Outbox:
    """The queue and the states in the folder `root`, which has nothing else in it.

    limit: how many notices are kept; one more for a moment while some are folded

    recovery.boot() comes first. Then
        boots: the number of this boot
        damaged: how many files are lost: neither whole nor empty, or not to be read
    Where a method raises OSError, what it was to write is not on flash.
    """

    boots = damaged = sequence = 0

    def __init__(self, root="/queue", limit=200):
        self.root = root + "/"
        self.limit = limit
        self.offsets = {}  # seconds to add to the uptime of a boot, by its number; 0 for unknown
        self.homes = {}  # tags by key: whose notices wait in their homes
        self.index = [bytearray()]  # pages, of which the last one is added to

    def idle(self):
        """Between two files, where there are many: replace it; it must not use the outbox."""

    def append(self, notice):
        """Accept a notice or a bundle; return its key, by which it is known from now on."""
        if self.count(ANY) >= self.limit:
            borrow("outbox.overflow").fold(self, notice.uptime)
        return self.accept(notice)

    def accept(self, notice):
        """Write a notice whose place is there."""
        key = self.next_key()
        home = self.refer(notice)
        data = encode(notice, key)
        at_home = home and notice.state and notice.tag not in self.homes.values()
        name = home_of(notice.tag) if at_home else name_of(key)
        page = self.index[-1]
        if len(page) == _PAGE:
            tidy()  # since it stays for a while
            page = bytearray(_PAGE)  # it does not move when it grows
            page[:] = b""
            self.index.append(page)
        page.extend(key + bytes((rank_of(notice),)))  # memory first: it may be short
        try:
            if at_home:
                self.homes[key] = notice.tag
            self.save(name, data)
        except BaseException:
            page[-_ENTRY:] = b""
            self.homes.pop(key, None)
            if not at_home:
                self.discard(name)  # not accepted: it must not turn up at the next boot
            raise
        return key

    def read(self, key):
        """Return the notice with this key; None where flash has lost it, then remove() it."""
        notice = decode(self.load(self.file_of(key)))
        if notice and notice.announced != key:
            self.refer(notice)
        return notice

    def refer(self, notice):
        """Let a notice refer to the mail that announced its occurrence; return the tag's home.

        The notice knows its first one by its own key, but it may have been sent in a bundle.
        """
        home = notice.tag and self.home(notice.tag)
        if (
            home
            and notice.announced
            and home.occurrence == notice.occurrence
            and home.since == notice.since
            and home.announced != notice.key  # the first one itself knows better
        ):
            notice.announced = home.announced
        return home

    def home(self, tag):
        """Return the record in the home of a tag, or None."""
        return decode(self.load(home_of(tag)))

    def find(self, after=b"", ranks=PENDING):
        """Return the key of the oldest notice that is younger than `after`, or None.

        ranks: PENDING, PENDING[2:] for those of priority 2 and more, PARKED, BUNDLES, or ANY
        """
        for page in self.index:
            if page[-_ENTRY:] > after:
                for at in range(_KEY, len(page), _ENTRY):
                    if page[at] in ranks:
                        key = bytes(page[at - _KEY : at])
                        if key > after:
                            return key
        return None

    def count(self, ranks=PENDING):
        """Return how many notices there are; `ranks` as in find()."""
        count = 0
        for page in self.index:
            for at in range(_KEY, len(page), _ENTRY):
                count += page[at] in ranks
        return count

    def remove(self, key, recipients=-1, parked=0):
        """Take recipients off a notice: they have it, or shall not get it; the last takes it.

        parked: those of them who refused it for good, for whom it is kept

        From a bundle all are taken off at once, and it is dissolved: what it covers is left to
        the others, and no cut can stop that half way. 0 dissolves it, nobody has it.
        """
        borrow("outbox.deliveries").remove(self, key, recipients, parked)

    def file_of(self, key):
        """Return the name of the file that a notice is in."""
        return home_of(self.homes[key]) if key in self.homes else name_of(key)

    def offset(self, key=b""):
        """Return what to add to the uptime of a notice to have the time, 0 where it is unknown.

        key: that of the notice; of this boot where it is not given
        """
        return self.offsets.get(boot_of(key) if key else self.boots, 0)

    def next_key(self):
        """Return a key that was never given out, and never will be again."""
        self.sequence += 1
        return pack(">II", self.boots, self.sequence)[1:]

    def load(self, name):
        """Return what a file has in it, None where it cannot be read."""
        try:
            with open(self.root + name, "rb") as file:
                data = file.read(_RECORD)  # read() asks for 256 octets in one piece
                return data + file.read() if len(data) == _RECORD else data
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
