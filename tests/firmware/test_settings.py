"""Generations of the configuration: adopted, kept, read; power cuts, wear and heap in counts."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from host_tools import micropython
from tests.bench.board import compile_all

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent.parent / "firmware"
PATIENCE = 600  # seconds after which a program counts as hung

GEOMETRIES = ("esp32", "rp2")
ENOUGH_CUTS = {"esp32": 3000, "rp2": 1000}
ENOUGH_HEAP = 50  # KiB, of the 56 that an ESP32's first heap has

SITE = {
    "plant": "PLANT",
    "device": "plc7",
    "sender": "plc7@plant.lan",
    "recipients": {"operators": ["ops@example.com"]},
    "gateways": ["192.168.1.1"],
    "points": [{"tag": "PUMP_2", "input": "DI1"}, {"tag": "SW", "type": "software"}],
}


class Plant:
    """A board's folder, and what adopting does there on a device."""

    def __init__(self, device, folder):
        self.device = device
        self.folder = folder
        self.config = folder / "config"
        self.source = folder / "config.json"

    def write(self, data=None, **changes):
        """Write config.json: data as it is, or `SITE` with changes."""
        data = json.dumps(SITE | changes).encode() if data is None else data
        self.source.write_bytes(data)

    def adopt(self, boot, needed=None, then="None"):
        """Adopt; return the problem, the generations, and what an expression then gives."""
        source = (
            "from settings import Settings\n"
            f"settings = Settings({str(self.config)!r})\n"
            f"problem = settings.adopt({boot}, {needed or boot}, {str(self.source)!r})\n"
            f"result = [problem, list(settings.generations), {then}]\n"
        )
        return self.device.call("exec", source)

    def files(self):
        """Return the names of all files."""
        return sorted(path.name for path in self.config.iterdir())


@pytest.fixture
def plant(device):
    folder = Path(tempfile.mkdtemp(prefix="alarmpost-"))
    yield Plant(device, folder)
    shutil.rmtree(folder)


def test_it_is_read_as_it_was_compiled(plant):
    plant.write()
    names = ("site", "point PUMP_2", "point LINK", "text subject", "acknowledge", "text", "PUMP_2")
    expression = f"[settings.read(name) for name in {names!r}] + [settings.checked]"
    problem, _, found = plant.adopt(1, then=expression)
    assert problem == ""
    assert found[0]["plant"] == "PLANT"
    assert found[1]["input"] == "DI1"
    assert found[2]["tag"] == "LINK"
    assert "{tag}" in found[3]
    assert found[4:] == [None, None, None, True]


def test_names_are_found_wherever_they_are_in_the_file(plant):
    tags = [f"P{'x' * (n % 30)}{n}" for n in range(60)]
    plant.write(points=[{"tag": tag, "type": "software"} for tag in tags])
    _, _, found = plant.adopt(1, then=f"[settings.read('point ' + tag)['tag'] for tag in {tags}]")
    assert found == tags


def test_the_points_come_one_by_one(plant):
    plant.write()
    _, _, found = plant.adopt(1, then="[point['tag'] for point in settings.points()]")
    assert sorted(found) == sorted(
        ["PUMP_2", "SW", "LINK", "GATEWAY", "OUTBOX", "WATCHDOG", "HEAP", "CLOCK"]
    )


def test_nothing_is_read_where_there_is_nothing(plant):
    source = (
        "from settings import Settings\n"
        f"settings = Settings({str(plant.config)!r})\n"
        "settings.at(3)\n"
        "result = [settings.read('site'), list(settings.points())]"
    )
    assert plant.device.call("exec", source) == [None, []]


def test_each_boot_has_the_configuration_that_counted_then(plant):
    for boot, name in ((3, "A"), (7, "B"), (16, "C")):
        plant.write(plant=name)
        plant.adopt(boot, needed=3)
    boots = (0, 3, 6, 7, 15, 16, 99)
    expression = f"[settings.at(boot) or settings.read('site')['plant'] for boot in {boots}]"
    problem, generations, found = plant.adopt(20, needed=3, then=expression)
    assert (problem, generations) == ("", ["000003", "000007", "000010"])
    assert "".join(found) == "AAABBCC"
    assert plant.adopt(21, then="settings.read('site')['plant']") == ["", ["000010"], "C"]
    assert plant.files() == ["000010"]


def test_an_unchanged_configuration_is_not_even_checked(plant):
    plant.write()
    assert plant.adopt(1, then="settings.checked")[2] is True
    assert plant.adopt(2, then="settings.checked") == ["", ["000001"], False]


def test_another_version_of_the_firmware_compiles_anew(plant):
    plant.write()
    plant.adopt(1)
    plant.device.call(
        "exec", "import version\nversion.VERSION = '99'\nresult = 0"
    )  # borrowed once
    assert plant.adopt(2)[:2] == ["", ["000002"]]


def test_the_version_is_that_of_the_project(device):
    project = (FIRMWARE.parent / "pyproject.toml").read_text()
    version = device.call("exec", "import version\nresult = version.VERSION")
    assert f'\nversion = "{version}"\n' in project


# Problems


def test_the_first_boot_without_a_configuration(plant):
    problem, generations, found = plant.adopt(1, then="settings.read('site')")
    expected = "missing: copy one to the board, CONFIG.md says what is in it; no alarm is watched"
    assert problem == f"{plant.source}: {expected}"
    assert (generations, found) == ([], None)
    assert not plant.config.exists()


BROKEN = {
    "errors": (
        json.dumps(SITE | {"watchdog": 9, "window": -1}).encode(),
        "watchdog: 9: give seconds from 1 to 8.3, the most that an RP2 has, or 0 for none; err",
    ),
    "cut off": (json.dumps(SITE).encode()[:-20], "no JSON ("),
    "empty": (b"", "no JSON ("),
    "no UTF-8": (b'{"plant": "\xff"}', "no JSON ("),
    "no object": (b"[1]", "configuration: [1]: give an object {...}"),
    "long": (
        json.dumps(SITE | {"x" * 500: 1, "plant": "y" * 500}).encode(),
        'plant: "' + "y" * 36 + "...: give one line of 1 to 32 octets; errors besides: 1",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_configuration_keeps_the_last_good_one(plant, broken):
    data, expected = BROKEN[broken]
    plant.write(data)
    problem, generations, _ = plant.adopt(1)
    assert problem.startswith(f"{plant.source}: {expected}")
    assert problem.endswith("; no alarm is watched")
    assert generations == []
    plant.write()
    assert plant.adopt(2)[0] == ""
    plant.write(data)
    for boot, checked in ((3, True), (4, False)):
        expression = "[settings.read('site')['plant'], settings.checked]"
        problem, generations, found = plant.adopt(boot, then=expression)
        assert problem.startswith(f"{plant.source}: {expected}")
        assert problem.endswith("; that of boot 2 counts")
        assert (generations, found) == (["000002"], ["PLANT", checked])
        assert len(problem) < 460
        assert problem.isprintable()
    plant.write(plant="OTHER")
    assert plant.adopt(5)[:2] == ["", ["000005"]]
    assert plant.files() == ["000005"]


def test_the_good_configuration_again_after_a_broken_one(plant):
    plant.write()
    plant.adopt(1)
    plant.write(window=-1)
    plant.adopt(2)
    plant.write()
    assert plant.adopt(3, then="settings.checked") == ["", ["000001"], False]
    assert plant.files() == ["000001"]


def test_too_little_memory_is_a_problem_as_well(plant):
    plant.write()
    plant.adopt(1)
    plant.write(plant="OTHER")
    source = (
        "import sys, settings\n"
        "class Module:\n"
        "    VERSION = '0'\n"
        "    def load(self, path):\n"
        "        raise MemoryError('no room')\n"
        "module = __import__('generations')\n"
        "module.borrow = lambda name: Module()\n"
        "settings.borrow = lambda name: module\n"
        f"one = settings.Settings({str(plant.config)!r})\n"
        f"result = [one.adopt(2, 2, {str(plant.source)!r}), one.read('site')['plant']]\n"
        "for name in ('settings', 'generations'):\n"
        "    sys.modules.pop(name, None)\n"
    )
    problem, name = plant.device.call("exec", source)
    assert problem == f"{plant.source}: no room; that of boot 1 counts"
    assert name == "PLANT"
    assert plant.adopt(3)[:2] == ["", ["000003"]]  # it is tried again


# What is found


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "renamed"])
def test_what_is_not_whole_is_removed_and_the_one_before_counts(plant, damage):
    plant.write(plant="A")
    plant.adopt(1)
    good = (plant.config / "000001").read_bytes()
    plant.write(plant="B")
    plant.adopt(2, needed=1)
    path = plant.config / "000002"
    data = path.read_bytes()
    half = len(data) // 2
    damaged = {
        "empty": b"",
        "cut": data[:half],
        "flipped": data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :],
        "renamed": data,
    }[damage]
    path.write_bytes(damaged)
    if damage == "renamed":
        path.rename(plant.config / "new")
    plant.source.unlink()
    problem, generations, name = plant.adopt(3, then="settings.read('site')['plant']")
    assert problem.endswith("; that of boot 1 counts")
    assert (generations, name) == (["000001"], "A")
    assert plant.files() == ["000001"]
    assert (plant.config / "000001").read_bytes() == good


def test_boots_that_are_counted_anew(plant):
    for boot, name in ((70, "A"), (80, "B"), (90, "C")):
        plant.write(plant=name)
        plant.adopt(boot, needed=70)
    expression = "settings.read('site')['plant']"
    assert plant.adopt(2, then=expression) == ["", ["000002"], "C"]
    assert plant.files() == ["000002"]
    plant.write(plant="D")
    assert plant.adopt(1, then=expression) == ["", ["000001"], "D"]
    assert plant.files() == ["000001"]


# Figures


def run(interpreter: Path, *words: object, heap: str = "1m") -> dict:
    """Run a program under MicroPython; return what it printed."""
    command = [str(word) for word in (interpreter, "-X", f"heapsize={heap}", *words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_power_cuts_while_a_configuration_is_adopted(geometry, record_property):
    program = HERE / "programs" / "adoptions.py"
    result = run(micropython.find(64), program, FIRMWARE, geometry)
    count = result["cuts"] + result["second"]
    record_property(
        "figure", f"configuration, {geometry}: {count} power cuts, {result['wrong']} violations"
    )
    assert result["examples"] == []
    assert result["wrong"] == 0
    assert count >= ENOUGH_CUTS[geometry]
    # Programs and erases: none where config.json is missing, as before, or known to be wrong
    programs = dict(enumerate(result["programs"][: result["steps"]]))
    assert [programs[step] for step in (0, 4)] == [0, 0]
    assert programs[7] == 1  # an older generation goes
    assert min(programs[step] for step in (3, 5, 11, 12)) > 1
    problem, name, files, then, other, left = result["full"]
    assert problem.startswith("/flash/config.json: cannot be read, or kept on flash (28")
    assert problem.endswith("; that of boot 2 counts")
    assert (name, files) == ("C", ["000002"])
    assert (then, other, left) == ("", "B", ["000003"])


def points_of_a_plant():
    """Yield twenty points as plants have them."""
    for number in range(14):
        yield {
            "tag": f"PUMP_{number}",
            "description": "overload",
            "response": "Reset the motor protection.",
            "input": f"DI{number}",
            "priority": "high",
            "on_delay": 2,
            "re_alarm": 3600,
        }
    for number in range(6):
        yield {
            "tag": f"TK-{number}/LSHH",
            "description": "level too high",
            "response": "Close the valve.",
            "type": "analog",
            "input": 26,
            "high": 80,
            "unit": "%",
            "scale": [[13107, 0], [65535, 100]],
            "range": [10000, 65000],
            "kind": "level",
            "to": {"raise": "operators", "escalate": "managers"},
        }


def test_the_heap_that_it_takes(tmp_path, record_property):
    firmware = tmp_path / "firmware"
    compile_all(FIRMWARE, firmware)
    compile_all(FIRMWARE / "outbox", firmware / "outbox")
    lists = {"operators": ["ops@example.com"], "managers": ["boss@example.com"]}
    more = {"recipients": lists, "system": "operators", "points": list(points_of_a_plant())}
    more["network"] = {"address": "192.168.1.50", "gateway": "192.168.1.2"}
    (tmp_path / "config.json").write_text(json.dumps(SITE | more))
    words = (micropython.find(32), HERE / "programs" / "adopt.py", firmware, tmp_path)
    first = run(*words, heap=f"{ENOUGH_HEAP}k")
    again = run(*words, heap=f"{ENOUGH_HEAP}k")
    record_property(
        "figure",
        f"settings: {first['import']} octets of heap; 20 points are adopted in"
        f" {ENOUGH_HEAP} KiB beside the outbox; {first['kept']} octets of it are kept when"
        f" something is new, else {again['kept']}",
    )
    assert (first["problem"], first["points"]) == ("", 26)
    assert (again["problem"], again["points"]) == ("", 26)
    assert first["import"] <= 1000
    assert first["kept"] <= 6400
    assert again["kept"] <= 2200  # names of what was borrowed, and room for more of them
