"""The outbox on MicroPython's own LittleFS: power cuts, erases and heap, in exact counts."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from host_tools import micropython

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent.parent / "firmware"
PATIENCE = 600  # seconds after which a program counts as hung

GEOMETRIES = ("esp32", "rp2")
ENOUGH_CUTS = {"esp32": 3000, "rp2": 2000}
MOST_ERASES = {"esp32": 50, "rp2": 60}  # for 100 alarms


def run(program: str, *arguments: object, bits: int = 64) -> dict:
    """Run a program of `programs/` under MicroPython; return what it printed."""
    path = HERE / "programs" / f"{program}.py"
    words = [micropython.find(bits), "-X", "heapsize=32m", path, FIRMWARE, *arguments]
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_no_power_cut_breaks_an_invariant(geometry, record_property):
    with ThreadPoolExecutor() as pool:
        kinds = list(pool.map(lambda kind: run("cuts", geometry, kind), ("clean", "torn")))
    rows = [row for kind in kinds for row in kind.values()]
    count = sum(row["program"] + row["erase"] + row["boot"] for row in rows)
    examples = [example for row in rows for example in row["examples"]]
    record_property(
        "figure", f"outbox, {geometry}: {count} power cuts, {len(examples)} violations"
    )
    assert examples == []
    assert sum(row["wrong"] for row in rows) == 0
    assert all(row["program"] and row["boot"] for row in rows)
    assert sum(row["erase"] for row in rows) >= 20
    assert count >= ENOUGH_CUTS[geometry]


@pytest.mark.parametrize("tags", [1, 16, 100])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_what_an_alarm_costs_the_flash(geometry, tags, record_property):
    alarms = 1000
    erases = run("erases", geometry, alarms, tags)["erases"]
    figure = f"outbox, {geometry}, {tags} tags: {erases} erases for {alarms} alarms"
    record_property("figure", figure)
    assert 0 < erases * 100 <= MOST_ERASES[geometry] * alarms, figure


def test_notices_leave_nothing_on_the_heap():
    result = run("cycles", 10000, bits=32)
    used = result["used"]
    # The collector may take an old pointer on the stack for one in use, now and then.
    assert min(later - earlier for earlier, later in pairwise(used)) <= 0, used
    assert used[-1] - used[0] < 512, used
    assert result["erases"] > 0
