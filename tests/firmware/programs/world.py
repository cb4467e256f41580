"""Let a test on CPython drive a simulated plant: `world FIRMWARE`.

Reads a JSON array a line, [how, source]: "do" runs statements, "get" returns what an expression
is worth. An answer is a line of "=" and JSON: [true, value] or [false, error]; all other lines are
the firmware's console. Names that sources may use: `plant`, `app`, what this module defines, and
what they have assigned before.
"""

# pyright: reportAttributeAccessIssue=false, reportUnnecessaryComparison=false

import io
import json
import sys

sys.path.insert(0, sys.argv[1])

import alarmpost
import app as firmware
import flash
import notifier
import plant as world

STEP = 5  # ms of a turn of the main loop
PROGRAM = 1  # ms of a page of 256 octets
ERASE = 50  # ms of a block
SETTLED = 200  # ms after an event in which nothing is skipped


class SlowFlash(flash.Flash):
    """A flash whose operations take their time, as on an RP2; reading takes none."""

    def writeblocks(self, block, buffer, offset=0):
        names["plant"].now += PROGRAM
        return super().writeblocks(block, buffer, offset)

    def ioctl(self, operation, block):
        if operation == 6:
            names["plant"].now += ERASE
        return super().ioctl(operation, block)


def slow_flash():
    """Boot with such a flash."""
    flash.Flash = SlowFlash
    boot()


def make(config, **options):
    """Make a plant whose board has a configuration."""
    flash.Flash = FastFlash
    names["plant"] = plant = world.Plant(config, blocks=flash.SIZES["esp32"], **options)
    return plant


def boot(cause="power on"):
    """Switch the power on; delays are not random here, so that stories repeat."""
    notifier.jitter = lambda delay: min(2 * delay, notifier.RETRY_MOST)
    try:
        app = names["plant"].boot(cause=cause)
    except world.Reset:  # it has checked another configuration
        app = names["plant"].boot(cause="soft reset")
    app.log.level = 3
    names["app"] = firmware._app = app


def run(until, every=0):
    """Let the main loop turn until a time; what is idle is skipped, but where `every` is given.

    every: ms from one turn to the next
    """
    plant = names["plant"]
    app = names["app"]
    busy = plant.now + SETTLED
    while plant.now < until:
        app.turn()
        if plant.device.dead:
            raise world.Reset
        soon = plant.now + (every or STEP)
        if not every and plant.now >= busy:
            soon = max(soon, due(plant, app))
        if plant.events:
            at = plant.events[0][0]
            if plant.now < at - STEP < soon:
                soon = at - STEP
            elif at <= soon:
                soon = max(at, plant.now)
                busy = soon + SETTLED
        plant.pass_until(min(soon, until))


def due(plant, app):
    """Return when the main loop has something to do next."""
    found = min(app.alarms.due, app.notifier.due, app.next_look)
    if app.alarms.out:
        found = min(found, app.next_accept)
    if app.sntp:
        found = 0 if app.sntp.query else min(found, app.sntp.due)
    return found + plant.now - app.clock.now()


def spy():
    """Let `kept` be what is put on flash from now on: time, kind and tag of each notice."""
    plant = names["plant"]
    app = names["app"]
    kept = names["kept"] = []
    real = app.outbox.append

    def append(record):
        key = real(record)
        kept.append((plant.now, KINDS[record.kind], record.tag))
        return key

    app.outbox.append = append


def take():
    """Return the mails that came since the last time: time, recipients, octets as text."""
    found = []
    for gateway in names["plant"].gateways.values():
        found += [(at, to, str(mail, "utf-8")) for at, to, mail in gateway.mails]
        gateway.mails = []
    return sorted(found)


def queue():
    """Return what waits in the outbox: kind, tag, state, occurrence, value, recipients, text."""
    box = names["app"].outbox
    found = []
    key = box.find()
    while key:
        one = box.read(key)
        kind = KINDS[one.kind]
        found.append((kind, one.tag, one.state, one.occurrence, one.value, one.to, one.text))
        key = box.find(key)
    return found


def answer(how, source):
    """Do what a line says."""
    if how == "get":
        return eval(source, names)
    exec(source, names)
    return None


def main():
    """Answer until the input ends."""
    for line in sys.stdin:
        try:
            said = True, answer(*json.loads(line))
        except (Exception, world.Reset) as error:
            text = io.StringIO()
            sys.print_exception(error, text)
            said = False, text.getvalue()
        print("=" + json.dumps(said))


Reset = world.Reset
command = alarmpost.command
KINDS = firmware.KINDS.split(" ")
FastFlash = flash.Flash
server = world.server
world.stand_in()
names = globals()
main()
