"""Contacts, analog values and points of the program: what they tell, when, and what they take."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tools import micropython
from host_tools.mpy import compile_file

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent.parent / "firmware"
PROGRAMS = HERE.parent / "bench" / "programs"
sys.path[:0] = [str(FIRMWARE), str(HERE)]

import input_model  # noqa: E402
import input_play  # noqa: E402
import inputs  # noqa: E402
import wiring  # noqa: E402

SOURCE = (HERE / "input_play.py").read_text("utf-8")
LATCH = {"debounce": 20, "latch_pulses": True}
PLAIN = {"debounce": 20}


def run(device, source):
    """Run a piece of source beside the player; return its `result`."""
    return device.call("exec", f"{SOURCE}\n{source}")


def play(device, options, steps, **more):
    """Play a script on a device."""
    return run(device, f"result = play({options!r}, {steps!r}, **{more!r})")


def read_after(*gaps):
    """Return reads with gaps between them."""
    return [[gap, "read"] for gap in gaps]


# Contacts


@pytest.mark.parametrize(
    ("normal", "pull", "alarm"),
    [
        ("NO", "up", 0),  # closed it pulls to ground
        ("NC", "up", 1),  # a broken wire is an alarm
        ("NO", "down", 1),
        ("NC", "down", 0),
        ("NO", "", 1),  # as a board gives its isolated inputs
        ("NC", "", 0),
    ],
)
def test_what_is_an_alarm(device, normal, pull, alarm):
    source = f"""
result = []
for level in (0, 1):
    board = Board(Pin())
    board.pin.level = level
    spec = dict(SPEC, input="DI1", normal={normal!r}, pull={pull!r})
    result.append(wiring.make(board, spec).read(0))
result.append(board.asked)
"""
    assert run(device, source) == [alarm == 0, alarm == 1, [["DI1", pull]]]


@pytest.mark.parametrize("start", [0, 2**30 - 30, 2**30 - 1])
def test_a_change_counts_when_it_has_been_there(device, start):
    steps = [*read_after(0, 10), [5, 1], *read_after(5, 10, 9, 1), [0, 0], *read_after(0, 19, 1)]
    told = play(device, PLAIN, steps, start=start)
    assert told == [False, False, False, False, False, True, True, True, False]


def test_what_bounces_begins_anew(device):
    steps = [*read_after(0), [0, 1], *read_after(0, 15), [0, 0], *read_after(1), [0, 1]]
    steps += read_after(1, 19, 1)
    assert play(device, PLAIN, steps) == [False] * 6 + [True]


def test_without_debounce_each_read_tells_what_is(device):
    steps = [[0, "read"], [1, 1], [0, "read"], [1, 0], [0, "read"]]
    for latch in (True, False):
        options = {"debounce": 0, "latch_pulses": latch}
        assert play(device, options, steps) == [False, True, False]


def test_the_first_look_counts_at_once(device):
    for irq in (True, False):
        assert play(device, LATCH, [[0, 1], *read_after(0, 1)], irq=irq) == [True, True]


def test_a_contact_that_stays_for_weeks_changes_as_any(device):
    week = 7 * 24 * 3600 * 1000
    steps = read_after(0, *[week // 2] * 4)
    steps += [[0, 1], *read_after(0, 20, *[week // 2] * 4), [0, 0], *read_after(19, 1, 19, 1)]
    told = play(device, LATCH, steps)
    assert told == [False] * 6 + [True] * 6 + [False] * 3


# Faults


@pytest.mark.parametrize("irq", [True, False])
def test_a_pin_that_cannot_be_read_is_a_bad_value(device, irq):
    steps = [*read_after(0), [0, None, "lost"], *read_after(10, 10), [0, 0, "lost"]]
    assert play(device, LATCH, [*steps, *read_after(0)], irq=irq) == [False, None, None, False]


def test_after_a_fault_a_change_is_to_be_seen_anew(device):
    steps = [*read_after(0), [0, 1, "lost"], *read_after(10), [0, None, "lost"], *read_after(5)]
    steps += [[100, 1, "lost"], *read_after(0, 19, 1)]
    assert play(device, PLAIN, steps) == [False, False, None, False, False, True]


def test_a_fault_is_no_pulse(device):
    steps = [*read_after(0, 100), [0, None], *read_after(100), [0, 0], *read_after(0, 100)]
    assert play(device, LATCH, steps) == [False, False, None, False, False]


# Pulses

IN_TIME, LATE, LOST = (), ("late",), ("lost",)


@pytest.mark.parametrize("latch", [True, False])
@pytest.mark.parametrize("length", [19, 20, 21])
def test_a_pulse_between_two_reads(device, length, latch):
    """20 ms while the pin is read every 50 ms: noticed once, wherever the pulse falls."""
    source = f"""
result = []
for phase in range(50 - {length}):
    steps = [[0, "read"], [50, "read"], [phase + 1, 1], [{length}, 0]]
    steps += [[50 - phase - 1 - {length}, "read"], [50, "read"]]
    result.append(play({{"debounce": 20, "latch_pulses": {latch}}}, steps))
"""
    caught = latch and length >= 20
    assert run(device, source) == [[False, False, caught, False]] * (50 - length)


def test_several_pulses_between_two_reads_are_one(device):
    steps = [*read_after(0), *[[20, level] for level in (1, 0, 1, 0)], *read_after(5, 5)]
    assert play(device, LATCH, steps) == [False, True, False]


def test_a_pulse_before_the_first_read_counts(device):
    assert play(device, LATCH, [[1, 0], [0, 1], [20, 0], *read_after(1, 1)]) == [True, False]


def test_a_pulse_of_which_a_part_is_read_is_one(device):
    steps = [*read_after(0), [0, 1], [10, "read"], [10, 0], *read_after(10, 30)]
    assert play(device, LATCH, steps) == [False, False, True, False]


def test_bounce_that_is_shorter_than_debounce_is_no_alarm(device):
    bounce = [[level + 1, level] for _ in range(40) for level in (1, 0)]
    steps = [*read_after(0), *bounce, *read_after(0, 50)]
    assert play(device, LATCH, steps) == [False, False, False]


def test_bounce_of_a_contact_that_opens_is_no_second_alarm(device):
    closes = [*read_after(0), [0, 1], *read_after(20)]
    opens = [[1, level] for _ in range(9) for level in (0, 1)]
    steps = [*closes, *opens, [1, 0], *read_after(0, 20, 20, 50)]
    assert play(device, LATCH, steps) == [False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("first", "second", "caught"),
    [
        (IN_TIME, IN_TIME, True),
        (IN_TIME, LOST, True),
        (LOST, IN_TIME, True),
        (LATE, LATE, True),
        (LATE, LOST, True),
        (LOST, LATE, True),
        (IN_TIME, LATE, True),
        (LOST, LOST, False),  # nobody was told
    ],
)
def test_one_interrupt_suffices(device, first, second, caught):
    steps = [*read_after(0, 5), [1, 1, *first], [20, 0, *second], [100, "run"]]
    told = play(device, LATCH, [*steps, *read_after(0, 50)])
    assert told == [False, False, caught, False]


@pytest.mark.parametrize("since", [19, 20])
def test_a_pulse_that_nobody_saw_counts_if_it_may_have_lasted(device, since):
    steps = [*read_after(0, 100), [since - 1, 1, "late"], [0, 0, "late"], [1, "run"]]
    assert play(device, LATCH, [*steps, *read_after(0, 9)]) == [False, False, since == 20, False]


def test_a_pulse_ends_with_a_dip(device):
    steps = [*read_after(0), [1, 1], [20, 0, "late"], [0, 1, "late"], [0, "run"], [1, 0]]
    assert play(device, LATCH, [*steps, *read_after(0, 50)]) == [False, True, False]


def test_a_full_queue_drops_interrupts_but_not_the_contact(device):
    bounce = [[1, level, "late"] for _ in range(9) for level in (1, 0)]
    steps = [*read_after(0), *bounce, [1, 1, "late"], [0, "run"], *read_after(0, 20)]
    assert play(device, LATCH, steps)[-1] is True


def test_without_interrupts_pulses_are_sampled_only(device):
    steps = [*read_after(0), [1, 1], *read_after(1), [30, 0], *read_after(1, 30)]
    assert play(device, LATCH, steps, irq=False) == [False] * 4


# Against the model

GAPS = st.one_of(st.integers(0, 3), st.integers(17, 23), st.integers(0, 60))
STEPS = st.lists(st.tuples(GAPS, st.sampled_from((0, 1, "read", "read"))), max_size=60)


@settings(max_examples=1500, deadline=None)
@given(STEPS, st.sampled_from((0, 1, 5, 20)), st.booleans(), st.sampled_from((0, 2**30 - 99)))
def test_a_contact_is_as_the_model(steps, debounce, latches, start):
    options = {"debounce": debounce, "latch_pulses": latches}
    steps = [(0, "read"), *steps, (0, "read"), (100, "read")]
    told = input_play.play(options, steps, start)
    assert told == input_model.play(debounce, steps, latches)


def test_a_contact_is_as_the_model_on_a_device(device):
    chance = random.Random(3)
    for latches in (True, False):
        steps: list = [(0, "read")]
        for _ in range(1500):
            gap = chance.choice((0, 1, 2, 10, 19, 20, 21, 50))
            steps.append((gap, chance.choice((0, 1, "read"))))
        options = {"debounce": 20, "latch_pulses": latches}
        told = play(device, options, steps, start=2**30 - 5000)
        assert told == input_model.play(20, steps, latches)
        assert set(told) == {True, False}


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_a_pulse_long_enough_is_never_missed(data):
    """Whatever became of other interrupts, where one of a pulse that nobody saw comes."""
    steps = [[0, "read"], [30, "read"]]
    for _ in range(data.draw(st.integers(1, 9))):
        first, second = data.draw(
            st.sampled_from(((IN_TIME, LOST), (LOST, IN_TIME), (LATE, LATE), (LOST, LATE)))
        )
        steps += [[data.draw(st.integers(0, 60)), 1, *first]]
        steps += [[data.draw(st.integers(20, 90)), 0, *second]]
        steps += [[data.draw(st.integers(0, 9)), "run"], [0, "read"], [30, "read"]]
    told = input_play.play(LATCH, steps)
    assert told == [False, False, *[True, False] * (len(told) // 2 - 1)]


# An interrupt between any two steps of a read


class Stepper:
    """Calls a function before the n-th bytecode of the firmware's that runs."""

    def __init__(self, n, function):
        self.left = n
        self.function = function

    def trace(self, frame, event, _):
        if frame.f_code.co_filename != inputs.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.left -= 1
            if self.left == 0:
                self.function()
        return self.trace

    def read(self, point):
        """Return what point.read() does, traced."""
        before = sys.gettrace()
        sys.settrace(self.trace)
        try:
            return point.read(0)
        finally:
            sys.settrace(before)


def contact(monkeypatch):
    """Return a point that is settled as open, its pin, and the time."""
    time = input_play.Time(1000)
    monkeypatch.setattr(inputs, "ticks_ms", time.ms)
    monkeypatch.setattr(inputs, "ticks_diff", time.diff)
    pin = input_play.Pin()
    point = wiring.make(input_play.Board(pin), {**input_play.SPEC, **LATCH})
    assert point.read(0) is False
    time.now += 50
    return point, pin, time


def steps_of(point):
    """Return how many bytecodes of the firmware's a read takes."""
    stepper = Stepper(-1, None)
    stepper.read(point)
    return -1 - stepper.left


@pytest.mark.parametrize("length", [0, 1, 20])
def test_a_pulse_within_a_read_is_noticed_or_too_short(monkeypatch, length):
    point, *_ = contact(monkeypatch)
    count = steps_of(point)
    assert count > 30
    for n in range(1, count + 1):
        point, pin, time = contact(monkeypatch)

        def pulse(pin=pin, time=time):
            pin.level = 1
            pin.interrupt()
            time.now += length
            pin.level = 0
            pin.interrupt()

        told = [Stepper(n, pulse).read(point)]
        for _ in range(3):
            time.now += 50
            told.append(point.read(0))
        assert any(told) == (length == 20), (n, told)
        assert told[-1] is False


def test_a_contact_that_closes_within_a_read_is_an_alarm_in_time(monkeypatch):
    point, *_ = contact(monkeypatch)
    for n in range(1, steps_of(point) + 1):
        point, pin, time = contact(monkeypatch)

        def close(pin=pin):
            pin.level = 1
            pin.interrupt()

        Stepper(n, close).read(point)
        told = []
        for _ in range(3):
            time.now += 19
            told.append(point.read(0))
        assert told[0] is False, n
        assert told[2] is True, n


@pytest.mark.parametrize("before", [False, True])
def test_a_point_that_is_set_within_a_read_tells_it_once(before):
    def make():
        point = wiring.make(None, {"tag": "P", "type": "software"})
        if before:
            point.set()
            point.clear()
        return point

    def pulse():
        point.set()
        point.clear()

    point = make()
    for n in range(1, steps_of(point) + 1):
        point = make()
        told = [Stepper(n, pulse).read(point), point.read(0), point.read(0)]
        assert any(told), n
        assert told[-1] is False


# A push button


def test_a_button_is_pressed_once_a_press(device):
    source = """
pin = Pin()
result = []
with Time(0) as time:
    button = wiring.make(Board(pin), dict(SPEC, type="button", debounce=20))
    for passed, level in SCRIPT:
        time.now += passed
        if level != pin.level:
            pin.level = level
            pin.interrupt()
        else:
            result.append(button.pressed(0))
"""
    script = [(0, 0), (50, 1), (19, 1), (1, 1), (5, 1), (5, 0), (5, 0), (20, 0), (5, 1), (25, 0)]
    script += [(0, 0), (50, 0)]
    told = run(device, source.replace("SCRIPT", repr(script)))
    assert told == [False, False, True, False, False, False, True, False]


def test_a_button_that_is_held_at_boot_or_comes_back_is_not_pressed(device):
    source = """
pin = Wire()
button = wiring.make(Board(pin), dict(SPEC, type="button", debounce=0))
result = []
for pin.level in (1, 1, None, 1, 0, None, 1, 0, 1, 1):
    result.append(button.pressed(0))
"""
    assert run(device, source) == [False] * 8 + [True, False]


# Analog values

ANALOG = {"tag": "PT-1", "type": "analog", "input": "AI1", "scale": [[1000, 0], [5000, 16.0]]}

CONVERTER = """
class Converter:
    def __init__(self, values):
        self.values = list(values)
    def read_u16(self):
        value = self.values.pop(0)
        if value is None:
            raise OSError(5)
        return value
    def read_uv(self):
        return 1000 * self.read_u16()
def sampled(spec, values, times=None):
    point = wiring.make(Board(None, Converter(values)), spec)
    result = []
    for now in times or range(0, 100 * len(values) // 3, 100):
        result.append([point.read(now), point.reading])
    return result
"""


def sampled(device, spec, values, times=None):
    """Return what an analog point tells of a list of raw values: condition and reading."""
    source = f"{CONVERTER}\nresult = sampled({ {**ANALOG, **spec}!r}, {values!r}, {times!r})"
    return run(device, source)


def thrice(*values):
    """Return each value three times: as often as it is sampled."""
    return [value for value in values for _ in range(3)]


def test_an_analog_value_is_scaled(device):
    told = sampled(device, {"high": 100}, thrice(1000, 5000, 3000, 500, 9000))
    assert told == [[False, 0], [False, 16], [False, 8], [False, -2], [False, 32]]


def test_the_scale_may_fall(device):
    scale = {"scale": [[0, 100], [65536, 0]], "high": 75}
    told = sampled(device, scale, thrice(0, 65536, 16384))
    assert told == [[True, 100], [False, 0], [True, 75]]


@pytest.mark.parametrize(
    ("limit", "values", "expected"),
    [
        ({"high": 8}, (2999, 3000, 2500, 2499, 2999), (0, 1, 1, 0, 0)),
        ({"low": 8}, (3001, 3000, 3500, 3501, 3001), (0, 1, 1, 0, 0)),
        ({"high": 8, "low": None}, (2999, 3000, 2500), (0, 1, 1)),
        ({"high": 0}, (999, 1000), (0, 1)),
    ],
)
def test_limits_have_a_deadband(device, limit, values, expected):
    told = sampled(device, {**limit, "deadband": 2}, thrice(*values))
    assert [condition for condition, _ in told] == [bool(one) for one in expected]


def test_a_raw_value_out_of_range_is_a_fault(device):
    values = thrice(799, 800, 5200, 5201, 5000)
    told = sampled(device, {"high": 10, "range": [800, 5200]}, values)
    assert told == [[None, None], [False, -0.8], [True, 16.8], [None, None], [True, 16]]


def test_between_limit_and_deadband_after_a_fault_is_no_alarm(device):
    told = sampled(device, {"high": 8, "deadband": 2, "range": [1, 9999]}, thrice(3000, 0, 2750))
    assert [condition for condition, _ in told] == [True, None, False]


def test_a_converter_that_fails_is_a_fault(device):
    values = [*thrice(2000), 2000, None, *thrice(2000)]
    assert sampled(device, {"high": 8}, values, (0, 100, 200))[1:] == [[None, None], [False, 4]]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("spike", [0, 65535])
def test_one_spike_is_no_value(device, at, spike):
    values = [2000, 2001, 2002]
    values[at] = spike
    scale = [[0, 0], [4096, 1]]
    told = sampled(device, {"high": 8, "range": [1, 65534], "scale": scale}, values)
    assert told == [[False, sorted(values)[1] / 4096]]


def test_it_is_sampled_every_100_ms(device):
    times = [0, 1, 99, 100, 150, 199, 200, 1000, 2**31, 2**31 + 99, 2**31 + 100]
    told = sampled(device, {"high": 999}, thrice(*range(1000, 7000, 1000)), times)
    assert [reading for _, reading in told] == [0, 0, 0, 4, 4, 4, 8, 12, 16, 16, 20]


def test_microvolts(device):
    spec = {"high": 8, "source": "uv", "scale": [[1000000, 0], [5000000, 16.0]]}
    assert sampled(device, spec, thrice(3000)) == [[True, 8]]


def test_a_converter_without_microvolts_is_named():
    board = input_play.Board(None, input_play.Wire())
    with pytest.raises(ValueError, match=r"^PT-1.source: uv: this board has u16 only$"):
        wiring.make(board, {**ANALOG, "source": "uv", "high": 8})


def test_what_is_no_number_never_leaves(device):
    source = f"""{CONVERTER}
nan = float("nan")
result = []
for values in ([nan] * 3, [nan, 2000, 2000], [2000, nan, 2000], [2000, 2000, nan], [nan, nan, 1]):
    (told,) = sampled({ {**ANALOG, "high": 8}!r}, values)
    result.append(told in ([None, None], [False, 4]) or told)
result.append([inputs.beyond(nan, 1, 1, high, True) for high in (True, False)])
"""
    assert run(device, source) == [True] * 5 + [[None, None]]


# Points of the program


def test_a_point_of_the_program(device):
    source = """
result = []
point = wiring.make(None, {"tag": "P", "type": "software"})
for calls in ("", "s", "", "c", "", "sc", "", "cs", "", "f", "", "sf", "", "c", "scscs", "c"):
    for call in calls:
        {"s": point.set, "c": point.clear, "f": point.fault}[call]()
    result.append(point.read(0))
"""
    told = [False, True, True, False, False, True, False, True, True, None, None, True, None]
    assert run(device, source) == [*told, False, True, False]


# What the points are set to

SET = {
    "digital": {"tag": "D", "type": "digital", "input": 4, "normal": "NO", "pull": "up"},
    "analog": {**ANALOG, "high": 8, "deadband": 1, "range": [1, 9]},
    "software": {"tag": "S", "type": "software"},
}
SAME = {"priority": 2, "on_delay": 1000, "off_delay": 5000, "latched": False, "debounce": 20}
SAME |= {"ack_required": False, "re_alarm": 14400000, "escalate": 0, "to": [0, 0, 0, 0]}
OTHER = {"priority": 3, "on_delay": 0, "off_delay": 1, "latched": True, "debounce": 50}
OTHER |= {"ack_required": True, "re_alarm": 0, "escalate": 900000, "to": [1, 2, 3, 4]}


@pytest.mark.parametrize("kind", SET)
def test_only_what_differs_is_set(device, kind):
    source = f"""
def names(spec):
    point = wiring.make(Board(Wire(), Wire()), spec)
    return point, set(point.__dict__)
Wire.read_u16 = Wire.value
same, ours = names({ {**SET[kind], **SAME}!r})
other, theirs = names({ {**SET[kind], **OTHER}!r})
twin, _ = names({ {**SET[kind], **OTHER}!r})
result = [sorted(theirs - ours), other.to, other.to is twin.to]
result.append([getattr(other, name) for name in sorted(theirs - ours)])
"""
    expected = {**OTHER, "to": [1, 2, 3, 4]}
    if kind != "digital":
        del expected["debounce"]
    names = sorted(expected)
    values = [expected[name] for name in names]
    assert run(device, source) == [names, [1, 2, 3, 4], True, values]


def test_points_drive_the_alarms(device):
    source = """
from alarms import Alarms
pin = Pin()
with Time(0) as time:
    point = wiring.make(Board(pin), dict(SPEC, latch_pulses=True, on_delay=0))
    plant = Alarms([point])
    for now in range(0, 9000, 50):
        time.now = now
        plant.sample(point, point.read(now), now, point.reading)
        if now == 1000:
            for level in (1, 0):
                time.now += 20
                pin.level = level
                pin.interrupt()
result = [[notice.kind, notice.time, notice.value] for notice in plant.out]
"""
    assert run(device, source) == [["RAISE", 1050, None], ["CLEAR", 6100, None]]


# What a board pays

HEAP = """
import gc, json, micropython, time
from borrow import borrow
import alarms, inputs

class Pin:
    def value(self):
        return self.level
    def irq(self, handler):
        self.handler = handler
    def read_u16(self):
        return 2000

class Board:
    def digital(self, name, pull):
        return pins[name]
    def analog(self, name):
        return pins[name]

SPEC = (
    '{"tag": "PUMP_%d", "type": "digital", "input": %d, "normal": "NO", "pull": "up",'
    ' "debounce": 20, "latch_pulses": MORE, "priority": 2, "on_delay": 1000, "off_delay": 5000,'
    ' "latched": false, "ack_required": MORE, "re_alarm": 14400000, "escalate": 0,'
    ' "to": [1, 1, 1, 3]}'.replace("MORE", "true" if MORE else "false")
)
ANALOG = (
    '{"tag": "PT_%d", "type": "analog", "input": %d, "source": "u16", "high": 8.5,'
    ' "deadband": 0.5, "scale": [[1000, 0], [5000, 16]], "range": [800, 5200],'
    ' "priority": 2, "on_delay": 15000, "off_delay": 15000, "to": [1, 1, 1, 3]}'
)
pins = [Pin() for _ in range(COUNT)]
for pin in pins:
    pin.level, pin.handler = 1, None
points = [None] * COUNT
plant = alarms.Alarms(points)

def sample(now):
    for point in points:
        plant.sample(point, point.read(now), now, point.reading)

def fill(spec):
    wiring = borrow("wiring")
    for at in range(COUNT):
        points[at] = wiring.make(Board(), json.loads(spec % (at, at)))
    sample(1000)
    sample(1050)

def settled(depth=30):
    # first overwrite what calls have left on the stack
    if depth:
        return settled(depth - 1)
    gc.collect()
    return gc.mem_alloc()

def measure(spec):
    for at in range(COUNT):
        points[at] = pins[at].handler = None
    start = settled()
    fill(spec)
    return settled() - start

def locked(function):
    micropython.heap_lock()
    try:
        function()
        return 0
    except MemoryError:
        return 1
    finally:
        micropython.heap_unlock()

heap = [measure(SPEC), measure(SPEC)]  # of the first more stays: names, once

def idle():
    for now in (1060, 1070, 1080):
        sample(now)

def handle():
    for level in (0, 0, 1, 1):
        for pin in pins:
            pin.level = level
            if pin.handler:
                pin.handler(pin)
            points[0].look()
    for point in points:
        point.read(2000)

failed = [locked(idle), locked(handle)]
heap.append(measure(ANALOG))
failed.append(locked(idle))

point = borrow("wiring").make(None, {"tag": "P", "type": "software"})

def interrupts():
    for function in functions:
        micropython.schedule(function, None)
        for _ in range(9):
            pass

set = lambda _: point.set()
clear = lambda _: point.clear()
fault = lambda _: point.fault()
functions = (set, clear, fault)
read = lambda: (point.read(0), point.read(0))
failed.append(locked(interrupts))
failed.append(locked(lambda: point.read(0)))
print(json.dumps([heap, failed, point.read(0)]))
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A folder with the compiled modules."""
    folder = tmp_path_factory.mktemp("inputs")
    names = ("alarms", "borrow", "inputs", "wiring")
    for source in (*(FIRMWARE / f"{name}.py" for name in names), PROGRAMS / "imports.py"):
        target = folder / source.with_suffix(".mpy").name
        compile_file(source, target)
    return folder


def on_board(folder, *words):
    """Run a program on the 32-bit MicroPython; return what it prints."""
    words = [str(micropython.find(32)), *words]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("more", [False, True])
def test_heap_of_points(board, more, record_property):
    (board / "heap.py").write_text(f"COUNT, MORE = 20, {more}\n{HEAP}")
    heap, failed, last = on_board(board, "heap.py")
    _, digital, analog = (octets / 20 for octets in heap)
    figure = f"inputs: {digital} octets a contact, {analog} an analog value"
    record_property("figure", figure)
    assert failed == [0] * 5
    assert last is None
    assert 0 < digital <= 230
    assert 0 < analog <= 330


def test_heap_of_the_module(board, record_property):
    _, octets = on_board(board, "-m", "imports", "alarms", "inputs")
    record_property("figure", f"inputs: {octets} octets")
    assert 0 < octets <= 2200
