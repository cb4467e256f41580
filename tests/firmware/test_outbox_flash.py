"""The outbox on MicroPython's own LittleFS: power cuts, erases and heap, in exact counts."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from host_tools import micropython
from host_tools.mpy import compile_file

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent.parent / "firmware"
IMPORTS = HERE.parent / "bench" / "programs" / "imports.py"
PATIENCE = 1800  # seconds after which a program counts as hung

GEOMETRIES = ("esp32", "rp2")
SCENARIOS = {"notices": 500, "bundles": 1000, "mixed": 250}  # at least so many cuts
MOST_ERASES = {"esp32": 50, "rp2": 60}  # for 100 alarms


@pytest.fixture(scope="module")
def firmware(tmp_path_factory) -> Path:
    """The outbox as a board has it: what is borrowed is not compiled each time."""
    folder = tmp_path_factory.mktemp("firmware")
    (folder / "outbox").mkdir()
    alone = [FIRMWARE / name for name in ("alarms.py", "borrow.py")]
    for source in (*alone, *(FIRMWARE / "outbox").glob("*.py")):
        target = folder / source.relative_to(FIRMWARE).with_suffix(".mpy")
        compile_file(source, target)
    return folder


def run(firmware: Path, program: str, *arguments: object, bits=64, heap="1m") -> dict:
    """Run a program of `programs/` under MicroPython; return what it printed."""
    path = HERE / "programs" / f"{program}.py"
    words = [micropython.find(bits), "-X", f"heapsize={heap}", path, firmware, *arguments]
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("scenarios", SCENARIOS)
@pytest.mark.parametrize("kind", ["clean", "torn"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_no_power_cut_breaks_an_invariant(firmware, geometry, kind, scenarios, record_property):
    rows = run(firmware, "cuts", geometry, kind, scenarios).values()
    count = sum(row["program"] + row["erase"] + row["boot"] for row in rows)
    examples = [example for row in rows for example in row["examples"]]
    figure = f"outbox, {geometry}, {scenarios}: {count} {kind} cuts, {len(examples)} violations"
    record_property("figure", figure)
    assert examples == []
    assert sum(row["wrong"] for row in rows) == 0
    assert all(row["program"] and row["boot"] for row in rows)
    assert sum(row["erase"] for row in rows) >= 5
    assert count >= SCENARIOS[scenarios]


def erases(firmware: Path, geometry: str, what: str, count: int, tags: int) -> int:
    return run(firmware, "erases", geometry, what, count, tags)["erases"]


@pytest.mark.parametrize("tags", [1, 16, 100])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_what_an_alarm_costs_the_flash(firmware, geometry, tags, record_property):
    alarms = 1000
    count = erases(firmware, geometry, "alarm", alarms, tags)
    figure = f"outbox, {geometry}, {tags} tags: {count} erases for {alarms} alarms"
    record_property("figure", figure)
    assert 0 < count * 100 <= MOST_ERASES[geometry] * alarms, figure


@pytest.mark.parametrize(("what", "most"), [("text", 150), ("full", 50)])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_what_else_costs_the_flash(firmware, geometry, what, most, record_property):
    count = erases(firmware, geometry, what, 500, 16)
    names = {"text": "texts of 500 octets", "full": "alarms while the queue is full"}
    figure = f"outbox, {geometry}: {count} erases for 500 {names[what]}"
    record_property("figure", figure)
    assert 0 < count * 100 <= most * 500, figure


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_what_a_bundle_costs_the_flash(firmware, geometry, record_property):
    bundles = 200
    single, bundled = (
        erases(firmware, geometry, what, bundles, 2) for what in ("single", "bundle")
    )
    count = bundled - single
    figure = f"outbox, {geometry}: {count} erases for {bundles} bundles, all else apart"
    record_property("figure", figure)
    assert 0 < count * 100 <= MOST_ERASES[geometry] * bundles, figure


def test_notices_leave_nothing_on_the_heap(firmware):
    # In a heap like a board's hardly any number on the stack is taken for a pointer.
    result = run(firmware, "cycles", 400, bits=32, heap="224k")
    assert set(result["used"]) == {result["used"][0]}
    assert result["erases"] > 0


def test_what_stays_in_the_heap(firmware, record_property):
    shutil.copy(IMPORTS, firmware)
    words = [str(micropython.find(32)), "-m", "imports", "alarms", "borrow", "outbox"]
    done = subprocess.run(words, cwd=firmware, capture_output=True, text=True, check=True)
    _, _, octets = json.loads(done.stdout)
    record_property("figure", f"outbox: {octets} octets of heap for its code")
    assert 0 < octets <= 3600
