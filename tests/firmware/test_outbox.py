"""The outbox against a slow and obvious model of it, and what the model leaves open."""

import functools
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from host_tools import micropython

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware"
sys.path.insert(0, str(FIRMWARE))

import alarms  # noqa: E402
import borrow  # noqa: E402
import outbox  # noqa: E402
from outbox import Record  # noqa: E402

# To read modules again and again takes most of the time, and shows nothing here.
borrow.borrow = outbox.borrow = functools.cache(borrow.borrow)
deliveries = borrow.borrow("outbox.deliveries")
members = borrow.borrow("outbox.members").members
offsets = borrow.borrow("outbox.offsets")
recovery = borrow.borrow("outbox.recovery")
states = borrow.borrow("outbox.states")

LIMIT = 12
BATCH = 8

TAGS = st.sampled_from(["", "LSHH-1", "TK-2/PAL", "TK-2\\PAL", "Füllstand"])
BITS = st.integers(0, 7)


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "outbox")


class Model(RuleBasedStateMachine):
    """A list of notices, each a dict, in the order of acceptance; and a dict of states."""

    @initialize()
    def start(self):
        self.folder = tempfile.mkdtemp(prefix="alarmpost-")
        self.queue = []
        self.mails = []
        self.states = {}
        self.offsets = {}
        self.boots = 0
        self.keys = []
        self.number = 0
        self.boot()

    def teardown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule()
    def boot(self):
        self.box = outbox.Outbox(self.folder + "/outbox", LIMIT)
        recovery.boot(self.box)
        self.boots = self.boots + 1 if self.boots else self.box.boots
        assert self.box.boots == self.boots
        assert self.box.damaged == 0
        self.tidy()

    @rule(tag=TAGS, state=st.integers(0, 3), priority=st.integers(0, 3), to=st.integers(1, 7))
    def append(self, tag, state, priority, to):
        self.number += 1
        text = "x" * (self.number % 3 * 200)
        notice = Record(1, tag, state, priority, self.number, self.number, 0.5, to, text)
        self.make_room()
        key = self.accept(self.box.append(notice))
        self.queue.append(
            {"key": key, "tag": tag, "priority": priority, "number": self.number}
            | {"to": to, "parked": 0, "counts": None}
        )
        if state and tag:
            self.states[tag] = (state, self.number)

    def make_room(self):
        if len(self.queue) + len(self.mails) < LIMIT:
            return
        while len(self.queue) + len(self.mails) >= LIMIT and self.is_foldable():
            self.fold()
        self.tidy()

    def is_foldable(self):
        return not all(notice["counts"] for notice in self.queue)

    def tidy(self):
        self.mails = [bundle for bundle in self.mails if self.members(bundle)]

    def members(self, bundle):
        return [
            notice
            for notice in self.queue
            if not notice["counts"]
            and notice["to"] == bundle["to"]
            and notice["key"] <= bundle["last"]
            and bundle["tag"] in ("", notice["tag"])
        ]

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), of_one=st.booleans())
    def gather(self, data, of_one):
        waiting = [notice for notice in self.queue if notice["to"] and not notice["counts"]]
        if not waiting:
            return
        last = data.draw(st.sampled_from(waiting))
        self.make_room()  # may fold what is to be covered
        to, tag = last["to"], last["tag"] if of_one else ""
        record = Record(outbox.BUNDLE, to=to, announced=last["key"], text=tag)
        key = self.accept(self.box.append(record))
        self.mails.append({"key": key, "to": to, "last": last["key"], "tag": tag})

    @precondition(lambda self: self.mails)
    @rule(data=st.data(), recipients=BITS, parked=BITS)
    def deliver(self, data, recipients, parked):
        bundle = data.draw(st.sampled_from(self.mails))
        members = self.members(bundle)
        self.box.remove(bundle["key"], recipients, parked & recipients)
        self.mails.remove(bundle)
        recipients &= bundle["to"]
        if recipients:
            self.part(b"", bundle["to"] & ~recipients)
            for notice in members:
                self.take_off(notice, recipients, parked & recipients)

    def part(self, key, to):
        self.mails = [
            bundle for bundle in self.mails if bundle["to"] != to or key > bundle["last"]
        ]

    def take_off(self, notice, recipients, parked):
        both = notice["to"] | notice["parked"]
        notice["to"] &= ~recipients
        notice["parked"] = notice["parked"] & ~recipients | (both & parked)
        if not notice["to"] | notice["parked"]:
            self.queue.remove(notice)

    def accept(self, key):
        assert all(key > other for other in self.keys)
        self.keys.append(key)
        return key

    def fold(self):
        victims = [notice for notice in self.queue if not notice["counts"]]
        parked = [notice for notice in victims if not notice["to"]]
        lowest = min(notice["priority"] for notice in victims)
        chosen = parked or [notice for notice in victims if notice["priority"] == lowest]
        merged = chosen[:BATCH] + [notice for notice in self.queue if notice["counts"]]
        counts = Counter()
        to = 0
        for notice in merged:
            counts.update(notice["counts"] or {notice["tag"]: 1})
            to |= notice["to"] | notice["parked"]
        self.queue = [notice for notice in self.queue if notice not in merged]
        self.queue.append({"key": None, "to": to, "parked": 0, "counts": counts})

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), recipients=BITS, park=st.booleans())
    def settle(self, data, recipients, park):
        notice = data.draw(st.sampled_from(self.queue))
        changes, left = notice["to"] & recipients, notice["to"] & ~recipients
        self.box.remove(notice["key"], recipients, recipients if park else 0)
        self.take_off(notice, recipients, recipients if park else 0)
        if changes and left:
            self.part(notice["key"], left)

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def revive(self, data):
        notice = data.draw(st.sampled_from(self.queue))
        done = deliveries.restore(self.box, notice["key"])
        assert done == bool(notice["parked"])
        if done:
            notice["to"] |= notice["parked"]
            notice["parked"] = 0
            self.part(notice["key"], notice["to"])

    @rule(tag=TAGS.filter(bool), state=st.integers(1, 3))
    def set_state(self, tag, state):
        self.number += 1
        states.keep(self.box, Record(1, tag, state, 0, self.number))
        self.states[tag] = (state, self.number)

    @rule(seconds=st.integers(1, 2**32 - 1))
    def set_offset(self, seconds):
        offsets.change(self.box, seconds)
        self.offsets.setdefault(self.boots, seconds)

    @invariant()
    def the_queue_is_what_it_should_be(self):
        for ranks, parked in ((outbox.PENDING, False), (outbox.PARKED, True)):
            expected = [notice for notice in self.queue if (notice["to"] == 0) == parked]
            found = []
            key = self.box.find(b"", ranks)
            while key:
                found.append(self.box.read(key))
                key = self.box.find(key, ranks)
            assert len(found) == self.box.count(ranks) == len(expected)
            for record, notice in zip(found, expected, strict=True):
                self.compare(record, notice)

    @invariant()
    def the_bundles_cover_what_they_should(self):
        assert self.box.count(outbox.BUNDLES) == len(self.mails)
        for bundle in self.mails:
            found = list(members(self.box, self.box.read(bundle["key"])))
            assert found == [notice["key"] for notice in self.members(bundle)]

    def compare(self, record, notice):
        assert (record.to, record.parked) == (notice["to"], notice["parked"])
        if notice["counts"] is None:
            assert record.kind == 1
            assert record.key == notice["key"]
            assert (record.tag, record.priority) == (notice["tag"], notice["priority"])
            assert record.occurrence == record.uptime == notice["number"]
            assert len(record.text) == notice["number"] % 3 * 200
        else:
            assert record.kind == outbox.OVERFLOW
            notice["key"] = notice["key"] or record.key
            assert record.key == notice["key"]
            assert counted(record) == notice["counts"]
            assert record.occurrence == notice["counts"].total()

    @invariant()
    def the_states_are_what_they_should_be(self):
        found = {}
        for record in states.replay(self.box):
            found[record.tag] = (record.state, record.occurrence)
        assert found == self.states

    @invariant()
    def the_offsets_of_all_notices_are_there(self):
        for notice in self.queue:
            if notice["key"]:
                boot = int.from_bytes(notice["key"][:3], "big")
                assert self.box.offset(notice["key"]) == self.offsets.get(boot, 0)

    @invariant()
    def there_is_no_file_too_many(self):
        files = list(Path(self.folder, "outbox").iterdir())
        assert len(files) <= len(self.queue) + len(self.mails) + len(self.states) + 1


def counted(record):
    """Return what an overflow counts, by tag."""
    pairs = [line.split(" ", 1) for line in record.text.split("\n")]
    return Counter({tag: int(number) for number, tag in pairs})


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)


def new(root, limit=200):
    """Return the outbox after the next boot."""
    box = outbox.Outbox(root, limit)
    recovery.boot(box)
    return box


def test_a_record_keeps_what_it_is_told(root):
    box = new(root)
    raised = box.append(Record(7, "TK-1.LSHH", 2, 3, 70000, 86400, 81.5, 1 << 31 | 5, "°"))
    key = box.append(Record(8, "TK-1.LSHH", 1, 0, 70000, 90000, None, 1, "", raised, 86400))
    one, two = box.read(raised), new(root).read(key)
    told = {"kind": 7, "tag": "TK-1.LSHH", "state": 2, "priority": 3, "occurrence": 70000}
    told |= {"uptime": 86400, "value": 81.5, "to": 1 << 31 | 5, "text": "°"}
    told |= {"announced": raised, "since": 86400, "key": raised, "parked": 0}
    assert vars(one) == told
    assert (two.value, two.announced, two.since) == (None, raised, 86400)


def test_an_alarm_fits_into_120_octets(root):
    box = new(root)
    box.append(Record(1, "T" * outbox.TAG, 1, 3, text="x" * 41))
    (file,) = [path for path in Path(root).iterdir() if path.name != "boots"]
    assert file.stat().st_size == 120


@pytest.mark.parametrize(("tag", "text"), [("T" * 33, ""), ("ü" * 17, ""), ("T", "x" * 501)])
def test_what_is_too_long_is_refused_before_anything_is_written(root, tag, text):
    box = new(root)
    with pytest.raises(ValueError, match="too long"):
        box.append(Record(1, tag, 1, text=text))
    assert [path.name for path in Path(root).iterdir()] == ["boots"]


@pytest.mark.parametrize("octet", range(60))
def test_no_damaged_file_is_read(root, octet):
    box = new(root)
    boots = box.boots
    box.append(Record(1, "LSHH", 1, 3, 4, 5, 6.5, 7, "text"))
    (file,) = [path for path in Path(root).iterdir() if path.name != "boots"]
    data = bytearray(file.read_bytes())
    data[octet % len(data)] ^= 1
    file.write_bytes(data)
    box = new(root)
    assert (box.damaged, box.count(), box.boots) == (1, 0, boots + 1)
    assert [path.name for path in Path(root).iterdir()] == ["boots"]


@pytest.mark.parametrize("content", [b"", b"\1", b"\1\0\0\0\5\0\0\0\0junk"])
def test_keys_rise_though_the_boot_counter_is_lost(root, content):
    key = new(root).append(Record(1, "LSHH", 1))
    last = new(root)
    key = last.append(Record(1, "LSHH", 2, announced=key))
    Path(root, "boots").write_bytes(content)
    box = new(root)
    assert last.boots < box.boots <= last.boots + 2**22
    assert box.append(Record(1)) > key


def test_many_tags_are_folded_into_one_record_that_counts_all(root):
    box = new(root, 50)
    for number in range(1000):
        box.append(Record(1, f"A RATHER LONG NAME OF A TAG {number}", 1, 1))
    ranks = [rank for page in box.index for rank in page[7::8]]
    key = box.find(b"", b"\5")
    record = box.read(key)
    assert len(record.text.encode()) <= outbox.TEXT
    assert ranks.count(5) == 1
    assert counted(record).total() == record.occurrence == 1000 - (box.count() - 1)
    assert counted(record)["*"] > 900


def test_the_newest_and_the_higher_are_not_folded(root):
    box = new(root, 20)
    high = [box.append(Record(1, "H", 1, 3)) for _ in range(12)]
    for number in range(100):
        last = box.append(Record(1, "L", 1, number % 3))
        assert box.read(last).kind == 1
    assert [key for key in high if not box.read(key)] == []


def test_a_parked_raise_does_not_block_its_clear_nor_is_it_lost(root):
    box = new(root)
    box.remove(box.append(Record(1, "LSHH", 1, 3)))  # now the tag has a home
    raised = box.append(Record(1, "LSHH", 2, 3))
    cleared = box.append(Record(1, "LSHH", 1, 3, announced=raised))
    box.remove(raised, 1, 1)
    assert box.find() == cleared
    box.remove(cleared)
    for again in (box, new(root)):
        assert again.find() is None
        assert again.find(b"", outbox.PARKED) == raised
        assert again.read(raised).state == 2
        assert [record.key for record in states.replay(again)] == [cleared]


def test_boot_puts_away_all_that_was_delivered(root):
    box = new(root)
    keys = [box.append(Record(1, tag, 2)) for tag in ("one", "two", "three")]
    for key in keys:  # the cut came between taking off the recipients and renaming
        record = box.read(key)
        record.to = 0
        Path(root, outbox.name_of(key)).write_bytes(outbox.encode(record, key))
    assert new(root).count(outbox.PARKED) == 0
    assert {path.name for path in Path(root).iterdir()} == {"boots", "=one", "=two", "=three"}


def test_a_write_that_fails_is_not_accepted(root, monkeypatch):
    box = new(root)

    def fail(name, data):
        Path(root, name).write_bytes(data[:9])
        raise OSError(28)

    with monkeypatch.context() as patch:
        patch.setattr(box, "save", fail)
        with pytest.raises(OSError, match="28"):
            box.append(Record(1, "LSHH", 1))
    assert box.count() == 0
    assert [path.name for path in Path(root).iterdir()] == ["boots"]
    assert box.append(Record(1, "LSHH", 1))[3:] == b"\0\0\0\2"  # no key twice


@pytest.mark.parametrize("lacking", ["save", "homes"])
def test_a_notice_that_lacks_memory_leaves_what_was_in_the_home_of_its_tag(
    root, monkeypatch, lacking
):
    box = new(root)
    first = box.append(Record(1, "LSHH", 1))
    box.remove(first)

    def fail(*_):
        raise MemoryError

    class Full(dict):
        __setitem__ = fail

    with monkeypatch.context() as patch:
        patch.setattr(box, lacking, fail if lacking == "save" else Full())
        with pytest.raises(MemoryError):
            box.append(Record(1, "LSHH", 2))
    assert box.find() is None
    assert box.homes == {}
    assert [record.key for record in states.replay(new(root))] == [first]


def test_a_removal_that_fails_does_not_repeat_the_mail(root):
    box = new(root)
    key = box.append(Record(1, "", 0))
    Path(root, outbox.name_of(key)).unlink()
    with pytest.raises(OSError, match="No such file"):
        box.remove(key)
    assert box.find() is None
    box.remove(key)


def test_the_first_offset_holds_and_goes_with_the_last_notice(root):
    box = new(root)
    key = box.append(Record(1))
    offsets.change(box, 1790000000)
    offsets.change(box, 5)
    assert box.offset(key) == box.offset() == 1790000000
    again = new(root)
    assert (again.offset(key), again.offset()) == (1790000000, 0)
    again.remove(key)
    assert new(root).offsets == {again.boots + 1: 0}


def test_a_correction_of_the_offset_holds_where_no_notice_of_this_boot_waits(root, monkeypatch):
    old = new(root).append(Record(1))
    box = new(root)
    for seconds in (1790000000, 1790000004):
        offsets.change(box, seconds, again=True)
        assert box.offset() == seconds
    with monkeypatch.context() as patch:
        patch.setattr(box, "save", None)
        offsets.change(box, 1790000004, again=True)  # nothing to write
    parked, key = box.append(Record(1)), box.append(Record(1))
    box.remove(parked, 1, 1)
    offsets.change(box, 1790000009, again=True)
    assert (box.offset(key), box.offset(old)) == (1790000004, 0)
    box.remove(key)
    bundle = box.append(Record(outbox.BUNDLE, announced=old))
    offsets.change(box, 1790000009, again=True)
    assert box.offset() == 1790000004
    box.remove(bundle, 0)
    offsets.change(box, 1790000009, again=True)
    assert box.offset() == 1790000009
    assert new(root).offset(parked) == 1790000009


@pytest.mark.parametrize(
    ("octets", "first"), [(b"\0\0\0", 1), (b"\xff\xff\xff", 2**22), (b"\x12\x34\x56", 0x48D16)]
)
def test_boot_numbers_start_anywhere_and_rise(root, monkeypatch, octets, first):
    monkeypatch.setattr(os, "urandom", lambda count: octets)
    assert [new(root).boots for _ in range(3)] == [first, first + 1, first + 2]


# Bundles

RAISE, CLEAR, TEXT, BOOT = map(outbox.KINDS.split().index, ("RAISE", "CLEAR", "TEXT", "BOOT"))


def test_the_kinds_are_those_of_the_alarms_and_more():
    kinds = outbox.KINDS.split()
    assert (kinds[outbox.OVERFLOW], kinds[outbox.BUNDLE]) == ("OVERFLOW", "BUNDLE")
    rows = (row.split() for row in alarms.TABLE.split("\n")[1:-1])
    told = {kind for *_, kind in rows if kind != "-"} | {"CHATTER", "FLOOD", "FLOOD_END"}
    assert told == set(kinds[1:TEXT])


def bundle_of(box, last, to=3, tag=""):
    return box.append(Record(outbox.BUNDLE, to=to, text=tag, announced=last))


def test_a_bundle_covers_alarms_for_just_its_recipients_up_to_a_key(root):
    box = new(root)
    one = box.append(Record(RAISE, "one", 1, to=3))
    box.append(Record(RAISE, "other", 1, to=1))
    box.append(Record(BOOT, "", 0, to=3))
    box.append(Record(TEXT, "", 0, to=3))
    last = box.append(Record(CLEAR, "one", 1, 3, to=3))
    box.append(Record(RAISE, "late", 1, to=3))
    for key in (bundle_of(box, last), bundle_of(box, last, 3, "one")):
        for again in (box, new(root)):
            bundle = again.read(key)
            assert (bundle.kind, bundle.to, bundle.announced) == (outbox.BUNDLE, 3, last)
            assert list(members(again, bundle)) == [one, last]
    assert box.count() == 6
    assert box.count(outbox.BUNDLES) == 2


def test_a_delivered_bundle_is_what_later_notices_refer_to(root):
    box = new(root)
    raised = box.append(Record(RAISE, "LSHH", 2, 3, 7, 100, to=3))
    waiting = box.append(Record(CLEAR, "LSHH", 1, 3, 7, 105, to=1, announced=raised, since=100))
    assert box.read(waiting).announced == raised
    bundle = bundle_of(box, raised)
    box.remove(bundle)
    later = box.append(Record(3, "LSHH", 2, 3, 7, 200, to=1, announced=raised, since=100))
    for again in (box, new(root)):
        assert again.count(outbox.BUNDLES) == 0
        assert again.read(waiting).announced == again.read(later).announced == bundle
    states.keep(box, Record(19, "LSHH", 3, 0, 7, 300, announced=raised, since=100))
    assert box.home("LSHH").announced == bundle
    assert box.home("none") is None


@pytest.mark.parametrize(("occurrence", "since"), [(8, 100), (7, 101)])
def test_another_occurrence_does_not_refer_to_the_bundle(root, occurrence, since):
    box = new(root)
    raised = box.append(Record(RAISE, "LSHH", 2, 3, 7, 100, to=3))
    box.remove(bundle_of(box, raised))
    key = box.append(Record(CLEAR, "LSHH", 1, 3, occurrence, 9, announced=raised, since=since))
    assert box.read(key).announced == raised


def test_a_notice_of_an_earlier_boot_keeps_the_boot_of_its_time(root):
    raised = new(root).append(Record(RAISE, "LSHH", 2, 3, 7, 100, to=3))
    box = new(root)
    box.remove(bundle_of(box, raised))
    home = box.home("LSHH")
    assert (home.announced, home.since) == (raised, 100)


def test_a_bundle_that_some_have_is_left_to_the_others_under_another_key(root):
    box = new(root)
    keys = [box.append(Record(RAISE, tag, 2, to=7)) for tag in ("one", "two")]
    bundle = bundle_of(box, keys[-1], 7)
    box.remove(bundle, 1 | 2, 2)  # 1 has it, 2 refused it
    for again in (box, new(root)):
        assert again.find(b"", outbox.BUNDLES) is None
        for record in map(again.read, keys):
            assert (record.to, record.parked, record.announced) == (4, 2, bundle)


def test_a_bundle_that_all_refused_announced_nothing(root):
    box = new(root)
    key = box.append(Record(RAISE, "LSHH", 2, to=3))
    box.remove(bundle_of(box, key), 1, 1)
    assert (box.read(key).to, box.read(key).parked, box.read(key).announced) == (2, 1, key)


def test_a_bundle_is_dissolved_for_nobody(root):
    box = new(root)
    key = box.append(Record(RAISE, "LSHH", 2, to=3))
    bundle = bundle_of(box, key)
    later = box.append(Record(RAISE, "TK", 2, to=3))
    box.remove(bundle, 0)
    assert box.find(b"", outbox.BUNDLES) is None
    assert [box.find(), box.find(key)] == [key, later]
    assert (box.read(key).to, box.read(key).announced) == (3, key)


def test_a_bundle_never_comes_to_cover_more(root):
    box = new(root)
    wider = box.append(Record(RAISE, "one", 1, to=7))
    last = box.append(Record(RAISE, "two", 1, to=3))
    bundle_of(box, last)
    box.remove(wider, 4)
    assert box.find(b"", outbox.BUNDLES) is None
    assert (box.read(wider).to, box.read(last).to) == (3, 3)


def test_a_bundle_is_not_folded_and_goes_with_the_last_that_it_covers(root):
    box = new(root, 10)
    low = [box.append(Record(RAISE, str(number), 1, 0, to=3)) for number in range(9)]
    bundle = bundle_of(box, low[-1])
    box.append(Record(RAISE, "high", 1, 3, to=1))
    assert list(members(box, box.read(bundle))) == low[8:]
    box.append(Record(RAISE, "high", 1, 3, to=1))
    overflow = box.read(box.find(b"", b"\5"))
    assert sorted(counted(overflow)) == sorted(str(number) for number in range(8))
    for _ in range(7):
        box.append(Record(RAISE, "high", 1, 3, to=1))
    assert box.find(b"", outbox.BUNDLES) is None


PAGE = 16
"""Entries of a page of the index."""


@pytest.mark.parametrize("seed", range(4))
def test_the_index_is_sorted_and_its_pages_come_and_go_with_the_queue(root, monkeypatch, seed):
    chance = random.Random(seed)
    box = new(root)
    left = []
    for _ in range(4):
        left += [box.append(Record(RAISE, "", 0)) for _ in range(chance.randrange(1, 50))]
        chance.shuffle(left)
        for _ in range(len(left) * 2 // 3):
            box.remove(left.pop())
        check_index(box, left)
        listing = [path.name for path in Path(root).iterdir()]
        chance.shuffle(listing)  # the order of the files on flash is none
        monkeypatch.setattr(os, "listdir", lambda folder, listing=listing: listing)
        box = new(root)
        monkeypatch.undo()
        check_index(box, left)
    while left:
        box.remove(left.pop())
    assert box.index == [b""]


def check_index(box, keys):
    assert [entry[:-1] for page in box.index for entry in batched(page)] == sorted(keys)
    sizes = [len(batched(page)) for page in box.index]
    assert max(sizes) <= PAGE
    assert all(one + two > PAGE for one, two in itertools.pairwise(sizes))
    assert box.count() == len(keys)
    for key in keys:
        later = [other for other in keys if other > key]
        assert box.find(key) == (min(later) if later else None)


def batched(page):
    return [bytes(page[at : at + 8]) for at in range(0, len(page), 8)]


def test_there_is_time_between_two_files(root):
    box = new(root, 10)
    calls = []
    box.idle = lambda: calls.append(box.sequence)
    for number in range(10):
        box.append(Record(RAISE, str(number), 1, 0, to=3))
    assert calls == []
    box.append(Record(RAISE, "high", 1, 3))
    assert len(calls) == 16  # 8 read and 8 removed
    del calls[:]
    again = outbox.Outbox(root)
    again.idle = lambda: calls.append(again.sequence)
    recovery.boot(again)
    assert len(calls) >= again.count()


READ = """
import sys
sys.path.insert(0, sys.argv[1])
from borrow import borrow
from outbox import Outbox
box = Outbox(sys.argv[2])
borrow("outbox.recovery").boot(box)
record = box.read(box.find())
print(box.boots, record.tag, record.value, record.to, record.text)
"""


def test_micropython_reads_what_cpython_wrote(root, tmp_path):
    box = new(root)
    box.append(Record(1, "Füllstand", 2, 3, 9, 10, 81.5, 5, "text"))
    program = tmp_path / "read.py"
    program.write_text(READ)
    for boot, bits in ((box.boots + 1, 64), (box.boots + 2, 32)):
        words = [str(word) for word in (micropython.find(bits), program, FIRMWARE, root)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(boot), "Füllstand", "81.5", "5", "text"]
