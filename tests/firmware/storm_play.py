"""The weather of a storm, and what must hold of all that was said in it; for `test_storm.py`."""

import itertools
import json
import random
import re
import subprocess
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP, Mail, Scenario
from host_tools.fake_smtp.script import Moment, read_action

PROGRAM = Path(__file__).parent / "programs" / "storm.py"
PATIENCE = 600  # seconds after which a program counts as hung

KINDS = (
    *("OVERFLOW", "RAISE", "CLEAR", "FAULT", "GOOD", "ESCALATE", "REMIND", "CHATTER"),
    *("CHATTER_END", "SHELVE", "UNSHELVE", "OUT", "RETURN", "FLOOD", "FLOOD_END", "TEXT"),
    *("BOOT", "HEARTBEAT", "BUNDLE", "STATE"),
)
BEGINS = ("RAISE", "FAULT", "CHATTER")

SHUTDOWN = "then-drop 421 4.3.2 shutting down"
FAULTS = {
    # stage: what may go wrong there
    "CONNECT": ("drop", "reset", "silence"),
    "BANNER": ("then-drop 421 busy", "554 5.3.2 no service", "451 4.3.2 later", "silence"),
    "EHLO": ("then-drop 421 busy", "451 4.3.0 later", "502 5.5.1 what?", "drop", "silence"),
    "HELO": ("451 4.3.0 later", "550 5.7.1 no", "drop"),
    "MAIL": ("451 4.3.0 later", "550 5.7.1 no", SHUTDOWN, "421 end", "silence", "drop", "reset"),
    "RCPT": ("450 4.2.0 later", "450 4.2.0 later", "550 5.1.1 no", SHUTDOWN, "silence", "drop"),
    "DATA": ("451 4.3.0 later", "554 5.5.1 no", SHUTDOWN, "silence", "drop", "reset"),
    "BODY": ("552 5.3.4 too much", "451 4.3.0 later", "drop", "reset", "silence"),
    "DOT": ("451 4.3.0 later", "554 5.7.1 no", SHUTDOWN, "drop", "drop", "reset", "silence"),
    "QUIT": ("silence", "drop"),
}
OFTEN = ("MAIL", "RCPT", "DATA", "DOT")
"""The stages that fail more often."""


@dataclass(frozen=True)
class Weather(Scenario):
    """A scenario that draws lots. It has a constant, too: "bad" is refused for good."""

    lots: random.Random = field(default_factory=random.Random)
    counts: Counter = field(default_factory=Counter)

    def action(self, moment: Moment):
        """Return what goes wrong at this moment, None for nothing."""
        if moment.stage == "RCPT" and moment.address.startswith("bad@"):
            return read_action("550 5.1.1 no such user")
        if self.name == "calm" or self.lots.random() > self.odds(moment.stage):
            return None
        what = self.lots.choice(FAULTS[moment.stage])
        self.counts[moment.stage] += 1
        return read_action(what)

    def odds(self, stage: str) -> float:
        """Return how probable a fault is."""
        return 0.12 if stage in OFTEN else 0.04 if stage in FAULTS else 0


class Story:
    """All that happened in a storm.

    told: what `programs/storm.py` prints
    mails: what the servers took, in order
    """

    def __init__(self, told: dict, mails: list[Mail], faults: Counter):
        self.told = told
        self.mails = mails
        self.faults = faults
        self.sends = told["sends"]
        self.addresses = told["addresses"]
        self.notices = {}
        for key, kind, tag, occurrence, value, to, text, priority, accepted in told["notices"]:
            self.notices[key] = Notice(
                key, KINDS[kind], tag, occurrence, value, self.names(to), text, priority, accepted
            )
        self.parked = {key: self.names(mask) for key, mask in told["parked"]}
        self.taken: dict[tuple[str, str], list[int]] = {}  # by key and recipient: numbers of mails
        for number, mail in enumerate(mails):
            for recipient in mail.recipients:
                self.taken.setdefault((key_of(mail), recipient), []).append(number)
        self.first = {}  # by key of a notice and recipient: number of the mail it came first in
        for number, mail in enumerate(mails):
            for key in self.covered(mail):
                for recipient in mail.recipients:
                    self.first.setdefault((key, recipient), number)

    def names(self, mask: int) -> list[str]:
        """Return the addresses that a mask stands for."""
        return [name for bit, name in enumerate(self.addresses) if mask >> bit & 1]

    def members(self, mail: Mail) -> list[str]:
        """Return the keys of the notices that a mail was made of."""
        key = key_of(mail)
        if self.notices[key].kind != "BUNDLE":
            return [key]
        sends = [send["members"] for send in self.sends if send["key"] == key]
        return sorted(set(itertools.chain(*sends)))

    def covered(self, mail: Mail) -> list[str]:
        """Return the keys of the notices that a mail names or counts."""
        members = self.members(mail)
        own = self.notices[key_of(mail)]
        if own.kind != "BUNDLE" or own.text:
            return members
        return [key for key in members if named(self.notices[key], mail)]

    def counts(self) -> Counter:
        """Return what there was how often, by the names in `COUNTED`."""
        kinds = Counter(notice.kind for notice in self.notices.values())
        again = sum(len(numbers) - 1 for numbers in self.taken.values())
        unknown = [send for send in self.sends if send["outcome"] in ("unknown", "cut")]
        found = (
            sum(notice.accepted for notice in self.notices.values()),
            len(self.mails),
            self.told["lives"],
            sum(self.faults.values()),
            len(unknown),
            again,
            kinds["BUNDLE"],
            kinds["OVERFLOW"],
            len(self.parked),
        )
        return Counter(dict(zip(COUNTED, found, strict=True)))


COUNTED = (
    "notices",
    "mails",
    "power cuts",
    "SMTP faults",
    "mails of unknown outcome",
    "duplicates",
    "digests",
    "overflows",
    "parked",
)


@dataclass(frozen=True)
class Notice:
    """What was accepted; as in `outbox.Record`."""

    key: str
    kind: str
    tag: str
    occurrence: int
    value: float | None
    to: list[str]
    text: str
    priority: int
    accepted: bool


def key_of(mail: Mail) -> str:
    """Return the key that the Message-ID of a mail tells."""
    return re.fullmatch(r"<\w+\.(\w+\.\w+)@alarmpost.internal>", header(mail, "Message-ID"))[1]


def header(mail: Mail, name: str) -> str:
    """Return a header field as it came, "" where there is none."""
    found = re.search(rf"^{name}: (.*)\r$", mail.data.decode().partition("\r\n\r\n")[0], re.M)
    return found[1] if found else ""


def body(mail: Mail) -> str:
    """Return the text of a mail."""
    return mail.message.get_content().replace("\r\n", "\n")


WORDS = {
    "RAISE": "RAISED",
    "CLEAR": "CLEARED",
    "FAULT": "FAULT",
    "GOOD": "FAULT GONE",
    "ESCALATE": "NOT ACKNOWLEDGED",
    "REMIND": "STILL ACTIVE",
    "CHATTER": "CHATTERING",
    "CHATTER_END": "CHATTERED",
    "SHELVE": "SHELVED",
    "UNSHELVE": "UNSHELVED",
    "OUT": "OUT OF SERVICE",
    "RETURN": "BACK IN SERVICE",
    "FLOOD": "ALARM FLOOD OF",
    "FLOOD_END": "END OF ALARM FLOOD OF",
}


def named(notice: Notice, mail: Mail) -> bool:
    """Tell whether a digest names a notice, or counts notices of its tag."""
    text = body(mail)
    table, _, counts = text.partition("without a line of their own:")
    if re.search(rf"^\d+ {re.escape(notice.tag or 'others')}$", counts, re.M):
        return True
    line = rf" {re.escape(notice.tag)} +{WORDS[notice.kind]}\b"
    if notice.kind == "CLEAR" and notice.text == "unseen":
        line = rf" {re.escape(notice.tag)} +CLEARED WHILE OFF\b"
    if notice.value is not None and notice.kind not in ("SHELVE",):
        line += rf".* {notice.value:.0f}\b"
    return re.search(line, table, re.M) is not None


# What must hold


def lost(story: Story):
    """Each accepted notice was delivered, or is parked, or is counted in an overflow mail."""
    missing = Counter()
    for notice in story.notices.values():
        if notice.kind in ("BUNDLE", "OVERFLOW") or not notice.accepted:
            continue
        for recipient in notice.to:
            if (notice.key, recipient) in story.first:
                continue
            if recipient not in story.parked.get(notice.key, ()):
                missing[recipient, notice.tag] += 1
    counted = overflowed(story)
    for (recipient, tag), count in missing.items():
        if counted[recipient, tag] < count:
            yield f"{recipient}: {count} of {tag!r} missing, {counted[recipient, tag]} counted"


def overflowed(story: Story) -> Counter:
    """Return what overflows count for each recipient and tag, delivered ones and parked ones."""
    counted = Counter()
    for key, notice in story.notices.items():
        if notice.kind == "OVERFLOW":
            for recipient in notice.to:
                parked = recipient in story.parked.get(key, ())
                if (key, recipient) in story.taken or parked:
                    for line in notice.text.split("\n"):
                        number, tag = line.split(" ", 1)
                        counted[recipient, tag] += int(number)
    return counted


def told_wrong(story: Story):
    """An overflow mail counts what its record does."""
    for mail in story.mails:
        notice = story.notices[key_of(mail)]
        if notice.kind == "OVERFLOW":
            for line in notice.text.split("\n"):
                tag = line.split(" ", 1)[1] or "others"
                count = line.split(" ", 1)[0]
                if tag != "others" and f"\n{count} {tag}\n" not in body(mail):
                    yield f"{notice.key}: {line!r} is not in the mail"


def unlike(story: Story):
    """Who gets a mail again gets it with the same Message-ID and Date."""
    seen = {}
    for mail in story.mails:
        fields = [header(mail, name) for name in ("Message-ID", "Date", "From")]
        for recipient in mail.recipients:
            first = seen.setdefault((key_of(mail), recipient), fields)
            if first != fields:
                yield f"{recipient}: {first} and then {fields}"


def twice(story: Story):
    """A notice reaches a recipient twice only where nobody knew, and then as the same mail."""
    done = {}  # by notice and recipient: the key of the mail that has it for good
    doubt = {}  # the same: keys of mails that may have it
    for send in story.sends:
        for notice in send["members"] or [send["key"]]:
            for recipient in send["to"]:
                who = notice, recipient
                if who in done:
                    yield f"{who} again, in {send['key']}, after {done[who]}"
                if who in doubt and send["key"] not in doubt[who] and send["outcome"] != "refused":
                    yield f"{who} in {send['key']}, maybe had it in {doubt[who]}"
                if has(send, recipient):
                    done[who] = send["key"]
                if maybe_has(send, recipient):
                    doubt.setdefault(who, set()).add(send["key"])


def has(send: dict, recipient: str) -> bool:
    """Tell whether a recipient has a mail, and the outbox knows."""
    taken = send["outcome"] == "taken" and recipient not in send["refused"]
    return taken and recipient not in send["left"]


def maybe_has(send: dict, recipient: str) -> bool:
    """Tell whether a recipient may have a mail that is to be sent again."""
    if send["outcome"] == "refused" or recipient in send.get("refused", ()):
        return False
    return recipient in send["left"] or send["outcome"] == "unknown"


def told_by_servers(story: Story):
    """What the client believes is what the servers did."""
    sure = Counter()
    maybe = Counter()
    for send in story.sends:
        for recipient in send["to"]:
            who = send["key"], recipient
            if send["outcome"] == "taken":
                sure[who] += recipient not in send["refused"]
            maybe[who] += send["outcome"] in ("unknown", "cut")
    for who in sure.keys() | maybe.keys() | story.taken.keys():
        count = len(story.taken.get(who, ()))
        if not sure[who] <= count <= sure[who] + maybe[who]:
            yield f"{who}: taken {count} times, told {sure[who]}, unknown {maybe[who]}"


def twins(story: Story):
    """What the servers took: a notice reaches a recipient in no two mails of different names."""
    seen = {}
    for mail in story.mails:
        for key in story.covered(mail):
            for recipient in mail.recipients:
                before = seen.setdefault((key, recipient), key_of(mail))
                if before != key_of(mail):
                    yield f"{key} to {recipient} in {before} and in {key_of(mail)}"


def disorder(story: Story):
    """Each recipient hears of each tag in the order of events. FLOOD is news of the plant."""
    for recipient in story.addresses:
        latest = {}
        for key in sorted(story.notices):
            notice = story.notices[key]
            number = story.first.get((key, recipient))
            if number is None or not notice.tag or notice.kind == "FLOOD":
                continue
            before = latest.get(notice.tag, ("", -1))
            if number < before[1]:
                yield f"{recipient}: {notice.kind} {notice.tag} {key} before {before[0]}"
            latest[notice.tag] = key, number


def strangers(story: Story):
    """Each mail is of a record, and says what its record says, to its recipients only."""
    for mail in story.mails:
        notice = story.notices.get(key_of(mail))
        if not notice:
            yield f"{key_of(mail)}: no record"
        elif set(mail.recipients) - set(notice.to):
            yield f"{notice}: to {mail.recipients}"
        elif notice.kind in WORDS and f" {notice.tag} " not in f"{mail.message['Subject']} ":
            yield f"{notice}: {mail.message['Subject']}"
        elif not [words for words in said(notice) if words in body(mail)]:
            yield f"{notice}: {body(mail)}"


def said(notice: Notice) -> list[str]:
    """Return what the mail of a notice says, one of it."""
    if notice.kind in ("RAISE", "CLEAR") and notice.value is not None:
        return [f"\nValue: {notice.value:.0f}\n"]
    return [notice.text] if notice.kind == "TEXT" else [""]


def unseen(story: Story):
    """The last heartbeat tells of all that is parked, and for whom."""
    beats = [mail for mail in story.mails if story.notices[key_of(mail)].kind == "HEARTBEAT"]
    refused = set(itertools.chain(*story.parked.values()))
    refused = [name for name in story.addresses if name in refused]
    for line in f"Parked: {len(story.parked)}", "Refused by: " + ", ".join(refused):
        if refused and (not beats or line + "\n" not in body(beats[-1])):
            yield f"no heartbeat says {line!r}"


def troubled(story: Story):
    """No boot finds anything damaged, or no configuration."""
    for notice in story.notices.values():
        if notice.kind == "BOOT" and notice.accepted and "\n" in notice.text:
            yield notice.text


def loose(story: Story):
    """A mail that goes on with an occurrence replies to what announces that, and to nothing else.

    That is a notice, or a bundle that it was in.
    """
    for mail in story.mails:
        notice = story.notices[key_of(mail)]
        if notice.kind not in ("CLEAR", "REMIND", "ESCALATE"):
            continue
        first = [one.key for one in story.notices.values() if announces(one, notice)]
        first = first or [chattering(story, notice)]  # then raises are only counted
        bundles = [send["key"] for send in story.sends if set(first) & set(send["members"])]
        thread = header(mail, "In-Reply-To")
        if not [key for key in first + bundles if key in thread]:
            yield f"{notice}: {thread!r}, not {first} nor {bundles}"


def announces(first: Notice, notice: Notice) -> bool:
    """Tell whether a notice announced the occurrence of another one."""
    return (
        first.kind in BEGINS
        and (first.tag, first.occurrence) == (notice.tag, notice.occurrence)
        and first.key < notice.key
    )


def chattering(story: Story, notice: Notice) -> str:
    """Return the key of the last notice that announced anything of a tag before another one."""
    before = [one for one in story.notices.values() if one.tag == notice.tag]
    return max(one.key for one in before if one.kind in BEGINS and one.key < notice.key)


CHECKS = (
    lost,
    told_wrong,
    unlike,
    twice,
    told_by_servers,
    twins,
    disorder,
    strangers,
    unseen,
    troubled,
    loose,
)


def wrongs(story: Story) -> list[str]:
    """Return all that is wrong with a story."""
    found = [f"{check.__name__}: {words}" for check in CHECKS for words in check(story)]
    found += [f"failure: {words}" for words in story.told["failures"]]
    if story.told["left"]:
        found.append(f"not drained: {story.told['left']}")
    return found


def play(firmware: Path, geometry: str, seed: int) -> Story:
    """Let a storm rage; return all that happened."""
    mails: list[Mail] = []
    weathers = [Weather("storm", lots=random.Random(f"{seed} {n}")) for n in range(2)]
    offers = ("PIPELINING", "8BITMIME", "SIZE 100000"), ("ENHANCEDSTATUSCODES",)

    def watch(event):
        if event.mail:
            mails.append(event.mail)

    with (
        FakeSMTP(weathers[0], offers[0], watch=watch) as first,
        FakeSMTP(weathers[1], offers[1], watch=watch) as second,
    ):
        servers = first, second
        words = [micropython.find(64), "-X", "heapsize=1m", PROGRAM, firmware, geometry, seed]
        words += [server.port for server in servers]
        told = converse([str(word) for word in words], servers)
    return Story(json.loads(told), mails, weathers[0].counts + weathers[1].counts)


def converse(words: list[str], servers: tuple[FakeSMTP, ...]) -> str:
    """Run the program and do what it asks for; return what it printed last."""
    told = ""
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        patience = threading.Timer(PATIENCE, process.kill)
        patience.start()
        assert process.stdin
        assert process.stdout
        for line in process.stdout:
            if line == "calm\n":
                for server in servers:
                    server.scenario = Weather("calm")
            elif line == "cut\n":
                for session in [one for server in servers for one in server.sessions]:
                    session.wait_closed()
            else:
                told = line
                continue
            process.stdin.write("\n")
            process.stdin.flush()
        patience.cancel()
    assert process.returncode == 0, told
    return told
