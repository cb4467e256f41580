"""What the notifier says on the wire, in simulated time: `rules FIRMWARE`; cases come as JSON.

Reads a list of cases, each a list of steps, from standard input; prints for each what was said,
a line for all that was said to a gateway at one time.
"""

# `startup.py` gives an App most of what it has.
# pyright: reportAttributeAccessIssue=false

import json
import re
import sys

sys.path.insert(0, sys.argv[1])

import alarmpost
import app as firmware
import notifier
import outbox
import plant
from borrow import borrow

EPOCH = 1795000000
DATE = re.compile(r"Date: .* (\d\d:\d\d:\d\d) ")
ID = re.compile(r"Message-ID: <[0-9a-f]+\.([0-9a-f]+)\.([0-9a-f]+)@")
THREAD = re.compile(r"In-Reply-To: <[0-9a-f]+\.([0-9a-f]+)\.([0-9a-f]+)@")
REFERENCES = re.compile(r"References: <[0-9a-f]+\.([0-9a-f]+)\.([0-9a-f]+)@")

ALL = ["ops@x.lan", "boss@x.lan"]


def point(tag, priority, to):
    """Return an alarm point that is raised and cleared at once."""
    return {
        "tag": tag,
        "type": "software",
        "priority": priority,
        "to": to,
        "on_delay": 0,
        "off_delay": 0,
        "re_alarm": 0,
    }


CONFIGURATION = {
    "plant": "P",
    "device": "plc7",
    "sender": "plc7@x.lan",
    "recipients": {"ops": ALL[:1], "boss": ALL[1:], "all": ALL},
    "system": "ops",
    "gateways": ["192.168.1.1:25", "192.168.1.1:26"],
    "ntp": "",
    "heartbeat": "",
    "watchdog": 0,
    "log": "error",
    "points": [point(tag, "high", "ops") for tag in ("H1", "H2", "H3")]
    + [point(tag, "medium", "ops") for tag in ("M1", "M2", "M3")]
    + [point("A1", "high", "all")]
    + [point(tag, "medium", {"raise": "all", "clear": "ops"}) for tag in ("S2", "S3")],
}


class Gateway(plant.Gateway):
    """One that notes all that it hears and what it does not answer as usual.

    faults: by stage, or stage and recipient, a reply, or a list of them for one time each
    """

    def __init__(self, world, name):
        super().__init__(world)
        self.name = name

    def answer(self, stage, line, usual):
        words = stage
        if stage == "RCPT":
            words += " " + line[9:].split(b"@")[0].decode()
        reply = self.faults.get(words, self.faults.get(stage))
        if isinstance(reply, list):
            reply = reply.pop(0) if reply else None
        if stage == "BODY":
            words = self.plant.describe(line.decode())
        reply = self.follow(stage, reply)
        self.plant.say(self.name, words if reply is None else words + "=" + (reply[:3] or "..."))
        return usual if reply is None else reply

    def follow(self, stage, reply):
        """Return the reply to a command, None for the usual one; after a refusal there is one."""
        if stage == "MAIL":
            self.mail = reply is None
            self.recipients = 0
        elif stage == "RCPT" and not self.mail:
            return "503 MAIL first"
        elif stage == "RCPT":
            self.recipients += reply is None
        elif stage == "DATA" and not self.recipients:
            return "503 RCPT first"
        return reply


class Case(plant.Plant):
    """One board and what is done to it."""

    broken = ""

    def __init__(self, options):
        configuration = dict(CONFIGURATION)
        configuration.update(options)
        super().__init__(json.dumps(configuration))
        self.gateways = {25: Gateway(self, "a"), 26: Gateway(self, "b")}
        self.lines = []
        self.mark = 0
        self.step_boot()
        self.first = self.app.outbox.boots - 1

    # What is said

    def say(self, name, words):
        """Note words that are said to a gateway."""
        before = "%g %s:" % ((self.now - self.mark) / 1000, name)
        if self.lines and self.lines[-1].startswith(before) and words != "CONNECT":
            self.lines[-1] += " " + words
        else:
            self.lines.append(before + " " + words)

    def describe(self, mail):
        """Return what tells a mail from others: Message-ID, Date, thread, and subject."""
        date = DATE.search(mail)
        thread = self.number(THREAD.search(mail))
        if thread != self.number(REFERENCES.search(mail)):
            thread = "References differ"
        subject = mail[mail.find("Subject: ") :].split("\r\n")[0][9:]
        words = [self.number(ID.search(mail)), date.group(1) if date else "undated"]
        words += ["re " + thread] if thread else []
        words.append(subject.partition("] ")[2])
        return "{%s}" % " ".join(words)

    def number(self, match):
        """Return a key, boots counted from 1."""
        if not match:
            return ""
        return "%d.%d" % (int(match.group(1), 16) - self.first, int(match.group(2), 16))

    def name(self, key):
        """Return a key, boots counted from 1."""
        return "%d.%d" % (outbox.boot_of(key) - self.first, int.from_bytes(key[3:], "big"))

    # Steps

    def step_boot(self):
        """Switch the power off and on."""
        firmware._app = None
        self.boot()
        self.app.log.level = -1
        firmware._app = self.app
        self.app.sntp = self
        self.answer = None
        self.started = self.now
        offset = self.app.outbox.offset
        self.app.outbox.offset = lambda key=b"": self.fail(key) or offset(key)

    due = heard = 0

    def poll(self, now):
        """Be the app's `Sntp`."""
        answer, self.answer = self.answer, None
        return answer

    def fail(self, key):
        """Fail where the mail of something is made that is broken."""
        if self.broken and key and self.app.outbox.read(key).tag == self.broken:
            raise ValueError(self.broken)

    def step_break(self, tag):
        """Let rendering what is of a tag fail."""
        self.broken = tag

    def step_start(self):
        """Have the clock set and the mail about the boot sent, and begin to take notes."""
        self.step_clock()
        self.step_run(60)
        self.step_mark()

    def step_mark(self):
        """Begin to take notes."""
        self.mark = self.now
        self.lines = []

    def step_clock(self):
        """Let a time server answer."""
        self.answer = EPOCH + self.started // 1000

    def step_run(self, seconds):
        """Let time pass."""
        self.run(self.now + seconds * 1000)

    def step_cut(self, seconds, operation):
        """Let time pass until the power fails, at a flash operation."""
        self.device.cut = self.device.count + operation
        try:
            self.step_run(seconds)
        except plant.Reset:
            self.app.notifier.client.stop()

    def step_set(self, *tags):
        for tag in tags:
            self.app.find(tag).set()
        self.app.watch()

    def step_clear(self, *tags):
        for tag in tags:
            self.app.find(tag).clear()
        self.app.watch()

    def step_command(self, tag, event):
        alarmpost.command(tag, event)
        self.app.watch()

    def step_text(self, text, priority):
        alarmpost.notify(text, priority)

    def step_faults(self, name, faults):
        """Let a gateway answer otherwise."""
        self.gateways[25 + "ab".find(name)].faults = faults

    def step_state(self, name, state):
        self.gateways[25 + "ab".find(name)].state = state

    def step_link(self, up):
        self.board.link.up = up

    def step_damage(self):
        """Damage the record of the oldest notice."""
        box = self.app.outbox
        with open(box.root + box.file_of(box.find()), "r+b") as file:
            file.write(b"?")

    def step_status(self):
        """Note what waits, and what is parked for whom."""
        box = self.app.outbox
        self.lines.append("waits: " + " ".join(map(self.name, keys(box, outbox.PENDING))))
        for key in keys(box, outbox.PARKED + outbox.PENDING):
            record = box.read(key)
            if record.parked:
                self.lines.append("parked: %s for %d" % (self.name(key), record.parked))

    def step_heartbeat(self):
        """Note what the heartbeat tells of mails."""
        borrow("upkeep").beat(self.app, self.app.clock.now())
        self.step_run(60)
        for gateway in self.gateways.values():
            mails = [mail for _, _, mail in gateway.mails if b"ALIVE" in mail]
            for line in (mails[-1] if mails else b"").decode().split("\r\n"):
                if line.split(":")[0] in ("Parked", "Refused by", "Waiting", "Failures caught"):
                    self.lines.append(line)

    def step_due(self):
        """Note how long everything waits."""
        wait = self.app.notifier.due - self.app.clock.now()
        self.lines.append("waits for %g s" % (wait / 1000))


class Jitter:
    """os.urandom(), but with the same octet each time."""

    def __init__(self, octet):
        self.octet = octet

    def __call__(self, count):
        return bytes([self.octet] * count)


def keys(box, ranks):
    """Yield the keys of what is in the outbox."""
    key = box.find(b"", ranks)
    while key:
        yield key
        key = box.find(key, ranks)


def main():
    """Play the cases."""
    plant.stand_in()
    cases = json.loads(sys.stdin.read())
    for name in sorted(cases):
        options, jitter, steps = cases[name]
        notifier.urandom = Jitter(jitter)
        case = Case(options)
        for step, *arguments in steps:
            getattr(case, "step_" + step)(*arguments)
        cases[name] = case.lines
    print(json.dumps(cases))


main()
