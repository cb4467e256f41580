"""The alarm states: rows, pairs, delays to the millisecond, and all of it against a slow model."""

import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tools import diagram, micropython
from host_tools.mpy import compile_file

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent.parent / "firmware"
PROGRAMS = HERE.parent / "bench" / "programs"
sys.path[:0] = [str(FIRMWARE), str(HERE)]

import alarm_model  # noqa: E402
import alarm_play  # noqa: E402

SOURCE = (HERE / "alarm_play.py").read_text("utf-8")
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
SHORT = {"on_delay": 0, "off_delay": 0}

STATES = ("NORM", "UNACK", "ACKED", "RTNUN", "LATCHED", "SHLVD", "OOSRV", "FAULT")
ANY = STATES[:5]

# What the specification says, in words: the states, the event, what follows, the notice.
ROWS = [
    (("NORM", "RTNUN", "LATCHED"), "on", "UNACK", "RAISE"),
    (("UNACK",), "off", "RTNUN", "CLEAR"),
    (("ACKED",), "off", "NORM", "CLEAR"),
    (("UNACK", "ACKED"), "off-noack", "NORM", "CLEAR"),
    (("UNACK", "ACKED"), "off-latch", "LATCHED", "CLEAR"),
    (("UNACK",), "ack", "ACKED", None),
    (("RTNUN",), "ack", "NORM", None),
    (("LATCHED",), "reset", "NORM", None),
    (ANY, "bad", "FAULT", "FAULT"),
    (("FAULT",), "good", "ACKED", "GOOD"),  # the state before, as restored in the test
    ((*ANY, "SHLVD", "FAULT"), "shelve", "SHLVD", "SHELVE"),
    (("SHLVD",), "unshelve", "NORM", "UNSHELVE"),
    ((*ANY, "SHLVD", "FAULT"), "out", "OOSRV", "OUT"),
    (("OOSRV",), "return", "NORM", "RETURN"),
    (("UNACK",), "late", "UNACK", "ESCALATE"),
    (("UNACK",), "remind", "UNACK", "REMIND"),
    (("ACKED",), "remind", "ACKED", "REMIND"),
    (("FAULT",), "remind", "FAULT", "REMIND"),
    *(((state,), "quiet", state, "CHATTER_END") for state in STATES),
]
EXPECTED = {(state, event): after for states, event, *after in ROWS for state in states}
EVENTS = sorted({event for _, event in EXPECTED})


def play(device, points, steps):
    """Play a script on a device."""
    return device.call("exec", f"{SOURCE}\nresult = play({points!r}, {steps!r})")


def told(played):
    """Return the kinds and times of all notices."""
    return [(notice[0], notice[4]) for _, notices in played for notice in notices]


def pulses(point, starts, length=100):
    """Yield samples: the condition comes at each start, and goes."""
    for start in starts:
        yield ["sample", point, start, True, 1]
        yield ["sample", point, start + length, False, 0]


# The table


def test_the_table_has_the_events_of_the_specification():
    assert sorted(event.name for event in diagram.events()) == EVENTS


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", [*EVENTS, "nonsense", "event", "", "shel", "noack"])
def test_every_pair_of_state_and_event(device, state, event):
    restore = ["restore", 0, 1000, state, 7, "ACKED", HOUR]
    before, after = play(device, [{}], [restore, ["step", 0, 2000, event]])
    then, kind = EXPECTED.get((state, event), (state, None))
    occurrence = 8 if event == "on" or (state, event) == ("NORM", "bad") else 7
    occurrence = occurrence if (state, event) in EXPECTED else 7
    assert before == [[[state, 7]], []]
    assert after[0] == [[then, occurrence]]
    assert [notice[:5] for notice in after[1]] == (
        [[kind, "P0", occurrence, then, 2000]] if kind else []
    )


# A case: options of the points, steps, and what must be told, (kind, time)


def delays(on, off):
    """A condition that just fails and just makes each delay."""
    steps = [
        *(["sample", 0, 0, False], ["sample", 0, 10, True], ["poll", 10 + on - 1]),
        *(["sample", 0, 10 + on - 1, False], ["sample", 0, 20 + on, True]),
        *(["poll", 20 + 2 * on - 1], ["poll", 20 + 2 * on]),
    ]
    start = 30 + 2 * on
    steps += [
        *(["sample", 0, start, False], ["poll", start + off - 1]),
        *(["sample", 0, start + off - 1, True], ["sample", 0, start + off, False]),
        *(["poll", start + 2 * off - 1], ["poll", start + 2 * off]),
    ]
    return steps, [("RAISE", 20 + 2 * on), ("CLEAR", start + 2 * off)]


CASES = {
    f"delays {on} {off}": ({"on_delay": on, "off_delay": off}, *delays(on, off))
    for on, off in ((1000, 5000), (15000, 15000), (60000, 1))
}
CASES |= {
    "held for exactly the on-delay": (
        {"on_delay": 1000},
        [["sample", 0, 5, True], ["sample", 0, 1005, False]],
        [("RAISE", 1005)],
    ),
    "a late poll changes nothing": (
        {"priority": 3, "re_alarm": HOUR},
        [["sample", 0, 5, True], ["poll", 3 * HOUR]],
        [("RAISE", 1005), ("ESCALATE", 1005 + 15 * MINUTE), ("REMIND", 1005 + HOUR)],
    ),
    "reminders after 4, 8, 16, 24 and 24 h": (
        SHORT,
        [["sample", 0, 7, True], *(["poll", at * HOUR] for at in range(1, 77))],
        [("RAISE", 7), *(("REMIND", 7 + at * HOUR) for at in (4, 12, 28, 52))],
    ),
    "reminders of less than a day grow to a day, others keep": (
        {**SHORT, "re_alarm": 30 * HOUR},
        [["sample", 0, 0, True], ["poll", 90 * HOUR]],
        [("RAISE", 0), *(("REMIND", at * HOUR) for at in (30, 60, 90))],
    ),
    "a reminder of what is acknowledged": (
        SHORT,
        [["sample", 0, 0, True], ["step", 0, 9, "ack"], ["poll", 4 * HOUR]],
        [("RAISE", 0), ("REMIND", 4 * HOUR)],
    ),
    "no reminder": (
        {**SHORT, "re_alarm": 0},
        [["sample", 0, 0, True], ["poll", 99 * HOUR]],
        [("RAISE", 0)],
    ),
    "escalation, once": (
        {**SHORT, "priority": 3},
        [["sample", 0, 1, True], ["poll", 15 * MINUTE], ["poll", 15 * MINUTE + 1], ["poll", HOUR]],
        [("RAISE", 1), ("ESCALATE", 15 * MINUTE + 1)],
    ),
    "acknowledged 1 ms before the escalation": (
        {**SHORT, "priority": 3},
        [["sample", 0, 1, True], ["step", 0, 15 * MINUTE, "ack"], ["poll", HOUR]],
        [("RAISE", 1)],
    ),
    "acknowledged too late": (
        {**SHORT, "priority": 3},
        [["sample", 0, 1, True], ["step", 0, 15 * MINUTE + 1, "ack"], ["poll", HOUR]],
        [("RAISE", 1), ("ESCALATE", 15 * MINUTE + 1)],
    ),
    **{
        f"no escalation: {name}": (
            {**SHORT, "priority": 3, **options},
            [["sample", 0, 1, True], ["poll", HOUR]],
            [("RAISE", 1)],
        )
        for name, options in {
            "not high": {"priority": 2},
            "no acknowledgement required": {"ack_required": False},
            "nobody can acknowledge": {"escalate": 0},
        }.items()
    },
    "shelved for 8 h at most, then evaluated afresh": (
        SHORT,
        [
            *(["sample", 0, 0, True], ["step", 0, 10, "shelve", 9 * HOUR]),
            *(["sample", 0, 20, False], ["sample", 0, 30, True], ["poll", 8 * HOUR + 9]),
            ["poll", 8 * HOUR + 10],
        ],
        [("RAISE", 0), ("SHELVE", 10), ("UNSHELVE", 8 * HOUR + 10), ("RAISE", 8 * HOUR + 10)],
    ),
    "the shelf ends within the on-delay": (
        {"on_delay": 1000},
        [["step", 0, 0, "shelve", 500], ["sample", 0, 100, True], ["poll", 1100]],
        [("SHELVE", 0), ("UNSHELVE", 500), ("RAISE", 1100)],
    ),
    "shelved again, for longer": (
        SHORT,
        [["step", 0, 0, "shelve", 500], ["step", 0, 400, "shelve", 500], ["poll", 900]],
        [("SHELVE", 0), ("SHELVE", 400), ("UNSHELVE", 900)],
    ),
    "shelved for no time": (SHORT, [["step", 0, 0, "shelve", 0], ["poll", HOUR]], []),
    "out of service is silent": (
        SHORT,
        [
            *(["step", 0, 0, "out"], ["sample", 0, 10, True], ["sample", 0, 20, None]),
            *(["step", 0, 25, "shelve", HOUR], ["sample", 0, 30, True], ["step", 0, 40, "return"]),
        ],
        [("OUT", 0), ("RETURN", 40), ("RAISE", 40)],
    ),
    "bad while shelved": (
        SHORT,
        [["step", 0, 0, "shelve", 500], ["sample", 0, 10, None], ["poll", 500]],
        [("SHELVE", 0), ("UNSHELVE", 500), ("FAULT", 500)],
    ),
    "an alarm goes on after a fault": (
        {**SHORT, "off_delay": 50},
        [
            *(["sample", 0, 0, True], ["sample", 0, 10, None], ["sample", 0, 20, True]),
            *(["sample", 0, 100000, None], ["sample", 0, 100010, False], ["poll", 100060]),
        ],
        [
            *(("RAISE", 0), ("FAULT", 10), ("GOOD", 20)),
            *(("FAULT", 100000), ("GOOD", 100010), ("CLEAR", 100060)),
        ],
    ),
    "delays begin anew after a fault": (
        {"on_delay": 1000},
        [
            *(["sample", 0, 0, True], ["sample", 0, 999, None], ["sample", 0, 1500, True]),
            *(["poll", 2499], ["poll", 2500]),
        ],
        [("FAULT", 999), ("GOOD", 1500), ("RAISE", 2500)],
    ),
    "a reminder of a fault": (
        SHORT,
        [["sample", 0, 0, None], ["poll", 4 * HOUR]],
        [("FAULT", 0), ("REMIND", 4 * HOUR)],
    ),
    "three raises within 60 s chatter": (
        SHORT,
        [*pulses(0, (0, 30000, 59999, 60500)), ["poll", 60600 + 5 * MINUTE]],
        [
            *(("RAISE", 0), ("CLEAR", 100), ("RAISE", 30000), ("CLEAR", 30100)),
            *(("CHATTER", 59999), ("CHATTER_END", 60600 + 5 * MINUTE)),
        ],
    ),
    "three raises in 60 s do not": (
        SHORT,
        [*pulses(0, (0, 30000, 60000))],
        [
            *(("RAISE", 0), ("CLEAR", 100), ("RAISE", 30000), ("CLEAR", 30100)),
            *(("RAISE", 60000), ("CLEAR", 60100)),
        ],
    ),
    "chattering goes on until 5 min are quiet": (
        SHORT,
        [
            *pulses(0, (0, 1000, 2000, 2100 + 5 * MINUTE - 1)),
            *(["poll", 2199 + 10 * MINUTE - 1], *pulses(0, (2199 + 10 * MINUTE,))),
        ],
        [
            *(("RAISE", 0), ("CLEAR", 100), ("RAISE", 1000), ("CLEAR", 1100), ("CHATTER", 2000)),
            ("CHATTER_END", 2199 + 10 * MINUTE),
            *(("RAISE", 2199 + 10 * MINUTE), ("CLEAR", 2299 + 10 * MINUTE)),
        ],
    ),
    "a loose wire chatters": (
        SHORT,
        [["sample", 0, at * 100, at % 2 == 0 or None] for at in range(9)],
        [("RAISE", 0), ("FAULT", 100), ("GOOD", 200), ("CHATTER", 300)],
    ),
    "chattering ends on the shelf too": (
        SHORT,
        [*pulses(0, (0, 1000, 2000)), ["step", 0, 3000, "shelve"], ["poll", HOUR]],
        [
            *(("RAISE", 0), ("CLEAR", 100), ("RAISE", 1000), ("CLEAR", 1100), ("CHATTER", 2000)),
            *(("SHELVE", 3000), ("CHATTER_END", 2100 + 5 * MINUTE)),
        ],
    ),
    "after a boot, still there": (
        SHORT,
        [["restore", 0, 0, "UNACK", 5, "NORM", 0], ["sample", 0, 1, True], ["poll", HOUR]],
        [],
    ),
    "after a boot, gone": (
        {"off_delay": 5000},
        [["restore", 0, 0, "UNACK", 5, "NORM", 0], ["sample", 0, 1, False], ["poll", 5001]],
        [("CLEAR", 5001)],
    ),
    "after a boot, returned, there again": (
        SHORT,
        [["restore", 0, 0, "RTNUN", 5, "NORM", 0], ["sample", 0, 1, True]],
        [("RAISE", 1)],
    ),
    "after a boot, no longer shelved": (
        SHORT,
        [["restore", 0, 0, "SHLVD", 5, "NORM", 0], ["sample", 0, 1, True]],
        [("UNSHELVE", 0), ("RAISE", 1)],
    ),
    "after a boot, still shelved": (
        SHORT,
        [["restore", 0, 0, "SHLVD", 5, "NORM", 60], ["sample", 0, 1, True], ["poll", 60]],
        [("UNSHELVE", 60), ("RAISE", 60)],
    ),
    "after a boot in a fault": (
        SHORT,
        [["restore", 0, 0, "FAULT", 5, "UNACK", 0], ["sample", 0, 1, False]],
        [("GOOD", 1), ("CLEAR", 1)],
    ),
    "nothing is known yet": (SHORT, [["poll", HOUR], ["poll", 99 * HOUR]], []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_told_and_when(device, case):
    options, steps, expected = CASES[case]
    assert told(play(device, [options], steps)) == expected


@pytest.mark.parametrize("start", [0, 2**30 - 30_000, 2**31 - 30_000, 2**40])
def test_the_time_of_uptime_has_no_end(device, start):
    steps = [["sample", 0, start, False], *pulses(0, (start + 1, start + 20_000, start + 40_000))]
    end = start + 40_100 + 5 * MINUTE
    expected = [("RAISE", 1), ("CLEAR", 101), ("RAISE", 20_000), ("CLEAR", 20_100)]
    expected += [("CHATTER", 40_000), ("CHATTER_END", end - start)]
    found = told(play(device, [SHORT], [*steps, ["poll", end - 1], ["poll", end]]))
    assert found == [(kind, start + at) for kind, at in expected]


# What notices say


def test_notices_of_an_occurrence(device):
    steps = [
        *(
            ["sample", 0, 100, True, 81.5],
            ["step", 0, 200, "ack"],
            ["sample", 0, 300, False, 77.5],
        ),
        *(["sample", 0, 400, True, 82.5], ["sample", 0, 500, None, None]),
    ]
    notices = [
        notice for _, new in play(device, [{**SHORT, "latched": True}], steps) for notice in new
    ]
    assert notices == [
        ["RAISE", "P0", 1, "UNACK", 100, 100, 81.5, True, False, 0],
        ["CLEAR", "P0", 1, "LATCHED", 300, 100, 77.5, False, False, 0],
        ["RAISE", "P0", 2, "UNACK", 400, 400, 82.5, False, False, 0],
        ["CHATTER", "P0", 2, "FAULT", 500, 400, None, False, False, 0],
    ]


def test_the_value_is_the_last(device):
    steps = [["sample", 0, at, True, at] for at in (0, 400, 800)] + [["poll", 1000]]
    assert play(device, [{}], steps)[-1][1][0][6] == 800


@pytest.mark.parametrize(
    ("conditions", "unseen"), [((False,), True), ((None, False), True), ((True, False), False)]
)
def test_a_clear_tells_whether_the_board_saw_it(device, conditions, unseen):
    steps = [["restore", 0, 0, "ACKED", 5, "NORM", 0]]
    steps += [["sample", 0, at, condition] for at, condition in enumerate(conditions)]
    kind, _, occurrence, state, _, since, _, _, found, _ = play(device, [SHORT], steps)[-1][1][-1]
    assert (kind, occurrence, state, since, found) == ("CLEAR", 5, "NORM", None, unseen)


def test_the_end_of_chattering_tells_how_many_were_counted(device):
    played = play(device, [SHORT], [*pulses(0, range(0, 20_000, 1000)), ["poll", HOUR]])
    assert played[-1][1] == [
        ["CHATTER_END", "P0", 20, "RTNUN", 319_100, 19_000, 0, False, False, 17]
    ]


def test_chattering_that_ends_in_alarm_says_so_and_clears_later(device):
    steps = [*pulses(0, (0, 1000, 2000)), ["sample", 0, 3000, True], ["poll", 3000 + 5 * MINUTE]]
    played = play(device, [SHORT], [*steps, ["sample", 0, HOUR, False]])
    assert [notice[:5] for _, new in played[-2:] for notice in new] == [
        ["CHATTER_END", "P0", 4, "UNACK", 3000 + 5 * MINUTE],
        ["CLEAR", "P0", 4, "RTNUN", HOUR],
    ]


# The flood


def burst(times):
    """Return steps in which so many points raise, one after another."""
    return [["sample", point, at, True] for point, at in enumerate(times)]


def floods(device, times, end=0):
    """Return what is told of the flood, without the states."""
    points = [{**SHORT, "re_alarm": 0}] * len(times)
    played = play(device, points, [*burst(times), ["poll", end]])
    found = [notice for _, new in played for notice in new if notice[0].startswith("FLOOD")]
    return [[kind, tag, at, since, count] for kind, tag, _, _, at, since, *_, count in found]


def test_ten_raises_are_no_flood(device):
    assert floods(device, range(10), HOUR) == []


def test_eleven_are_until_less_than_five_are_left(device):
    times = [*range(10), 599_999]
    assert floods(device, times, 600_005) == [["FLOOD", "P0", 599_999, 0, 11]]
    assert floods(device, times, 600_006)[1:] == [["FLOOD_END", "P0", 600_006, 0, 11]]


def test_eleven_in_ten_minutes_and_a_millisecond_are_none(device):
    assert floods(device, [*range(10), 600_000], HOUR) == []


def test_a_flood_goes_on_while_five_are_left_and_counts(device):
    times = [*range(11), *range(100_000, 900_000, 100_000)]
    last = 800_000
    assert floods(device, times, last + HOUR) == [
        ["FLOOD", "P0", 10, 0, 11],
        ["FLOOD_END", "P0", 400_000 + 600_000, 0, 19],
    ]


def test_the_first_out_is_the_oldest_within_the_window(device):
    times = [0, 1, *range(600_000, 600_011)]
    assert floods(device, times)[:1] == [["FLOOD", "P2", 600_010, 600_000, 11]]


def test_a_second_flood_has_a_first_out_of_its_own(device):
    times = [*range(11), *range(700_000, 700_011)]
    assert [flood[1] for flood in floods(device, times, HOUR)] == ["P0", "P0", "P11", "P11"]


def test_a_raise_after_ten_quiet_minutes_is_first_out(device):
    played = play(device, [SHORT] * 3, burst([5, 600_004, 1_200_004]))
    assert [new[0][7] for _, new in played] == [True, False, True]


def test_what_is_only_counted_makes_no_flood(device):
    played = play(device, [SHORT], [*pulses(0, range(0, 500_000, 5000))])
    assert "FLOOD" not in {kind for kind, _ in told(played)}


# Against the model

GAPS = (0, 0, 1, 2, 699, 700, 999, 1000, 1001, 5000, 30_000, 59_999, 60_000, 60_001, 120_000)
LONG_GAPS = (299_999, 300_000, 300_001, 599_999, 600_000, 600_001, 900_000, 4 * HOUR, 24 * HOUR)

POINTS = st.fixed_dictionaries(
    {
        "on_delay": st.sampled_from((0, 1, 1000, 15_000)),
        "off_delay": st.sampled_from((0, 700, 5000)),
        "latched": st.booleans(),
        "ack_required": st.booleans(),
        "priority": st.sampled_from([2, 3]),
        "re_alarm": st.sampled_from((0, 60_000, 4 * HOUR, 100_000_000)),
        "escalate": st.sampled_from((0, 5000, 15 * MINUTE)),
    }
)
COMMANDS = ("ack", "ack", "reset", "shelve", "unshelve", "out", "return", "nonsense")


@st.composite
def scripts(draw):
    """Draw points and what happens to them."""
    points = draw(st.lists(POINTS, min_size=1, max_size=draw(st.sampled_from((1, 3, 14)))))
    which = st.integers(0, len(points) - 1)
    gaps = st.sampled_from(draw(st.sampled_from((GAPS[:8], GAPS, GAPS + LONG_GAPS))))
    now = draw(st.sampled_from((0, 7, 2**30 - 50_000)))
    steps = []
    for point in range(len(points)):
        if draw(st.booleans()):
            state, before = draw(st.sampled_from(STATES)), draw(st.sampled_from(ANY))
            shelved = draw(st.sampled_from((0, 60_000)))
            steps.append(["restore", point, now, state, point, before, shelved])
    happens = st.tuples(
        gaps, which, st.sampled_from((True, False, True, False, None, *COMMANDS, "poll"))
    )
    for gap, point, what in draw(st.lists(happens, max_size=80)):
        now += gap
        steps.append(step(point, now, what, draw))
    return points, [*steps, ["poll", now + 2 * HOUR]]


def step(point, now, what, draw=None):
    """Return a step of a script."""
    if what == "poll":
        return ["poll", now]
    if what == "shelve":
        lengths = (-5, 0, 1, 60_000, 10**9)
        return [
            "step",
            point,
            now,
            what,
            draw(st.sampled_from(lengths)) if draw else lengths[now % 5],
        ]
    if what in COMMANDS:
        return ["step", point, now, what]
    return ["sample", point, now, what, now % 97]


@settings(max_examples=400, deadline=None)
@given(scripts())
def test_anything_that_happens_is_what_the_model_says(script):
    points, steps = script
    played = alarm_play.play(points, steps)
    modelled = alarm_model.play(points, steps)
    for step, one, other in zip(steps, played, modelled, strict=True):
        assert one == other, step


def shuffled(seed):
    """Return a long script made without hypothesis, the same on every day."""
    choose = random.Random(seed)
    points = [
        {
            "on_delay": choose.choice((0, 1000)),
            "off_delay": choose.choice((0, 5000)),
            "latched": choose.random() < 0.2,
            "ack_required": choose.random() < 0.7,
            "priority": choose.choice([2, 3]),
            "re_alarm": choose.choice((60_000, 4 * HOUR)),
        }
        for _ in range(choose.choice((1, 5, 14)))
    ]
    now = choose.choice((0, 2**30 - 50_000))
    steps = []
    for _ in range(200):
        now += choose.choice(GAPS[: choose.choice((4, len(GAPS)))])
        what = choose.choice((True, False, True, False, True, False, None, *COMMANDS))
        steps.append(step(choose.randrange(len(points)), now, what))
    return points, [*steps, ["poll", now + 2 * HOUR]]


@pytest.mark.parametrize("seed", range(20))
def test_every_interpreter_does_as_the_model(device, seed):
    points, steps = shuffled(seed)
    assert play(device, points, steps) == alarm_model.play(points, steps)


def test_the_long_scripts_tell_of_everything():
    scripts_told = (told(alarm_model.play(*shuffled(seed))) for seed in range(20))
    kinds = {kind for kind, _ in itertools.chain(*scripts_told)}
    assert kinds == {kind for *_, kind in ROWS if kind} | {"CHATTER", "FLOOD", "FLOOD_END"}


# Memory, on a MicroPython with pointers as wide as a board's

HEAP = """
import gc, json, micropython
import alarms
gc.disable()
names = ["P%d" % at for at in range(COUNT)]
gc.collect()
start = gc.mem_alloc()
points = [alarms.Point(name) for name in names]
plant = alarms.Alarms(points)
times = [NOW + at for at in range(0, 2000, 100)]
values = [at / 8 for at in range(20)]
points[1].priority = 3
for point in points:
    plant.sample(point, False, NOW, 0.5)
gc.collect()
quiet = gc.mem_alloc() - start

def idle():
    for now in times:
        plant.poll(now)
        for point in points:
            plant.sample(point, point.condition, now, values[3])

def locked():
    micropython.heap_lock()
    try:
        idle()
        return 0
    except MemoryError:
        return 1
    finally:
        micropython.heap_unlock()

failed = locked()
step = NOW + 3000
for count in range(3):  # until all chatter
    for condition in (True, False):
        for point in points:
            plant.sample(point, condition, step, 0.5)
        step += 9000
        plant.poll(step)
        plant.out.clear()
for point in points:
    plant.sample(point, True, step, 0.5)
step += 2000
plant.poll(step)
plant.out.clear()
gc.collect()
busy = gc.mem_alloc() - start
states = {point.state for point in points}
times = [step + at for at in range(0, 2000, 100)]
failed += locked()
print(json.dumps([quiet, busy, failed, sorted(states), plant.flood > 0]))
"""


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """Bytes that the compiled module takes: imported, a quiet point, one that chatters."""
    folder = tmp_path_factory.mktemp("alarms")
    for source in (FIRMWARE / "alarms.py", PROGRAMS / "imports.py"):
        target = folder / source.with_suffix(".mpy").name
        compile_file(source, target)
    found = {}
    for name, now in (("young", 1000), ("old", 2**31)):  # the uptime of the board
        few, many = (measure(folder, count, now) for count in (20, 40))
        quiet, busy = ((most - least) // 20 for least, most in zip(few, many, strict=True))
        plant = few[1] - 20 * busy
        found[name] = {"quiet point": quiet, "busy point": busy, "plant": plant}
    found["import"] = {"alarms": json.loads(run(folder, "-m", "imports", "alarms"))[0]}
    print(found)
    return found


def measure(folder, count, now):
    """Return the heap of so many points, quiet and busy; stepping them must take none."""
    (folder / "heap.py").write_text(f"COUNT, NOW = {count}, {now}\n{HEAP}")
    *heap, failed, states, flood = json.loads(run(folder, "heap.py"))
    assert (failed, states, flood) == (0, [1], True)  # all UNACK
    return heap


def run(folder, *words):
    """Run a program on the 32-bit MicroPython; return what it prints."""
    words = [str(micropython.find(32)), *words]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("of", "figure", "bound"),
    [
        ("import", "alarms", 5000),
        ("young", "quiet point", 100),
        ("young", "busy point", 200),
        ("old", "busy point", 300),
    ],
)
def test_heap(figures, of, figure, bound):
    assert 0 < figures[of][figure] <= bound, figures


# What people read


def test_the_drawing_is_up_to_date():
    text = diagram.DOCUMENT.read_text("utf-8")
    assert diagram.update(text) == text, "run python -m host_tools.diagram"


def test_the_drawing_has_every_event_of_the_table():
    drawn = diagram.mermaid()
    absent = {event.name for event in diagram.events() if event.label not in drawn}
    assert absent == {"quiet"}  # changes no state; it is in the table
