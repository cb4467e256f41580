"""Cut the power at every flash operation: `cuts FIRMWARE GEOMETRY clean|torn SCENARIOS`.

Prints JSON.

Each scenario is a list of steps that is run again and again, each time with the power cut at the
next program or erase. Then the board boots, and what it finds is held against what it was told;
it is also cut at every third operation of this boot, boots again, and is checked again. Where the
first of them is goes round, and boots after neighbouring cuts hardly differ: all have their turn.
"""

import json
import os
import sys

sys.path.insert(0, sys.argv[1])

import flash
import outbox
from borrow import borrow

ROOT = flash.PLACE + "/outbox"
RAISE, CLEAR = 1, 2
CONFIG = flash.PLACE + "/config.json"
LIMIT = 10
STRIDE = 3
BLOCKS = 32
GEOMETRY = sys.argv[2]
TORN = sys.argv[3] == "torn"
MEMORY = flash.erased(BLOCKS)
IMAGE = flash.erased(BLOCKS)

TAGS = ("LSHH-1", "TK-2/PAL", "FT 3")

# Steps: a name of a method of World, then its arguments. append: tag, state, priority, octets of
# text. clear: tag. remove, park: which of the pending notices, recipients. bundle: whether of one
# tag only. deliver: recipients of the oldest bundle, who of them is parked.
ACCEPT = [("append", n % 3, 1 + n % 2, 3, 500 if n == 4 else n) for n in range(7)]
DELIVER = [
    ("append", 0, 1, 3, 0),
    ("append", 0, 2, 3, 0),
    ("append", 1, 1, 2, 0),
    ("remove", 0, 1),
    ("park", 0, 2),
    ("remove", 0, 3),
    ("append", 0, 1, 3, 500),
    ("remove", 0, 3),
    ("remove", 0, 1),
    ("remove", 0, 2),
    ("unpark",),
]
STATE = [
    ("append", 0, 1, 3, 0),
    ("set_state", 0, 3),
    ("remove", 0, 3),
    ("set_state", 1, 4),
    ("append", 0, 2, 3, 0),
    ("set_state", 0, 5),
    ("remove", 0, 3),
]
FULL = [("append", n % 3, 1, (1, 3, 2)[n % 3], 0) for n in range(LIMIT)]
OVERFLOW = [("append", n % 3, 2, n % 4, 0) for n in range(4)] + [("park", n, 3) for n in range(3)]
OVERFLOW += [("append", n % 3, 1, 3, 40) for n in range(12)] + [("remove", 0, 3)] * 7
BOOT = [("boot",), ("append", 0, 1, 3, 0), ("boot",), ("boot",), ("remove", 0, 3), ("boot",)]
OFFSET = [("append", 2, 1, 3, 0), ("set_offset", 1790000000), ("boot",), ("append", 2, 2, 3, 0)]
OFFSET += [("set_offset", 1790000500), ("set_offset", 9), ("boot",), ("remove", 0, 3), ("boot",)]
CONFIGURE = [("append", 0, 1, 3, 0), ("configure", 90), ("configure", 700), ("remove", 0, 3)]
BUNDLE = [("append", n % 3, 1, 3, 0) for n in range(4)] + [("bundle", False), ("deliver", 3, 0)]
BUNDLE += [("append", 0, 1, 3, 0), ("clear", 0), ("append", 1, 1, 2, 0), ("bundle", True)]
BUNDLE += [("append", 0, 1, 3, 0), ("deliver", 3, 0), ("clear", 0), ("remove", 0, 1)]
BUNDLE += [("bundle", False), ("boot",), ("deliver", 2, 0), ("remove", 0, 3)]
PARTS = [("append", n % 3, 1, 3, 0) for n in range(3)] + [("clear", 0), ("bundle", False)]
PARTS += [("deliver", 1, 0), ("bundle", False), ("deliver", 2, 2), ("remove", 0, 3)]
PARTS += [("append", 1, 1, 3, 0), ("append", 2, 1, 3, 0), ("remove", 1, 1), ("bundle", False)]
PARTS += [("remove", 1, 1), ("bundle", False), ("deliver", 0, 0), ("bundle", False)]
PARTS += [("park", 0, 1), ("deliver", 3, 1), ("unpark",), ("unpark",)]
JOINED = [("append", n % 3, 1, 3, 0) for n in range(4)] + [("remove", 0, 1), ("remove", 3, 1)]
JOINED += [("bundle", False), ("remove", 1, 1), ("bundle", False), ("append", 1, 1, 3, 0)]
JOINED += [("remove", 0, 2), ("bundle", False), ("deliver", 0, 0), ("bundle", False)]
JOINED += [("remove", 1, 3), ("bundle", False), ("deliver", 1, 0), ("deliver", 1, 0)]
JOINED += [("remove", 0, 1), ("remove", 0, 2), ("bundle", False), ("deliver", 2, 2)]
FOLDED = [("append", n % 3, 1, 1, 0) for n in range(4)] + [("bundle", False)]
FOLDED += [("append", n % 3, 1, 2, 0) for n in range(6)] + [("bundle", False), ("deliver", 1, 0)]
FOLDED += [("append", n % 3, 1, 3, 0) for n in range(9)] + [("bundle", False), ("deliver", 3, 0)]
ALARM = [("append", 0, 1, 3, 0), ("remove", 0, 3), ("append", 0, 2, 3, 0), ("remove", 0, 3)]


def mixed(seed, mix):
    """Return steps in no particular order."""
    steps = []
    for _ in range(40):
        seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
        steps.append(mix[(seed >> 16) % len(mix)])
    return steps


MIX = [("append", n % 3, 1 + n % 5, n % 4, 30 * n) for n in range(6)]
MIX += [("remove", 0, 3), ("remove", 0, 1), ("remove", 1, 3), ("park", 0, 3), ("park", 1, 1)]
MIX += [("set_state", 0, 6), ("set_state", 1, 7), ("set_offset", 1800000000), ("boot",)]
MIX += [("configure", 200), ("remove", 0, 3), ("remove", 0, 3)]

MIX_BUNDLES = MIX[:8]
MIX_BUNDLES += [("bundle", False), ("bundle", True), ("bundle", False), ("boot",)]
MIX_BUNDLES += [
    ("deliver", 1, 0),
    ("deliver", 3, 0),
    ("deliver", 3, 2),
    ("clear", 0),
    ("clear", 1),
]

SCENARIOS = {
    # name: what has happened before, and what is cut
    "notices": {
        "accept": ([], ACCEPT),
        "deliver": ([], DELIVER * 2),
        "state change": ([], STATE * 3),
        "overflow": (FULL, OVERFLOW),
        "boot": (ACCEPT, BOOT * 2),
        "clock offset": ([], OFFSET * 2),
        "configuration": ([], CONFIGURE * 3),
        "alarms": (DELIVER, ALARM * 12),
    },
    "bundles": {
        "whole": ([], BUNDLE * 2),
        "in parts": (STATE, PARTS * 2),
        "joined": ([], JOINED * 2),
        "folded": (FULL, FOLDED),
        "mixed": (FULL, mixed(4, MIX_BUNDLES)),
        "mixed again": (DELIVER, mixed(5, MIX_BUNDLES)),
    },
    "mixed": {
        "full": (FULL, mixed(1, MIX)),
        "states": (STATE, mixed(2, MIX)),
        "delivered": (DELIVER, mixed(3, MIX)),
    },
}


class World:
    """A board, what it was told to keep, and what it may be in the middle of."""

    def __init__(self):
        self.memory = MEMORY
        flash.erase(self.memory)
        flash.make(self.memory, GEOMETRY)
        # accepted: by key, [tag, state, priority, octets of text, occurrence, to, parked]
        self.notices = {}
        self.bundles = {}  # by key, its recipients, and the keys of what it covers
        self.mails = {}  # by key of a notice that announced an occurrence, the bundle it was in
        self.raised = {}  # by tag, the key of the last notice
        self.after = {}  # what is being delivered: by key, to and parked when that is done
        self.keys = set()  # given out
        self.gone = {}  # removed: by key, a notice
        self.told = {}  # overflows delivered: by tag, how many
        self.states = {}  # by tag, [state, occurrence]
        self.offsets = {}  # by boot
        self.config = ""
        self.occurrence = self.boots = 0
        self.doing = None

    def start(self, cut=0):
        """Switch the power on, until operation `cut`."""
        flash.unmount()
        self.device = flash.Flash(self.memory, cut, TORN)
        flash.mount(self.device, GEOMETRY)
        self.box = outbox.Outbox(ROOT, LIMIT)
        borrow("outbox.recovery").boot(self.box)

    def run(self, steps):
        """Take steps; raises OSError when the power fails."""
        for step in steps:
            self.doing = step
            getattr(self, step[0])(*step[1:])
            self.doing = None

    def notice(self, tag, state, priority, octets):
        """Return a notice and how it is remembered."""
        self.occurrence += 1
        record = outbox.Record(RAISE, TAGS[tag], state, priority, self.occurrence, 7, 1.5, 3)
        record.text = "x" * octets
        return record, [TAGS[tag], state, priority, octets, self.occurrence, 3, 0]

    def append(self, *what):
        self.accept(*self.notice(*what))

    def accept(self, record, expected):
        self.expected = expected
        key = self.box.append(record)
        self.keys.add(key)
        self.notices[key] = expected
        self.states[expected[0]] = expected[1], expected[4]
        if record.kind == RAISE:
            self.raised[record.tag] = key

    def clear(self, tag):
        """Accept a notice of the tag's last occurrence."""
        raised = self.raised.get(TAGS[tag])
        if raised:
            expected = [TAGS[tag], 9, 2, 0, self.notices[raised][4], 3, 0]
            record = outbox.Record(CLEAR, TAGS[tag], 9, 2, expected[4], 8, None, 3, "", raised, 7)
            self.accept(record, expected)

    def nth(self, number, ranks=outbox.PENDING):
        key = self.box.find(b"", ranks)
        for _ in range(number):
            key = key and (self.box.find(key, ranks) or key)
        return key

    def bundle(self, of_one):
        """Accept a bundle of what waits for the recipients of the oldest notice in none."""
        pending = self.pending()
        taken = [self.bundles[key][0] for key in self.bundles]
        free = [notice for notice in pending if notice.to not in taken]
        if not free:
            return
        first = free[0]
        tag = first.tag if of_one else ""
        alike = [notice for notice in pending if notice.to == first.to]
        covered = [notice.key for notice in alike if not tag or notice.tag == tag]
        mail = outbox.Record(outbox.BUNDLE, to=first.to, text=tag, announced=covered[-1])
        key = self.box.append(mail)
        self.keys.add(key)
        self.bundles[key] = first.to, covered

    def pending(self):
        """Return the notices that wait; no overflows."""
        pending = []
        key = self.box.find()
        while key:
            notice = self.box.read(key)
            if notice.kind != outbox.OVERFLOW:
                pending.append(notice)
            key = self.box.find(key)
        return pending

    def deliver(self, recipients, parked):
        """Deliver the oldest bundle."""
        self.key = self.box.find(b"", outbox.BUNDLES)
        if not self.key:
            return
        bundle = self.box.read(self.key)
        recipients &= bundle.to
        for key in list(borrow("outbox.members").members(self.box, bundle)):
            self.foresee(key, recipients, parked)
        heard = bundle.to & recipients & ~parked
        self.box.remove(self.key, recipients, parked)
        for key in self.after:
            if heard and key[:3] == self.key[:3] and key in self.raised_ever():
                self.mails.setdefault(key, self.key)
        del self.bundles[self.key]
        for key in list(self.bundles):
            if recipients and self.bundles[key][0] == bundle.to & ~recipients:
                del self.bundles[key]
        self.settled()

    def raised_ever(self):
        """Return the keys of the notices that announced something."""
        return [key for key in self.notices if self.notices[key][1] != 9]

    def remove(self, number, recipients):
        self.key = self.nth(number)
        if not self.key:
            return
        record = self.box.read(self.key)
        self.foresee(self.key, recipients, 0)
        self.box.remove(self.key, recipients)
        if record.kind == outbox.OVERFLOW and not record.to & ~recipients:
            tally(self.told, record)
        self.settled()

    def park(self, number, recipients):
        self.key = self.nth(number)
        if not self.key:
            return
        self.foresee(self.key, recipients, recipients)
        self.box.remove(self.key, recipients, recipients)
        self.settled()

    def unpark(self):
        self.key = self.nth(0, outbox.PARKED)
        if not self.key:
            return
        self.foresee(self.key, -1, 0)
        self.box.remove(self.key)
        self.settled()

    def foresee(self, key, recipients, parked):
        """Note to whom a notice will be left."""
        if key in self.notices:
            to, was = self.notices[key][5:7]
            after = to & ~recipients, (was & ~recipients) | ((to | was) & parked)
            if after != (to, was):
                self.after[key] = after

    def settled(self):
        """Note what was delivered."""
        for key in self.after:
            for bundle in list(self.bundles):
                to, covered = self.bundles[bundle]
                if to == self.after[key][0] and key <= covered[-1]:
                    del self.bundles[bundle]  # dissolved
            self.notices[key][5:7] = self.after[key]
            if self.after[key] == (0, 0):
                self.gone[key] = self.notices[key]
        self.after = {}

    def set_state(self, tag, state):
        record, expected = self.notice(tag, state, 0, 0)
        self.expected = expected
        borrow("outbox.states").keep(self.box, record)
        self.states[expected[0]] = state, expected[4]

    def set_offset(self, seconds):
        borrow("outbox.offsets").change(self.box, seconds)
        if not self.offsets.get(self.box.boots):
            self.offsets[self.box.boots] = seconds

    def configure(self, octets):
        self.occurrence += 1
        self.next_config = "%d" % self.occurrence * octets
        with open(CONFIG, "w") as file:
            file.write(self.next_config)
        self.config = self.next_config

    def boot(self):
        self.start(self.device.cut and self.device.cut - self.device.count)
        self.boots = self.box.boots

    # What is found

    def check(self):
        """Boot and return what is wrong with what is there; it begins with the invariant."""
        self.start()
        found = self.found()
        wrong = ["2: empty file " + file[0] for file in os.ilistdir(ROOT) if file[3] == 0]
        if self.box.damaged:
            wrong.append("2: damaged file")
        if len(found) > LIMIT:
            wrong.append("6: more than the limit")
        if self.box.boots <= self.boots:
            wrong.append("4: boot number again")
        wrong += self.check_notices(found)
        wrong += self.check_bundles(found)
        wrong += self.check_offsets(found)
        wrong += self.check_states()
        return wrong + self.check_config()

    def found(self):
        """Return the notices that wait or are parked, by key."""
        found = {}
        for ranks in (outbox.PENDING, outbox.PARKED):
            key = self.box.find(b"", ranks)
            while key:
                found[key] = self.box.read(key)
                key = self.box.find(key, ranks)
        return found

    def is_doing(self, *names):
        """Tell whether one of these steps has begun and not ended."""
        return self.doing and self.doing[0] in names

    def check_notices(self, found):
        """Return what is wrong with the notices and with what overflows count."""
        wrong = []
        counted = dict(self.told)
        latest = {}
        for key in sorted(found):
            record = found[key]
            if not record:
                wrong.append("2: not a record")
            elif record.kind == outbox.OVERFLOW:
                tally(counted, record)
            else:
                wrong += self.check_notice(key, record)
                if record.occurrence <= latest.get(record.tag, 0) - (record.kind == CLEAR):
                    wrong.append("5: order")
                latest[record.tag] = record.occurrence
        return wrong + self.check_counts(found, counted)

    def check_offsets(self, found):
        """Return what is wrong with the clock offsets of the boots that notices are of."""
        for key in found:
            offset = self.offsets.get(int.from_bytes(key[:3], "big"), 0)
            if self.box.offset(key) != offset and not self.is_doing("set_offset"):
                return ["3: clock offset"]
        return []

    def check_config(self):
        """Return what is wrong with the other file."""
        try:
            with open(CONFIG) as file:
                config = file.read()
        except OSError:
            config = ""
        allowed = [self.config]
        if self.is_doing("configure"):
            allowed += [self.next_config] if self.config else [self.next_config, ""]
        return [] if config in allowed else ["configuration"]

    def check_notice(self, key, record):
        """Return what is wrong with a notice that was found."""
        is_now = [record.tag, record.state, record.priority, len(record.text), record.occurrence]
        expected = self.notices.get(key)
        if key in self.gone:
            return ["3: delivered notice again"]
        if not expected:
            if self.is_doing("append", "clear") and is_now == self.expected[:5]:
                return []
            return ["1: unknown notice"]
        if is_now != expected[:5]:
            return ["1: another notice"]
        masks = [(expected[5], expected[6]), self.after.get(key)]
        wrong = [] if (record.to, record.parked) in masks else ["3: recipients"]
        return wrong + self.check_announced(record)

    def check_announced(self, record):
        """Return what is wrong with the mail that a notice or state refers to."""
        if record.kind == CLEAR:
            raised = max(key for key in self.notices if self.is_raise_of(key, record))
        elif record.key in self.notices:
            raised = record.key
        else:
            return []
        allowed = [self.mails.get(raised, raised)]
        if self.box.read(raised):  # not all its recipients have it
            allowed.append(raised)
        if raised in self.after and raised[:3] == self.key[:3]:
            allowed.append(self.key)
        return [] if record.announced in allowed else ["7: refers to another mail"]

    def is_raise_of(self, key, clear):
        """Tell whether a key is that of the notice that announced an occurrence."""
        tag, state, _, _, occurrence = self.notices[key][:5]
        return state != 9 and (tag, occurrence) == (clear.tag, clear.occurrence)

    def check_bundles(self, found):
        """Return what is wrong with the bundles: each is there, or wholly done."""
        wrong = []
        bundles = {}
        key = self.box.find(b"", outbox.BUNDLES)
        while key:
            bundles[key] = self.box.read(key)
            key = self.box.find(key, outbox.BUNDLES)
        for key in bundles:
            wrong += self.check_bundle(key, bundles[key], found)
        for key in self.bundles:
            if key not in bundles and not self.is_over(key, found):
                wrong.append("9: bundle lost")
        if self.is_doing("deliver") and self.key:
            done = [key for key in self.after if self.is_done(key, found)]
            if len(done) != (0 if self.key in bundles else len(self.after)):
                wrong.append("9: delivered in part")
        return wrong

    def is_done(self, key, found):
        """Tell whether what is being delivered is."""
        if key in found:
            return (found[key].to, found[key].parked) == self.after[key]
        return self.after[key] == (0, 0)

    def check_bundle(self, key, bundle, found):
        """Return what is wrong with a bundle that was found."""
        if not bundle or bundle.since or bundle.parked:
            return ["9: bundle half done"]
        members = list(borrow("outbox.members").members(self.box, bundle))
        if not members:
            return ["9: bundle of nothing"]
        if key not in self.bundles:
            return [] if self.is_doing("bundle") else ["9: unknown bundle"]
        expected = [at for at in self.bundles[key][1] if at in found and found[at].to == bundle.to]
        return [] if members == expected else ["9: another bundle"]

    def is_over(self, key, found):
        """Tell whether a bundle may be gone: done, dissolved, or all that it covers is."""
        to, covered = self.bundles[key]
        if self.is_doing("remove", "park"):
            return True
        if self.is_doing("deliver") and (
            key == self.key or to == self.bundles[self.key][0] & ~self.doing[1]
        ):
            return True
        return not any(at in found and found[at].to == to for at in covered)

    def check_counts(self, found, counted):
        """Return what is wrong with the notices that are not there: each must be accounted for."""
        missing = {}
        slack = {}
        for key, notice in self.notices.items():
            tag = notice[0]
            if key in found or key in self.gone:
                if key in found and not notice[5]:  # parked; it may be counted as well
                    slack[tag] = slack.get(tag, 0) + 1
            elif self.after.get(key) != (0, 0):
                missing[tag] = missing.get(tag, 0) + 1
        wrong = []
        if self.is_doing("remove") and self.key not in self.notices:
            return wrong  # an overflow that is being removed
        for tag in TAGS:
            more = counted.get(tag, 0) - missing.get(tag, 0)
            if not 0 <= more <= slack.get(tag, 0):
                wrong.append("1: so many of %s counted too much: %d" % (tag, more))
        return wrong

    def check_states(self):
        """Return what is wrong with the states of the tags."""
        states = {}
        wrong = []
        for record in borrow("outbox.states").replay(self.box):
            states[record.tag] = record.state, record.occurrence
            wrong += self.check_announced(record)
        for tag in TAGS:
            allowed = [self.states.get(tag)]
            if self.is_doing("append", "clear", "set_state") and self.expected[0] == tag:
                allowed.append((self.expected[1], self.expected[4]))
            if states.get(tag) not in allowed:
                wrong.append("8: state of %s is %s, not %s" % (tag, states.get(tag), allowed))
        return wrong

    def go_on(self):
        """Return what is wrong with the board's further work."""
        box = self.box
        key = box.append(self.notice(0, 1, 3, 0)[0])
        if key in self.keys or key in self.notices or box.find(b"", outbox.PENDING) is None:
            return ["4: key given out again"]
        if self.keys and key <= max(self.keys):
            return ["4: keys do not rise"]
        for ranks in (outbox.PENDING, outbox.PARKED):
            while box.find(b"", ranks):
                box.remove(box.find(b"", ranks))
        while box.find(b"", outbox.BUNDLES):
            box.remove(box.find(b"", outbox.BUNDLES))
        return ["cannot be emptied"] if box.count(outbox.ANY) or len(os.listdir(ROOT)) > 4 else []


def tally(counts, overflow):
    """Add what an overflow counts."""
    total = 0
    for line in overflow.text.split("\n"):
        number, tag = line.split(" ", 1)
        counts[tag] = counts.get(tag, 0) + int(number)
        total += int(number)
    if total != overflow.occurrence:
        counts["wrong sum"] = 1


def fails(world, function, *args):
    """Call until it is done or the power fails; tell whether it failed."""
    try:
        function(*args)
    except OSError:
        if not world.device.dead:
            raise
    return world.device.dead


def cut_scenario(before, steps, result):
    """Cut a scenario at each operation, and each boot after that at some of its own."""
    number = 0
    while True:
        number += 1
        world = World()
        world.start()
        world.boots = world.box.boots
        world.run(before)
        world.device.cut = world.device.count + number
        if not fails(world, world.run, steps):
            return
        result["erase" if world.device.dead == flash.ERASE else "program"] += 1
        flash.copy(IMAGE, world.memory)
        look(world, result)
        second = number % STRIDE - STRIDE + 1
        while True:
            second += STRIDE
            flash.copy(world.memory, IMAGE)
            if not fails(world, world.start, second):
                break
            result["boot"] += 1
            look(world, result)


def look(world, result):
    """Boot, check, and go on working."""
    wrong = world.check() or world.go_on()
    if wrong:
        result["wrong"] += 1
        if len(result["examples"]) < 5:
            result["examples"].append([world.doing, wrong])


def main():
    """Run the scenarios."""
    results = {}
    scenarios = SCENARIOS[sys.argv[4]]
    for name in scenarios:
        results[name] = {"program": 0, "erase": 0, "boot": 0, "wrong": 0, "examples": []}
        before, steps = scenarios[name]
        cut_scenario(before, steps, results[name])
    print(json.dumps(results))


main()
