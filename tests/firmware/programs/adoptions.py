"""Cut the power while configurations are adopted: `adoptions FIRMWARE GEOMETRY`; prints JSON.

Each step is a boot with a config.json. Its power is cut at each program and erase, clean and torn,
then that of the boot after it at each of its own; then a boot without a cut must find what it
shall, and the generations that records need must be what they were.
"""

import json
import os
import sys

sys.path.insert(0, sys.argv[1])

import config
import flash
import generations
import settings as resident
from settings import Settings

FOLDER = flash.PLACE + "/config"
SOURCE = flash.PLACE + "/config.json"
GEOMETRY = sys.argv[2]
BLOCKS = 48
IMAGE = flash.erased(BLOCKS)
CUT = flash.erased(BLOCKS)
SECOND = {"esp32": 4, "rp2": 1}  # of so many cuts one has its next boot cut as well


def plant(name, tags, **more):
    """Return a configuration."""
    points = [{"tag": "P%d" % tag, "input": tag} for tag in range(tags)]
    found = {"plant": name, "device": "d", "sender": "a@b", "gateways": ["g"], "points": points}
    found["recipients"] = {"ops": ["ops@example.com"]}
    for field in more:
        found[field] = more[field]
    return json.dumps(found)


SOURCES = {
    "A": plant("A", 1),
    "B": plant("B", 8),
    "C": plant("C", 3),
    "wrong": plant("W", 2, watchdog=9),
    "wrong too": plant("W", 2, ceiling=0),
    "broken": plant("X", 2)[:-9],
    "missing": None,
}
VALID = ("A", "B", "C")

# Boots: config.json, number of the boot, that of the oldest boot of which there are records
STEPS = [
    ("missing", 1, 1),
    ("broken", 2, 2),
    ("wrong", 3, 3),
    ("A", 10, 10),
    ("A", 20, 20),
    ("B", 30, 15),
    ("wrong", 40, 15),
    ("wrong", 50, 30),
    ("wrong too", 60, 30),
    ("broken", 70, 30),
    ("missing", 80, 30),
    ("C", 90, 30),
    ("A", 100, 40),
    ("B", 110, 95),
    ("B", 120, 120),
    ("C", 130, 120),
    # The outbox is lost, boots are counted anew
    ("C", 50, 50),
    ("B", 20, 20),
    ("A", 30, 20),
    ("wrong", 5, 5),
    ("A", 15, 15),
]


class Config:
    """The module config, but it checks each source once only, and leaves out texts: less time.

    It is the module version as well.
    """

    VERSION = "0"

    def __init__(self):
        self.found = {}

    def load(self, path):
        with open(path) as file:
            self.text = file.read()
        if self.text not in self.found:
            lines, errors = config.check(config.load(path))
            self.found[self.text] = [line for line in lines if line[:5] != "text "], errors
        return {}

    def check(self, data, spend):
        lines, errors = self.found[self.text]
        return iter(lines), errors


class World:
    """A flash, and what shall be on it."""

    def __init__(self):
        self.memory = flash.erased(BLOCKS)
        flash.make(self.memory, GEOMETRY)
        self.kept = {}  # source by boot

    def write(self, source):
        """Let the user write config.json, or remove it."""
        flash.unmount()
        flash.mount(flash.Flash(self.memory), GEOMETRY)
        if SOURCES[source] is None:
            generations.discard(SOURCE)
        else:
            with open(SOURCE, "w") as file:
                file.write(SOURCES[source])

    def boot(self, boot, needed, cut=0, torn=False):
        """Adopt, with the power cut; return the settings and what is wrong with config.json."""
        flash.unmount()
        self.device = flash.Flash(self.memory, cut, torn)
        flash.mount(self.device, GEOMETRY)
        settings = Settings(FOLDER)
        return settings, settings.adopt(boot, needed, SOURCE)

    def expect(self, source, boot, needed):
        """Do to `kept` what a boot shall do."""
        self.kept = dict(self.kept)
        later = [one for one in self.kept if one > boot]
        if later:
            newest = self.kept[max(later)]
            self.kept = {one: self.kept[one] for one in self.kept if one < boot}
            self.kept[boot] = newest
        if source in VALID and (not self.kept or self.kept[max(self.kept)] != source):
            self.kept[boot] = source
        if self.kept:
            first = counting(self.kept, needed)
            self.kept = {one: self.kept[one] for one in self.kept if one >= first}


def counting(kept, boot):
    """Return which of the boots that brought a configuration counts at another one."""
    return max([one for one in kept if one <= boot] or [min(kept)])


def content(settings, boot):
    """Return what a generation has."""
    settings.at(boot)
    if not settings.path:
        return None
    with open(settings.path, "rb") as file:
        return file.read().split(b"\n", 1)[1]


def look(world, expected, source, boot, needed, before):
    """Return what is wrong after a boot without a cut.

    before: what was kept before the cut
    """
    settings, problem = world.boot(boot, needed)
    wrong = []
    if bool(problem) != (source not in VALID):
        wrong.append("problem: " + problem)
    newest = world.kept and world.kept[max(world.kept)]
    if content(settings, boot) != expected[newest or "missing"]:
        wrong.append("not what counts now")
    lost = [one for one in before if one > boot]
    for one in range(needed, boot - 9, 5):
        right = before and not lost and expected[before[counting(before, one)]]
        if right and content(settings, one) != right:
            wrong.append("not what counted at %d" % one)
    names = sorted(os.listdir(FOLDER)) if settings.generations else []
    if names and [name for name in names if name != "rejected"] != settings.generations:
        wrong.append("files left: " + repr(names))
    if source != "missing" and names and ("rejected" in names) == (source in VALID):
        wrong.append("rejected")
    return wrong


def first_look(world, expected, before, at):
    """Return what is wrong with what a cut has left, before anything is done about it.

    at: the boot that was cut
    """
    flash.unmount()
    flash.mount(flash.Flash(world.memory), GEOMETRY)
    settings = Settings(FOLDER)
    settings.generations, _ = generations.survey(FOLDER + "/")
    if before and not settings.generations:
        return ["the last generation is gone"]
    for name in settings.generations:
        boot = int(name, 16)
        allowed = [before.get(boot), world.kept.get(boot)]
        if boot == at and before:
            allowed.append(before[max(before)])  # the newest, renamed
        if content(settings, boot) not in [expected[source] for source in allowed]:
            return ["a mixture"]
    return []


def cut_step(world, expected, step, torn, result):
    """Cut a step at each operation, and the boot after it; then take the step."""
    source, boot, needed = step
    world.write(source)
    flash.copy(IMAGE, world.memory)
    before = world.kept
    world.expect(*step)
    number = 0
    while True:
        number += 1
        flash.copy(world.memory, IMAGE)
        world.boot(boot, needed, number, torn)
        if not world.device.dead:
            break
        result["cuts"] += 1
        found = first_look(world, expected, before, boot)
        flash.copy(CUT, world.memory)
        second = 0
        while not found and number % SECOND[GEOMETRY] == 0:
            second += 1
            flash.copy(world.memory, CUT)
            world.boot(boot + 1, needed, second, torn)
            if not world.device.dead:
                break
            result["second"] += 1
            found = look(world, expected, source, boot + 2, needed, before)
        flash.copy(world.memory, CUT)
        note(result, step, found or look(world, expected, source, boot + 1, needed, before))
    result["programs"].append(world.device.programs + world.device.erases)
    note(result, step, look(world, expected, source, boot, needed, before))
    if world.device.programs + world.device.erases:
        note(result, step, ["the same again is written again"])


def note(result, step, wrong):
    """Count what is wrong."""
    if wrong:
        result["wrong"] += 1
        if len(result["examples"]) < 5:
            result["examples"].append([step, wrong])


def contents():
    """Return what the generation of each source has, "missing" for none."""
    found = {"missing": None, None: None}
    for source in VALID:
        world = World()
        world.write(source)
        found[source] = content(world.boot(1, 1)[0], 1)
    return found


def fill(file):
    """Write until the flash is full."""
    try:
        while True:
            file.write(bytes(512))
            file.flush()
    except OSError:
        pass


def full():
    """Return what comes of a flash that is full, before and after there is room.

    Boots are counted anew, so that the generation to be written has the name of the last good one.
    """
    world = World()
    world.write("C")
    world.boot(9, 9)
    world.write("B")
    with open(flash.PLACE + "/filler", "wb") as filler:
        fill(filler)
    settings, problem = world.boot(2, 2)
    found = [problem, settings.read("site")["plant"], sorted(os.listdir(FOLDER))]
    os.remove(flash.PLACE + "/filler")
    settings, problem = world.boot(3, 3)
    found.extend((problem, settings.read("site")["plant"], sorted(os.listdir(FOLDER))))
    return found


def main():
    """Run all."""
    stand_in = Config()
    generations.borrow = lambda name: stand_in
    resident.borrow = lambda name: generations
    result = {"cuts": 0, "second": 0, "wrong": 0, "examples": [], "programs": []}
    expected = contents()
    for torn in (False, True):
        world = World()
        for step in STEPS:
            cut_step(world, expected, step, torn, result)
    result["steps"] = len(STEPS)
    result["full"] = full()
    print(json.dumps(result))


main()
