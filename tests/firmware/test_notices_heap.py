"""What rendering a mail takes of the heap of a 32-bit board, and that it gives all of it back."""

import json
from pathlib import Path

import pytest

from host_tools import micropython
from host_tools.mpy import compile_file
from tests.bench.board import CLIENT, FIRMWARE, compile_all, run
from tests.firmware.test_notices import PLANT, POINTS, TEXT

PROGRAM = Path(__file__).resolve().parent / "programs" / "letters.py"
PLENTY = 64 * 1024
STEP = 128

# Octets beside what is resident, of the smallest heap in which a mail is rendered.
PEAKS = {"single": 7500, "50": 13500, "200": 15500}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A folder with what a board has, and a configuration of twenty points."""
    folder = tmp_path_factory.mktemp("board")
    compile_all(FIRMWARE, folder)
    compile_all(FIRMWARE / "outbox", folder / "outbox")
    compile_all(CLIENT, folder / "smtp_client")
    target = folder / "letters.mpy"
    compile_file(PROGRAM, target)
    point = POINTS["TK-1.PAHH"]
    values = {
        "site": PLANT,
        **TEXT,
    }
    tags = [f"TK-{at}.PAHH" for at in range(20)]
    values |= {f"point {tag}": {"tag": tag} | point for tag in tags}
    lines = [f"{name}\t{json.dumps(value)}\n" for name, value in sorted(values.items())]
    (folder / "generation").write_text("\n" + "".join(lines))
    return folder


def attempt(board, case, heap=PLENTY):
    """Render on a heap of so many octets; return the outcome."""
    words = (micropython.find(32), "-X", f"heapsize={heap}", "-m", "letters", case)
    return run(words, board)


def smallest(board, case):
    """Return the smallest heap in which a case works."""
    fails, works = 0, PLENTY // STEP
    assert attempt(board, case).status == 0
    while works - fails > 1:
        middle = (fails + works) // 2
        if attempt(board, case, middle * STEP).status == 0:
            works = middle
        else:
            fails = middle
    return works * STEP


@pytest.mark.parametrize("case", PEAKS)
def test_heap_of_rendering(board, case, record_property):
    result = json.loads(attempt(board, case).checked().output)
    peak = smallest(board, case) - smallest(board, "nothing")
    octets = result["octets"][0]
    names = result["taken"][0]
    what = "a notice" if case == "single" else f"a digest of {case}"
    record_property(
        "figure",
        f"mail of {what}, {octets} octets: rendering takes {peak} octets of heap, {names} stay",
    )
    assert octets > 200
    assert peak <= PEAKS[case]


@pytest.mark.parametrize("case", PEAKS)
def test_rendering_leaves_nothing(board, case):
    """The first time leaves the names that the modules have in them, later ones nothing."""
    taken = json.loads(attempt(board, case).checked().output)["taken"]
    assert 0 < taken[0] <= 1000
    assert taken[1:] == [taken[0]] * 3
