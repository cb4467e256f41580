"""Let the notifier run for days in simulated time: `soak FOLDER IMAGE [DAYS]`.

Without DAYS it makes IMAGE, a flash with a configuration that is checked. With them it runs from
there, so that the heap is that of a board after its reset. Standard output is the console of the
board, and what is measured at each midnight, when nothing waits; standard error is what its
gateway hears. So nothing of that stays on the heap.
"""

# `startup.py` gives an App most of what it has.
# pyright: reportAttributeAccessIssue=false

import gc
import os
import sys

import flash
import micropython
import plant

sys.path.insert(0, sys.argv[1])

import alarmpost
import app as firmware
import notifier
from log import INFO

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
BLOCKS = 256
BEATS = 75  # of two alarms that chatter, an hour
WIRED = 16  # points that the program sets; the others have wires


class Gateway(plant.Gateway):
    """One that prints the mails."""

    def hear(self, connection, piece):
        sys.stderr.buffer.write(piece)

    def took(self, mail):
        sys.stderr.write("\r\n.TAKEN %d %s\n" % (mail[0], " ".join(mail[1])))

    def answer(self, stage, line, usual):
        if stage == "DATA":
            sys.stderr.write(".MAIL\n")
        return super().answer(stage, line, usual)


class Soak(plant.Plant):
    """A board with its plant, and a day of it."""

    def __init__(self):
        with open("config.json") as file:
            super().__init__(file.read(), blocks=BLOCKS)
        self.gateways = {25: Gateway(self)}
        plant.server.utc += 0  # its own from now on

    # Boots

    def make(self, path):
        """Make the flash of a board whose first boot has checked its configuration."""
        self.boot()
        with open(path, "wb") as file:
            file.write(self.memory)

    def start(self, path):
        """Boot from such a flash."""
        with open(path, "rb") as file:
            file.readinto(self.memory)
        firmware._app = self.boot()
        self.app.log.level = INFO

    def due(self):
        """Return when the main loop has something to do next."""
        app = self.app
        found = min(app.alarms.due, app.next_look, app.sntp.due)
        if app.sntp.query:
            found = 0
        if self.board.link.up:
            found = min(found, app.notifier.due)
        return self.now + found - app.clock.now()

    def wait(self, duration):
        """Let time go on; what is idle is skipped."""
        until = self.now + duration
        while self.now < until:
            self.app.turn()
            self.now = min(until, max(self.due(), self.now + 5))

    # What happens in a day. These yield how long to wait: so all turns come from one depth of the
    # stack, as on a board. Else frames lie over words that are stale, and the collector believes.

    def drive(self, number, active):
        """Drive a point: that the program sets, a contact, or a value of a converter."""
        if number < WIRED:
            point = self.app.points[number]
            point.active = active
            point.pulse = active
        elif number < WIRED + 2:
            self.board.pins["DI%d" % number].drive(0 if active else 1)
        else:
            self.board.adcs["AI%d" % number].raw = 60000 if active else 30000

    def raise_one(self, number, duration):
        """Let an alarm come and go."""
        self.drive(number, True)
        yield duration
        self.drive(number, False)
        yield MINUTE

    def operate(self, number, event):
        """Give a command of an operator."""
        alarmpost.command(self.app.points[number].tag, event)

    def hour(self, hour):
        """Let three alarms come and go, and two chatter."""
        for number in range(3):
            number = (3 * hour + number) % 20
            yield from self.raise_one(number, MINUTE)
            self.operate(number, "ack")
            self.operate(number, "reset")
            yield 4 * MINUTE
        for beat in range(2 * BEATS):
            for number in (hour % 8, hour % 8 + 8):
                self.drive(number, not beat % 2)
            yield 700
        self.operate(7, "reset")
        alarmpost.notify("The hour %d is over." % hour, "low")
        yield 20 * MINUTE

    def flood(self, times, pause):
        """Let all points be in alarm."""
        for _ in range(times):
            for number in range(20):
                self.drive(number, True)
                yield SECOND
            yield pause
            for number in range(20):
                self.drive(number, False)
                yield SECOND
            yield pause
            self.operate(7, "reset")

    def link(self, up):
        self.board.link.up = up

    def state(self, state):
        self.gateways[25].state = state

    def day(self, number):
        """Let a day go by."""
        end = self.now + 24 * HOUR
        for hour in range(23):
            for what, *arguments in DAY.get(hour, ()):
                yield from what(self, *arguments) or ()
            if hour == 4 and number % 5 == 0:
                yield from self.flood(5, 20 * SECOND)  # more than the queue holds
            yield from self.hour(hour)
        for number in range(20):
            self.operate(number, "ack")
        yield end - self.now
        if self.now >= plant.WRAP:
            self.shift()

    def shift(self):
        """Let time begin anew, as the ticks do: beyond 2^30 it would take heap, as on boards."""
        self.now -= plant.WRAP
        self.board.dog.fed = self.now
        plant.server.utc += plant.WRAP

    def measure(self, day):
        """Print what is on the heap, and on flash: free blocks, erases, what waits, is parked.

        The client is let go before, whether it is there depends on what was borrowed last; and
        the line of the last trouble, which is as long as it is.
        """
        plant.server.questions.clear()
        self.app.trouble = ""
        self.app.notifier.make_room()
        gc.collect()
        gc.collect()
        print("DAY", day)
        micropython.mem_info()
        box = self.app.outbox
        print(
            "FLASH",
            os.statvfs(flash.PLACE)[3],
            self.device.erases,
            box.count(),
            box.count(b"\0\6"),
            self.app.failures,
            " ".join(sorted(os.listdir(flash.PLACE + "/queue"))),
        )
        gc.collect()

    def end(self):
        """Print how many occurrences each point had."""
        for point in self.app.points:
            print("POINT", point.tag, point.occurrence)


DAY = {
    1: ((Soak.drive, 5, True),),
    4: ((Soak.state, "refuses"),),
    6: ((Soak.state, "up"),),
    7: ((Soak.operate, 9, "shelve"), (Soak.link, False)),
    8: ((Soak.link, True), (Soak.operate, 9, "unshelve"), (Soak.drive, 5, False)),
    9: ((Soak.state, "hole"),),
    10: ((Soak.state, "up"), (Soak.operate, 19, "out")),
    11: ((Soak.operate, 19, "return"),),
    12: ((Soak.flood, 1, MINUTE),),
    13: ((Soak.drive, 3, True),),
}


def main():
    """Make a flash, or let days go by."""
    board = Soak()
    if len(sys.argv) < 4:
        board.make(sys.argv[2])
        return
    board.start(sys.argv[2])
    for day in range(int(sys.argv[3])):
        for duration in board.day(day):
            board.wait(duration)
        board.measure(day)
    board.end()


def fail(app, error):
    """Let the console tell where a failure of ours was, too."""
    sys.print_exception(error, sys.stdout)
    micropython.mem_info()
    caught(app, error)


plant.stand_in()
caught, firmware.App.fail = firmware.App.fail, fail
system = plant.Module(**{name: getattr(os, name) for name in dir(os)})
system.urandom = lambda count: b"3" * count  # so that the heap has the same fate each time
sys.modules["os"] = system
notifier.jitter = lambda delay: min(2 * delay, notifier.RETRY_MOST)
if __name__ == "__main__":
    main()
