"""A board in a storm: `storm FIRMWARE GEOMETRY SEED PORT...`; prints what happened as JSON.

The board, its plant and its flash are those of `plant`, in simulated time; the network is real.
Each life of the board ends by a power cut: at a flash operation, clean or torn, while a mail is on
its way, or between two turns. Then it prints "cut", so that the servers can hear what is still in
the network, and waits for a line; "calm" once there are to be no faults any more.
"""

# `startup.py` gives an App most of what it has; an error is known by what it has.
# pyright: reportAttributeAccessIssue=false

import json
import random
import sys
from binascii import hexlify

sys.path.insert(0, sys.argv[1])

import alarmpost
import app as firmware
import notifier
import outbox
import plant
from borrow import borrow
from plant import PLANT
from smtp_client import stream  # noqa: F401  (with the real network, not the simulated one)

EPOCH = 1795000000
LIVES = 8
SILENCE = 60  # ms that the client waits for a reply, of real time
LISTS = {
    "ops": ["ops@example.com"],
    "both": ["ops@example.com", "boss@example.com"],
    "night": ["night@example.com", "bad@example.com"],
    "all": ["ops@example.com", "boss@example.com", "night@example.com", "bad@example.com"],
}
TAGS = ["PUMP_1", "PUMP_2", "TANK_1", "DOOR_1", "DOOR_2", "FAN_1", "FAN_2", "VALVE"]
ROUTES = (
    "ops",
    "both",
    "night",
    "all",
    {"raise": "ops", "clear": "both"},
    {"raise": "all", "clear": "ops", "escalate": "both"},
)


class App(firmware.App):
    """One that tells of failures which no power cut explains."""

    def fail(self, error):
        if not PLANT[0].device.dead:
            TOLD["failures"].append("%s: %s" % (type(error).__name__, error))
            if len(TOLD["failures"]) == 1:
                sys.print_exception(error, sys.stderr)
        super().fail(error)


class Outbox(outbox.Outbox):
    """One that is full soon, and tells what was accepted."""

    def __init__(self, root, limit=200):
        super().__init__(root, PLANT[0].limit)

    def accept(self, notice):
        entry = ["", notice.kind, notice.tag, notice.occurrence, notice.value, notice.to]
        entry += [notice.text, notice.priority, False]
        before = self.sequence
        try:
            key = super().accept(notice)
            entry[-1] = True
        finally:
            if self.sequence > before:
                self.sequence -= 1
                entry[0] = name_of(self.next_key())
                TOLD["notices"].append(entry)
        return key


class Notifier(notifier.Notifier):
    """One that tells what it sends, and what it believes came of it."""

    def __init__(self, app, site):
        super().__init__(app, site)
        self.client.timeout = [SILENCE] * 20
        self.idle = self.client.stream.idle = PLANT[0].idle

    def mail(self, key, to):
        """Tell of what is sent who is off the outbox then."""
        record = self.outbox.read(key)
        members = []
        if record and record.kind == outbox.BUNDLE:
            members = borrow("outbox.members").members(self.outbox, record)
            members = [name_of(member) for member in members]
        self.sends = []
        self.about = [name_of(key), members]
        super().mail(key, to)
        record = self.outbox.read(key)
        left = record.to if record else 0
        for send in self.sends:
            send["left"] = [name for bit, name in enumerate(LISTS["all"]) if left >> bit & 1]

    def send(self, mail):
        send = {
            "key": self.about[0],
            "members": self.about[1],
            "id": mail.id,
            "left": LISTS["all"],
        }
        send["to"] = list(mail.envelope)
        send["port"] = self.client.server[1]
        send["life"] = TOLD["lives"]
        send["outcome"] = "cut"
        TOLD["sends"].append(send)
        self.sends.append(send)
        result = super().send(mail)
        error = result[1]
        send["outcome"] = error.outcome if error else "taken"
        send["refused"] = list(getattr(mail, "refused", ()))
        return result


class Storm(plant.Plant):
    """The world of one board, and what goes wrong in it."""

    hang = 0  # at which call of idle() the power fails
    idles = 0

    def __init__(self, geometry, ports):
        self.serial = 0
        self.limit = random.choice((20, 40, 200))
        super().__init__(json.dumps(configuration(ports)), geometry)

    # What happens

    def happen(self, time):
        """Let something happen at a time."""
        self.at(time, *random.choice(EVENTS)(self, time))

    def drive(self, tag, active):
        """Drive a point; each change has a value of its own, by which its notice is known."""
        point = self.app.find(tag)
        self.serial += 1
        point.reading = self.serial
        if active:
            point.set()
        elif active is None:
            point.fault()
        else:
            point.clear()

    def change(self, time):
        return self.drive, random.choice(TAGS), random.choice((True, True, False, False, None))

    def pulse(self, time):
        tag = random.choice(TAGS)
        self.at(time + random.randrange(20000), self.drive, tag, False)
        return self.drive, tag, True

    def chatter(self, time):
        tag = random.choice(TAGS)
        for beat in range(8):
            self.at(time + 700 * beat, self.drive, tag, not beat % 2)
        return self.drive, tag, True

    def flood(self, time):
        step = random.choice((10, 300, 2000))
        for beat in range(random.randrange(10, 30)):
            self.at(time + step * beat, self.drive, random.choice(TAGS), not beat % 2)
        return self.drive, TAGS[0], True

    def text(self, time):
        return (self.tell,)

    def tell(self):
        self.serial += 1
        text = "note %d" % self.serial + random.choice(("", " " + "\xe4" * 100, " " + "x" * 400))
        alarmpost.notify(text, random.choice(("high", "medium", "low")))

    def command(self, time):
        return self.operate, random.choice(TAGS), random.choice(COMMANDS)

    def operate(self, tag, event):
        try:
            alarmpost.command(tag, event, 60000)
        except OSError:
            if not self.device.dead:
                raise

    def link(self, time):
        self.at(time + random.randrange(90000), self.connect, True)
        return self.connect, False

    def connect(self, up):
        self.board.link.up = up

    def time(self, time):
        return (self.synchronize,)

    def synchronize(self):
        """Let a time server answer, in the next turn."""
        error = random.choice((0, 0, 1, 7))
        self.answer = EPOCH + self.started // 1000 + error

    # The board

    def boot(self, cut=0, torn=False, cause="power on"):
        self.answer = None
        self.idles = 0
        self.started = self.now
        firmware._app = None
        super().boot(cut, torn, cause)
        self.app.log.level = -1
        self.app.sntp = self
        firmware._app = self.app

    due = heard = 0

    def poll(self, now):
        """Be the app's `Sntp`."""
        answer = self.answer
        self.answer = None
        return answer

    def idle(self):
        """Let time go on while the board waits; the power may fail."""
        self.idles += 1
        self.pass_until(self.now + 3)
        self.app.watch()
        if self.device.dead or self.idles == self.hang:
            raise plant.Reset

    def live(self):
        """Live until a power cut."""
        ending = random.randrange(4)
        cut = random.randrange(1, 70) if ending < 2 else 0
        self.hang = random.randrange(1, 150) if ending == 2 else 0
        length = random.randrange(20000, 600000)
        try:
            self.boot(cut, random.randrange(2), random.choice(("power on", "watchdog")))
            for _ in range(random.randrange(2, 20)):
                self.happen(self.now + random.randrange(length))
            self.run(self.now + length, 5000)
        except plant.Reset:
            pass
        except Exception:  # no configuration, say, since that cannot be read
            if not self.device.dead:
                raise
        self.end()

    def end(self):
        """Cut the power."""
        TOLD["lives"] += 1
        TOLD["cuts"] += bool(self.device.dead)
        TOLD["operations"] += self.device.count
        self.events.clear()
        if firmware._app:
            self.app.notifier.client.stop()
        ask("cut")

    def drain(self):
        """Live on in calm weather until all is told; return what is parked."""
        ask("calm")
        self.hang = 0
        self.boot()
        idle = 0
        box = self.app.outbox
        for _ in range(200):
            self.run(self.now + 300000, 20000)
            busy = self.app.alarms.out or box.count() or box.count(outbox.BUNDLES)
            idle = 0 if busy else idle + 1
            if idle == 3:
                break
        TOLD["left"] = box.count() + box.count(outbox.BUNDLES)
        TOLD["parked"] = [[name_of(record.key), record.parked] for record in parked(box)]
        borrow("upkeep").beat(self.app, self.app.clock.now())
        self.run(self.now + 300000, 20000)
        self.app.notifier.client.close()
        ask("cut")


EVENTS = (
    [Storm.change] * 6
    + [Storm.pulse] * 4
    + [Storm.text] * 2
    + [Storm.chatter, Storm.flood, Storm.command, Storm.command, Storm.link]
    + [Storm.time] * 2
)
COMMANDS = ("ack", "reset", "shelve", "unshelve", "out", "return", "return")


def configuration(ports):
    """Return a configuration."""
    points = []
    for tag in TAGS:
        point = {"tag": tag, "type": "software", "re_alarm": 0}
        point["priority"] = random.choice(("high", "high", "medium", "medium", "low"))
        point["on_delay"] = random.choice((0, 0, 3))
        point["off_delay"] = random.choice((0, 0, 3))
        point["latched"] = random.randrange(8) == 0
        if point["priority"] == "high":
            point["escalate"] = 60
        point["to"] = random.choice(ROUTES)
        points.append(point)
    return {
        "plant": "PLANT",
        "device": "plc7",
        "sender": "plc7@plant.lan",
        "recipients": LISTS,
        "gateways": ["127.0.0.1:%s" % port for port in ports],
        "ntp": "",
        "system": "ops",
        "heartbeat": "",
        "acknowledge": True,
        "watchdog": 0,
        "log": "error",
        "ceiling": random.choice((3, 10)),
        "points": points,
    }


def name_of(key):
    """Return a key in the form that the Message-ID has it."""
    name = hexlify(key).decode()
    return name[:6] + "." + name[6:]


def parked(box):
    """Yield what is parked."""
    key = box.find(b"", outbox.PARKED + outbox.PENDING)
    while key:
        record = box.read(key)
        if record.parked:
            yield record
        key = box.find(key, outbox.PARKED + outbox.PENDING)


def ask(word):
    """Let the host do something."""
    print(word)
    sys.stdin.readline()


TOLD = {
    "notices": [],  # key, kind, tag, occurrence, value, to, text, priority, accepted
    "sends": [],
    "failures": [],  # of the firmware
    "lives": 0,
    "cuts": 0,
    "operations": 0,
}


def main():
    """Live some lives."""
    plant.stand_in()
    random.seed(int(sys.argv[3]))
    notifier.urandom = lambda count: bytes([random.getrandbits(8) for _ in range(count)])
    firmware.App = App
    outbox.Outbox = Outbox
    notifier.Notifier = Notifier
    world = Storm(sys.argv[2], sys.argv[4:])
    for _ in range(LIVES):
        world.live()
    world.drain()
    TOLD["addresses"] = LISTS["all"]  # it is the first one, by name
    print(json.dumps(TOLD))


main()
