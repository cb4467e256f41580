"""A board with its plant and its network in simulated time; for MicroPython's unix port.

Nothing here waits: where the firmware would, time goes on. Flash is real LittleFS, in memory
beside the heap. `Plant` is the world: the clock, events at their times, gateways, power. The
firmware's own code runs unchanged; only what it imports of the system is replaced, by `stand_in`.
"""

# pyright: reportAttributeAccessIssue=false, reportUnnecessaryComparison=false

import sys
import time
from errno import ECONNREFUSED, EINPROGRESS
from struct import pack

import flash

sys.path.insert(0, sys.argv[1])

import app as firmware
from clock import Clock

WRAP = 1 << 30  # as of MicroPython's ticks
NEVER = 1 << 60
SINCE_1900 = 2208988800
END = b"\r\n.\r\n"  # of a mail
TAIL = 16  # octets that the end of a mail is in, with the QUIT that may follow
_POLLIN = 1
_POLLOUT = 4


class Reset(BaseException):
    """The board was reset."""


class Pin:
    """An input; `drive()` is the wire."""

    def __init__(self):
        self.level = 1
        self.handler = None

    def value(self):
        return self.level

    def irq(self, handler=None, trigger=3, **_):
        self.handler = handler
        self.trigger = trigger

    def drive(self, level):
        """Set the level; the interrupt comes at once."""
        edge = 1 if level > self.level else 2
        changed = level != self.level
        self.level = level
        if changed and self.handler and self.trigger & edge:
            self.handler(self)

    IRQ_RISING = 1
    IRQ_FALLING = 2


class Adc:
    """An analog input."""

    raw = 30000

    def read_u16(self):
        return self.raw


class Dog:
    """A watchdog: it notes the longest time without food."""

    def __init__(self, plant, limit):
        self.plant = plant
        self.limit = limit
        self.fed = plant.now
        self.longest = 0

    def feed(self):
        self.longest = max(self.longest, self.plant.now - self.fed)
        self.fed = self.plant.now


class Link:
    """The network interface."""

    up = True
    address = "192.168.1.7"

    def poll(self, now):
        pass


class Board:
    """The hardware, as the firmware's app wants it."""

    name = "SIMULATED"
    uid = b"\xe6\x61\xa4\xd4\x17\x7d\x2b\x2f"

    def __init__(self, plant):
        self.plant = plant
        self.pins = {}
        self.adcs = {}
        self.link = Link()
        self.cause = "power on"

    def digital(self, name, pull=""):
        return self.pins.setdefault(name, Pin())

    def analog(self, name):
        return self.adcs.setdefault(name, Adc())

    def watchdog(self, limit):
        self.dog = Dog(self.plant, limit) if limit else None
        return self.dog

    def reset_cause(self):
        return self.cause

    def reset(self):
        raise Reset

    def indicate(self, state):
        pass


class Gateway:
    """An SMTP server; what it took is in `mails`, or told to `took`.

    faults: what it answers to a stage (CONNECT EHLO MAIL RCPT DATA BODY QUIT) in place of the
        usual: a reply without CRLF, "" for silence, "close"; or a function of (stage, line) that
        returns one of these or None
    state: "up", "refuses" connections, or is a "hole"
    latency: ms until a reply comes
    """

    state = "up"
    latency = 0

    def __init__(self, plant):
        self.plant = plant
        self.faults = {}
        self.mails = []

    def answer(self, stage, line, usual):
        """Return the reply to a command."""
        faults = self.faults
        reply = faults(stage, line) if callable(faults) else faults.get(stage)
        return usual if reply is None else reply

    def hear(self, connection, piece):
        """Hear a piece of a mail."""
        connection.mail += piece

    def took(self, mail):
        """Take a mail: time, recipients, and octets."""
        self.mails.append(mail)


class Socket:
    """One connection, as `smtp_client.stream` uses it."""

    def __init__(self, *_):
        self.inbox = b""
        self.ready = NEVER
        self.closed = False
        self.lines = b""
        self.data = False  # whether a mail is on its way
        self.mail = b""
        self.recipients = []
        self.gateway = None

    def setblocking(self, _):
        pass

    def setsockopt(self, *_):
        pass

    def connect(self, address):
        self.plant = PLANT[0]
        self.gateway = self.plant.gateways[address[1]]
        if self.gateway.state == "refuses":
            raise OSError(ECONNREFUSED)
        if self.gateway.state == "up":
            self.say(self.gateway.answer("CONNECT", b"", "220 gateway ESMTP"))
        raise OSError(EINPROGRESS)

    def say(self, reply):
        """Let a reply come; "" is silence."""
        if reply == "close":
            self.closed = True
        elif reply:
            self.inbox += reply.encode() + b"\r\n"
            self.ready = self.plant.now + self.gateway.latency

    def write(self, data, start, length):
        if self.gateway.state != "up":
            return None
        if self.data:
            self.gateway.hear(self, memoryview(data)[start:length])
        if self.data and length - start > TAIL:
            self.lines = bytes(data[length - TAIL : length])
        else:
            self.lines += bytes(data[start:length])
        self.hear()
        return length - start

    def hear(self):
        """Take what the client said; of a mail that goes on its last octets are kept."""
        while not self.closed:
            end = self.lines.find(END if self.data else b"\r\n")
            if end < 0:
                self.lines = self.lines[-TAIL:] if self.data else self.lines
                return
            line = self.lines[:end]
            self.lines = self.lines[end + (len(END) if self.data else 2) :]
            if self.data:
                self.end()
            else:
                self.command(line)

    def end(self):
        """Answer the end of a mail."""
        self.data = False
        mail = self.mail[: self.mail.find(END)]
        reply = self.gateway.answer("BODY", mail, "250 taken")
        if reply[:3] == "250" or reply[:5] == "taken":
            self.gateway.took((self.plant.now, tuple(self.recipients), mail))
            reply = reply[6:] if reply[:5] == "taken" else reply
        self.recipients = []
        self.say(reply)

    def command(self, line):
        word = line[:4].upper().decode()
        if word == "EHLO":
            usual = "250-gateway\r\n250-PIPELINING\r\n250 8BITMIME"
        elif word == "DATA":
            usual = "354 go on"
        elif word == "QUIT":
            usual = "221 bye"
        else:
            usual = "250 ok"
        reply = self.gateway.answer(word, line, usual)
        if word == "MAIL":
            self.recipients = []
        if word == "RCPT" and reply[:1] == "2":
            self.recipients.append(line[9:-1].decode())
        if word == "DATA" and reply[:3] == "354":
            self.data = True
            self.mail = b""
        self.say(reply)

    def events(self, wanted):
        """Return what a poll says."""
        if self.gateway and self.gateway.state == "hole":
            return 0
        found = _POLLOUT if wanted & _POLLOUT else 0
        if (self.inbox and self.ready <= self.plant.now) or self.closed:
            found |= _POLLIN
        return found & (wanted | _POLLIN) if wanted & _POLLIN else found & _POLLOUT

    def recv(self, length):
        data = self.inbox[:length]
        self.inbox = self.inbox[length:]
        return data

    def close(self):
        self.closed = True


class Keyboard:
    """What is typed on the console."""

    ready = NEVER
    typed = b""

    def events(self, wanted):
        return wanted & _POLLIN if self.typed else 0

    def read(self, count):
        data = self.typed[:count]
        self.typed = self.typed[count:]
        return data


class Poll:
    """select.poll(): waiting lets time go on. What is no socket is the console."""

    def register(self, socket, event):
        self.socket = socket if isinstance(socket, Socket) else PLANT[0].keyboard
        self.event = event

    def modify(self, socket, event):
        self.event = event

    def ipoll(self, wait):
        plant = PLANT[0]
        found = self.socket.events(self.event)
        if not found and wait > 0:
            until = plant.now + wait
            if plant.now < self.socket.ready < until:
                until = self.socket.ready
            plant.pass_until(until)
            found = self.socket.events(self.event)
        return ((self.socket, found),) if found else ()


class TimeServer:
    """An SNTP server, and the socket that asks it; one question at a time.

    utc: Unix ms of the plant's time 0
    wrong: how many ms its clock is wrong
    delay: ms until it answers; None: it does not
    questions: when it was asked
    """

    utc = 1795000000000
    wrong = 0
    delay = 2

    def __init__(self):
        self.questions = []

    def setblocking(self, _):
        pass

    def connect(self, _):
        self.answer = None

    def close(self):
        self.answer = None

    def send(self, data):
        now = PLANT[0].now
        self.questions.append(now)
        if self.delay is None:
            return
        time = self.utc + now + self.delay // 2 + self.wrong
        head = b"\x24\1" + bytes(22) + data[40:48] + bytes(8)
        stamp = pack(">II", time // 1000 + SINCE_1900, (time % 1000 << 32) // 1000)
        self.answer = now + self.delay, head + stamp

    def recv(self, _):
        if not self.answer or self.answer[0] > PLANT[0].now:
            raise OSError(11)
        return self.answer[1]


class Module:
    """A module of the system's, for what the firmware imports while it runs."""

    def __init__(self, **attributes):
        for name in attributes:
            setattr(self, name, attributes[name])


PLANT = []
server = TimeServer()


def stand_in():
    """Be the system's modules, for what the firmware imports from now on."""
    sys.modules["socket"] = Module(
        SOCK_STREAM=1,
        SOCK_DGRAM=2,
        socket=lambda _, kind, *more: Socket() if kind == 1 else server,
        getaddrinfo=lambda host, port, _, kind: [(2, kind, 0, "", (host, port))],
    )
    sys.modules["select"] = Module(poll=Poll)
    sys.modules["time"] = Module(
        gmtime=time.gmtime,
        sleep=time.sleep,
        ticks_ms=lambda: PLANT[0].ticks(),  # noqa: PLW0108  (there may be another plant by then)
        ticks_diff=lambda later, earlier: PLANT[0].diff(later, earlier),  # noqa: PLW0108
    )


class Plant:
    """The world of one board.

    now: ms since it began
    """

    def __init__(self, config, geometry="esp32", blocks=128, gateways=(25,), start=0):
        self.now = start
        self.geometry = geometry
        self.memory = flash.erased(blocks)
        flash.make(self.memory, geometry)
        self.gateways = {port: Gateway(self) for port in gateways}
        self.events = []  # (time, function), soonest first
        self.board = Board(self)
        self.keyboard = Keyboard()
        PLANT[:] = [self]
        self.mount()
        self.write("/config.json", config)

    # Time

    def ticks(self):
        return self.now & (WRAP - 1)

    def diff(self, later, earlier):
        return (later - earlier + WRAP // 2) % WRAP - WRAP // 2

    def at(self, time, function, *args):
        """Let something happen."""
        self.events.append((time, function, args))
        self.events.sort(key=lambda event: event[0])

    def pass_until(self, time):
        """Let time go on, and happen what is to."""
        while self.events and self.events[0][0] <= time:
            at, function, args = self.events.pop(0)
            self.now = max(self.now, at)
            function(*args)
        self.now = max(self.now, time)

    # Power

    def mount(self, cut=0, torn=False):
        flash.unmount()
        self.device = flash.Flash(self.memory, cut, torn)
        flash.mount(self.device, self.geometry)

    def write(self, path, text):
        with open(flash.PLACE + path, "w") as file:
            file.write(text)

    def boot(self, cut=0, torn=False, cause="power on"):
        """Switch the power on; with `cut` it fails at this flash operation.

        A boot that has checked a new configuration ends in a reset, and the next one counts.
        """
        self.mount(cut, torn)
        self.board = Board(self)
        self.board.cause = cause
        try:
            self.app = firmware.App(self.board, flash.PLACE, Clock(self.ticks, self.diff))
        except Reset:
            return self.boot(cut and cut - self.device.count, torn, "hard reset")
        self.app.log.level = LEVEL[0]
        return self.app

    def run(self, until, step=1000):
        """Let the main loop turn until a time; between turns as long as nothing is due."""
        app = self.app
        while self.now < until:
            app.turn()
            if self.device.dead:
                raise Reset
            started = self.now - app.clock.now()
            due = min(app.alarms.due, app.notifier.due) + started
            soon = min(max(due, self.now + 5), self.now + step, until)
            if self.events:
                soon = min(soon, max(self.events[0][0], self.now + 5))
            self.pass_until(soon)


LEVEL = [1]
