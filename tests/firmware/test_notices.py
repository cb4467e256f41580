"""What notices look like as mail, word for word; and that mail programs read them as they are.

`firmware/NOTICES.md` shows one mail of each kind. The test renders them and compares, so the
examples are both the documentation and what is expected.
"""

import re
import string
import sys
from calendar import timegm
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent.parent / "firmware"
sys.path[:0] = [str(FIRMWARE), str(HERE)]

import notice_play  # noqa: E402
from config import fault_of  # noqa: E402
from notices import amount, expand, message_id, span  # noqa: E402
from texts import TEXTS  # noqa: E402

SOURCE = (HERE / "notice_play.py").read_text("utf-8")
DOCUMENT = (FIRMWARE / "NOTICES.md").read_text("utf-8")

NOW = 93731  # s of uptime: 1 d 02:02:11
BOOT = 12
OFFSETS = {"12": 1770033600, "11": 1769900000}  # 2026-02-02 12:00:00 UTC, and the day before
PLANT = {
    "plant": "PLANT",
    "device": "plc7",
    "addresses": ["ops@example.com", "boss@example.com", "lab@example.com"],
}
POINTS = {
    "PUMP_2": {"description": "overload", "response": "Reset the motor protection."},
    "TK-1.PAHH": {
        "description": "pressure high",
        "response": "Open the relief valve, then tell the shift leader.",
        "unit": "bar",
        "high": 80,
        "deadband": 2,
    },
    "TK-1.LALL": {"description": "level low", "unit": "%", "low": 12.5},
}
TEXT = {f"text {name}": default for name, (default, _) in TEXTS.items()}
VALUES = {"site": PLANT} | {f"point {tag}": POINTS[tag] for tag in POINTS} | TEXT
CONTEXT = {
    "active": [],
    "shelved": [],
    "flood": 0,
    "firmware": "0.1.0",
    "board": "W5500_EVB_PICO",
    "address": "192.168.1.7",
    "uptime": NOW,
    "reset_cause": "power on",
    "sent": 31,
    "deferred": 2,
    "short": 0,
    "failures": 0,
    "heap": 13056,
    "next": 61069,
}


def key(boot, sequence):
    """Return a key, as a list of octets that JSON can say."""
    return [*boot.to_bytes(3, "big"), *sequence.to_bytes(4, "big")]


def record(kind, tag="", uptime=NOW, boot=BOOT, sequence=42, **values):
    """Write a record of a scenario."""
    values = {"priority": 3, "to": 1} | values
    return [boot, sequence, kind, {"tag": tag, "uptime": uptime} | values]


def later(kind, tag, since, **values):
    """Write a record of an occurrence that another one, of the same boot, announced."""
    return record(kind, tag, since=since, announced=key(BOOT, 40), **values)


def digest(*members, **values):
    """Write a bundle and its members."""
    numbered = [[boot, at, *rest] for at, (boot, _, *rest) in enumerate(members, 1)]
    return [*numbered, record("BUNDLE", sequence=99, **values)]


def flood_of(count):
    """Yield so many events of a few tags, two seconds apart."""
    for at in range(count):
        tag = f"TK-{at % 7}.LAH"
        kind = "CLEAR" if at % 3 == 2 else "RAISE"
        more = {"since": NOW + 2 * at - 95, "announced": key(BOOT, 1)} if kind == "CLEAR" else {}
        yield record(kind, tag, NOW + 2 * at, priority=1 + at % 3, **more)


DAY = (
    record("RAISE", "TK-1.PAHH", 93600, value=81.5),
    record("TEXT", "", 93700, priority=1, text="Batch 12 done\n40 kg left"),
    later("CLEAR", "TK-1.PAHH", 93600, uptime=93760, value=77.2, state=1),
    record("RAISE", "PUMP_2", 129599, priority=2),
    later("SHELVE", "PUMP_2", 129599, uptime=129600, priority=2, value=7200, state=6),
)

# A mail of each kind: its records, and what of the context differs.
EXAMPLES = {
    "RAISE": ([record("RAISE", "TK-1.PAHH", value=81.5, state=2, text="first")], {}),
    "CLEAR": ([later("CLEAR", "TK-1.PAHH", NOW - 754, value=77.25, state=1)], {}),
    "CLEAR, latched": ([later("CLEAR", "PUMP_2", NOW - 38, state=5)], {}),
    "CLEAR, unseen": (
        [record("CLEAR", "PUMP_2", 5, state=1, text="unseen", announced=key(11, 7), since=600)],
        {},
    ),
    "FAULT": ([record("FAULT", "TK-1.PAHH", state=8)], {}),
    "GOOD": ([later("GOOD", "TK-1.PAHH", NOW - 61, value=40, state=2)], {}),
    "REMIND": (
        [later("REMIND", "PUMP_2", NOW - 14400, state=2)],
        {"active": ["PUMP_2", "TK-1.LALL", "LINK"]},
    ),
    "ESCALATE": ([later("ESCALATE", "PUMP_2", NOW - 900, state=2, to=2)], {}),
    "CHATTER": ([record("CHATTER", "PUMP_2", state=2)], {}),
    "CHATTER_END": ([later("CHATTER_END", "PUMP_2", NOW - 754, value=17, state=1)], {}),
    "FLOOD": ([record("FLOOD", "PUMP_2", value=11, state=2)], {"flood": 11}),
    "during a flood": (
        [record("RAISE", "TK-1.LALL", value=12.25, state=2, priority=2)],
        {"flood": 23, "active": [f"TK-{at}.LAH" for at in range(14)]},
    ),
    "FLOOD_END": ([record("FLOOD_END", "PUMP_2", value=37, state=1)], {}),
    "raised and cleared": (
        digest(
            record("RAISE", "TK-1.PAHH", NOW, value=81.5, state=2),
            later("CLEAR", "TK-1.PAHH", NOW, uptime=NOW + 38, value=77.25, state=1),
            text="TK-1.PAHH",
            uptime=NOW + 60,
        ),
        {},
    ),
    "digest": (digest(*DAY, record("OVERFLOW", "", 129700, occurrence=9, text="7 LINK\n2 *")), {}),
    "OVERFLOW": (
        [record("OVERFLOW", occurrence=137, text="80 PUMP_2\n45 TK-1.PAHH\n12 *")],
        {"active": ["PUMP_2"]},
    ),
    "TEXT": ([record("TEXT", priority=2, text="Batch 12 done.\nTake 40 kg to the store.")], {}),
    "BOOT": (
        [record("BOOT", uptime=4, text="watchdog\nconfig.json: points.PUMP_2.input: missing")],
        {"active": ["PUMP_2"], "shelved": ["TK-1.LALL"], "reset_cause": "watchdog"},
    ),
    "HEARTBEAT": (
        [
            record("RAISE", "TK-1.LALL", NOW - 700, sequence=3, value=12),
            record("CLEAR", "PUMP_2", sequence=4, to=0, parked=2),
            record("HEARTBEAT"),
        ],
        {"active": ["TK-1.LALL"]},
    ),
    "clock not set": ([record("RAISE", "PUMP_2", 192, boot=13, state=2)], {"boots": 13}),
    "earlier boot": (
        [record("CLEAR", "PUMP_2", 192, boot=10, state=1, announced=key(10, 1), since=100)],
        {},
    ),
}


def play(device, records, context, values=VALUES):
    """Render the last record on a device."""
    context = dict(context)
    boots = context.pop("boots", BOOT)
    arguments = (values, boots, OFFSETS, records, CONTEXT | context)
    return device.call("exec", f"{SOURCE}\nresult = play{arguments!r}")


def written(subject, body):
    """Write a mail as the document shows it."""
    return f"Subject: {subject}\n\n{''.join(body)}"


def examples():
    """Return the examples of the document, by their headings."""
    found = re.findall(r"^## (.*?)$.*?^```\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(device, name):
    recipients, subject, body = play(device, *EXAMPLES[name])
    assert written(subject, body) == examples()[name]
    assert recipients == ["boss@example.com" if name == "ESCALATE" else "ops@example.com"]
    assert len(subject) <= 68
    assert all(line.endswith("\n") for line in body)


def test_the_document_has_these_examples_and_no_others():
    assert list(examples()) == list(EXAMPLES)


def test_each_kind_has_an_example():
    kinds = {records[-1][2] for records, _ in EXAMPLES.values()}
    digest_only = {"SHELVE", "UNSHELVE", "OUT", "RETURN"}
    assert kinds == set(notice_play.KINDS) - digest_only - {"STATE"}


def fields_in(template):
    """Return the names of the fields that a text uses."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("name", TEXTS)
def test_default_texts_are_short(name):
    """No text of a configuration may have more than 500 octets either."""
    assert len(TEXTS[name][0].encode()) <= 500


@pytest.mark.parametrize("name", TEXTS)
def test_default_texts_use_only_their_own_fields(name):
    default, fields = TEXTS[name]
    assert fields_in(default) <= set(fields.split())


FIELDS = [
    ([name for name in TEXTS if (name + " ").startswith(group + " ")], field)
    for group in dict.fromkeys(name.split(" ")[0] for name in TEXTS)
    for field in dict.fromkeys(
        field
        for name, (_, fields) in TEXTS.items()
        if (name + " ").startswith(group + " ")
        for field in fields.split()
    )
]
"""Each field with the texts that may use it: those of notes and events together, others alone."""


@pytest.mark.parametrize(("names", "field"), FIELDS)
def test_each_field_is_filled_for_some_mail(names, field):
    context = {"active": ["LINK"] * 11, "shelved": ["LINK"], "flood": 11}
    values = VALUES | {f"text {name}": f"@{{{field}}}@" for name in names}
    for records, more in EXAMPLES.values():
        arguments = (values, more.get("boots", BOOT), OFFSETS, records, CONTEXT | context)
        _, subject, body = notice_play.play(*arguments)
        if re.search("@[^@]+@", subject + "".join(body)):
            break
        if body and field in ("table", "counts"):  # these have lines of their own
            break
    else:
        pytest.fail(f"{field} is always empty")


def test_the_document_names_the_fields():
    table = DOCUMENT.split("| field | what |")[1]
    named = {
        name for row in re.findall(r"^\| ([a-z, ]+) \|", table, re.M) for name in row.split(", ")
    }
    assert named == {field for _, fields in TEXTS.values() for field in fields.split()}


GERMAN = {
    "text subject": "[{plant} {priority}] {flood} {tag} {description} {event} {time}",
    "text body": "{tag} {description}: {event}\n{when}\nWert {value} (Grenze {limit})\n{response}",
    "text event RAISE": "KOMMT",
    "text priorities": "Hinweis niedrig mittel hoch",
    "text clock": "Uhr nicht gestellt, läuft seit {uptime}",
    "point FÜ-1": {
        "description": "Überfüllung",
        "unit": "m³",
        "high": 4.25,
        "response": "Ventil zu",
    },
}

# name: the records, what of the context and of the configuration differs, the mail
CASES = {
    "a tag that is no longer configured": (
        [record("RAISE", "GONE-1", value=81.5, state=2)],
        {},
        {},
        (
            "Subject: [PLANT high] GONE-1 RAISED 14:02:11\n\n"
            "GONE-1 RAISED\n2026-02-03 14:02:11 UTC\n\nValue: 81.5\nPriority: high\n\n"
            "PLANT, plc7, W5500_EVB_PICO, alarmpost 0.1.0\n"
        ),
    ),
    "another language": (
        [record("RAISE", "FÜ-1", value=4.3, state=2)],
        {},
        GERMAN,
        (
            "Subject: [PLANT hoch] FÜ-1 Überfüllung KOMMT 14:02:11\n\n"
            "FÜ-1 Überfüllung: KOMMT\n2026-02-03 14:02:11 UTC\nWert 4.3 m³ (Grenze 4.25 m³)\n"
            "Ventil zu\n"
        ),
    ),
    "another language, clock not set": (
        [record("RAISE", "FÜ-1", 86400 + 61, boot=13)],
        {"boots": 13},
        GERMAN,
        (
            "Subject: [PLANT hoch] FÜ-1 Überfüllung KOMMT\n\n"
            "FÜ-1 Überfüllung: KOMMT\nUhr nicht gestellt, läuft seit 1 d 00:01:01\nVentil zu\n"
        ),
    ),
    "a long tag keeps the event and the time": (
        [record("ESCALATE", "T" * 32)],
        {},
        {"text body": "", "point " + "T" * 32: {"description": "quite too long for this subject"}},
        "Subject: [PLANT high] " + "T" * 32 + " NOT ACKNOWLEDGED 14:02:11\n\n",
    ),
    "a long description is cut": (
        [record("RAISE", "PUMP_2", state=2)],
        {},
        {"text body": "", "point PUMP_2": {"description": "word " * 16}},
        "Subject: [PLANT high] PUMP_2 word word word word word word.. RAISED 14:02:11\n\n",
    ),
    "no line can be smuggled into the subject": (
        [record("TEXT", text="one\r\nBcc: x@y\x00\x1b\x7f two")],
        {},
        {"text body": "{tag}"},
        "Subject: [PLANT high] one Bcc: x@y two 14:02:11\n\n",
    ),
    "no texts at all": ([record("RAISE", "PUMP_2")], {}, dict.fromkeys(TEXT), "Subject: \n\n"),
    "a priority without a word": (
        [record("RAISE", "PUMP_2")],
        {},
        {"text body": "", "text priorities": "low"},
        "Subject: [PLANT] PUMP_2 overload RAISED 14:02:11\n\n",
    ),
    "a fault, then its end, of an alarm": (
        digest(
            record("FAULT", "PUMP_2", state=8 + 8),
            later("GOOD", "PUMP_2", NOW - 3600, uptime=NOW + 5, state=2),
            text="PUMP_2",
        ),
        {},
        {"text body": "{event}\n{note}\n{table}\n{state}"},
        (
            "Subject: [PLANT high] PUMP_2 overload FAULT, FAULT GONE 14:02:11\n\n"
            "FAULT, FAULT GONE\nThe process value is bad: a broken wire or a short circuit?\n"
            "2026-02-03 UTC\n14:02:11 H PUMP_2   FAULT\n14:02:16 H PUMP_2   FAULT GONE\nactive\n"
        ),
    ),
    "a bundle of which one is left": (
        digest(record("RAISE", "PUMP_2"), text="PUMP_2"),
        {},
        {"text body": "{event} {tag}"},
        "Subject: [PLANT high] PUMP_2 overload RAISED 14:02:11\n\nRAISED PUMP_2\n",
    ),
    "a bundle of which none is left": (
        digest(text="PUMP_2"),
        {},
        {"text digest": "{count}\n{table}\n{first}{last}"},
        "Subject: [PLANT high] 0 EVENTS:\n\n0\n",
    ),
    "a digest over boots": (
        digest(
            record("RAISE", "PUMP_2", 50, boot=10),
            record("RAISE", "PUMP_2", 60, boot=11),
            record("CLEAR", "PUMP_2", 5, text="unseen", priority=0),
            record("BOOT", "", 6, text="power on\nconfig.json is missing", priority=0),
        ),
        {},
        {"text digest": "{priorities}\n{table}\nfrom {first} to {last}"},
        (
            "Subject: [PLANT high] 4 EVENTS: PUMP_2\n\n"
            "2 high, 2 diagnostic\n"
            "boot 10, uptime\n0 d 00:00:50 H PUMP_2   RAISED\n"
            "2026-01-31 UTC\n22:54:20 H PUMP_2   RAISED\n"
            "2026-02-02 UTC\n12:00:05 D PUMP_2   CLEARED WHILE OFF\n"
            "12:00:06 D STARTED power on\n  config.json is missing\n"
            "from boot 10, uptime 0 d 00:00:50 to 2026-02-02 12:00:06 UTC\n"
        ),
    ),
    "a heartbeat of a quiet board": (
        [record("HEARTBEAT", uptime=86400, boot=13)],
        {"boots": 13, "next": 86400, "uptime": 86401},
        {"text heartbeat": "{queued} {parked}\n{oldest}\n{refused}\n{active}\n{next}"},
        "Subject: [PLANT] plc7 ALIVE\n\n0 0\nnone\nclock not set, uptime 2 d 00:00:01\n",
    ),
    "what waits since a boot without a clock": (
        [record("RAISE", "LINK", 60, boot=10, sequence=1), record("HEARTBEAT")],
        {"next": 0},
        {"text heartbeat": "{queued}, {oldest}\n{next}"},
        "Subject: [PLANT] plc7 ALIVE 14:02:11\n\n1, boot 10, uptime 0 d 00:01:00\n",
    ),
    "units in a digest": (
        digest(
            record("RAISE", "TK-1", value=5),
            record("RAISE", "TK-1.LALL", value=5),
            record("RAISE", "TK-1.PAHH", value=123456),
            record("RAISE", "1.PAHH", value=5),
        ),
        {},
        {"text digest": "{table}"},
        (
            "Subject: [PLANT high] 4 EVENTS: TK-1, TK-1.LALL, TK-1.PAHH, 1.PAHH\n\n"
            "2026-02-03 UTC\n14:02:11 H TK-1     RAISED 5\n14:02:11 H TK-1.LALL RAISED 5 %\n"
            "14:02:11 H TK-1.PAHH RAISED 123456 bar\n14:02:11 H 1.PAHH   RAISED 5\n"
        ),
    ),
    "midnight and the leap day": (
        [record("RAISE", "PUMP_2", timegm((2040, 2, 29, 23, 59, 59)) - OFFSETS["12"])],
        {},
        {"text body": "{when}"},
        "Subject: [PLANT high] PUMP_2 overload RAISED 23:59:59\n\n2040-02-29 23:59:59 UTC\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(device, name):
    records, context, values, expected = CASES[name]
    recipients, subject, body = play(device, records, context, VALUES | values)
    assert written(subject, body) == expected
    assert recipients == ["ops@example.com"]


@pytest.mark.parametrize("bits", [0, 1, 2, 5, 7, 2**31])
def test_recipients(device, bits):
    recipients, _, _ = play(device, [record("RAISE", "PUMP_2", to=bits)], {})
    assert recipients == [PLANT["addresses"][bit] for bit in range(3) if bits & 1 << bit]


def counted(body):
    """Return how many events the body of a digest names, and how many it counts."""
    table, _, counts = "".join(body).partition("without a line")
    lines = re.findall(r"^\d\d:\d\d:\d\d \w ", table, re.M)
    return len(lines), sum(int(count) for count in re.findall(r"^(\d+) \S+$", counts, re.M))


@pytest.mark.parametrize("many", [1, 2, 39, 40, 41, 200])
def test_each_event_of_a_digest_is_named_or_counted(device, many):
    _, subject, body = play(device, digest(*flood_of(many)), {})
    lines, counts = counted(body)
    assert lines == min(many, 40)
    assert lines + counts == many
    assert f" {many} EVENTS: TK-0.LAH" in subject
    assert len(subject) <= 68


@pytest.mark.parametrize("many", [50, 200])
def test_a_digest_of_long_lines_is_short(device, many):
    events = [
        record("ESCALATE", f"{at:032}", NOW + at, since=0, announced=key(BOOT, 1), value=-1e-30)
        for at in range(many)
    ]
    _, _, body = play(device, digest(*events), {})
    lines, counts = counted(body)
    assert lines + counts == many
    assert 1500 < sum(map(len, body)) <= 3200


def test_the_events_with_a_line_are_the_oldest(device):
    events = [record("TEXT", text="x" * 450, sequence=at) for at in range(5)]
    _, _, body = play(device, digest(*events, record("RAISE", "PUMP_2")), {})
    assert counted(body)[0] == 4
    assert "2 without a line of their own:\n1 PUMP_2\n1 others\n" in "".join(body)


def test_an_overflow_in_a_digest_is_counted_whole(device):
    overflow = record("OVERFLOW", occurrence=1000, text="600 TK-0.LAH\n300 LINK\n100 *")
    _, subject, body = play(device, digest(overflow, *flood_of(60)), {})
    assert counted(body) == (40, 1020)
    assert " 1060 EVENTS: TK-0.LAH, LINK" in subject


EXPANSIONS = [
    # template, fields, lines
    ("plain", {}, ["plain"]),
    ("", {}, []),
    ("\n\na\n\n\nb\n", {}, ["a", "", "b", ""]),
    ("{a}", {"a": "x"}, ["x"]),
    ("{a}", {}, []),
    ("{a} {b} {c}", {"a": "x", "c": "z"}, ["x z"]),
    ("{a} {b} {c}", {"b": "y"}, ["y"]),
    ("[{a} {b}] {c} {d}", {"a": "x", "d": "w"}, ["[x] w"]),
    ("A: {a}\nB: {b}\n\nC: {c}\n\nD: {d}", {"a": "1", "d": "4"}, ["A: 1", "", "D: 4"]),
    ("{{a}} {{ }}", {"a": "x"}, ["{a} { }"]),
    ("{{{a}}}", {"a": "x"}, ["{x}"]),
    ("{a}{{", {"a": "x"}, ["x{"]),
    ("100 % of {a}", {"a": "%s {b}", "b": "y"}, ["100 % of %s {b}"]),
    ("a\n{t}\nb", {"t": ["1\n", "2\n"]}, ["a", "1", "2", "b"]),
    ("a\n\n{t}\n\nb", {"t": []}, ["a", "", "b"]),
    ("{t}\n\nb", {"t": ["1\n"]}, ["1", "", "b"]),
    ("Füße {a}", {"a": "µ"}, ["Füße µ"]),
]


@pytest.mark.parametrize(("template", "fields", "lines"), EXPANSIONS)
def test_expand(device, template, fields, lines):
    source = f"from notices import expand\nresult = list(expand({template!r}, {fields!r}))"
    assert device.call("exec", source) == [line + "\n" for line in lines]


TEMPLATES = st.lists(st.sampled_from(["x", "}", "{", "}}", "{{", ":", "a", "{a}", "{b}", "é"]))


@given(TEMPLATES.map("".join), st.sampled_from(["", "1", "{a}"]))
def test_what_the_configuration_takes_is_expanded_as_format_does(template, more):
    fields = {"a": "A", "b": "B" + more}
    fault = fault_of(template, list(fields))
    try:
        expected = template.format(**fields).strip()
    except (ValueError, KeyError, IndexError):
        assert fault
    else:
        if not fault:
            assert list(expand(template, fields)) == ([expected + "\n"] if expected else [])


@pytest.mark.parametrize("name", TEXTS)
def test_the_configuration_takes_the_default_texts(name):
    default, fields = TEXTS[name]
    assert not fault_of(default, fields.split())


def test_spans(device):
    seconds = [0, 59, 60, 61, 3599, 3600, 3661, 86399, 86400, 90061, 10**6]
    source = f"from notices import span\nresult = [span(at) for at in {seconds}]"
    assert device.call("exec", source) == [
        *("0 s", "59 s", "1 min", "1 min 1 s", "59 min 59 s", "1 h", "1 h 1 min", "23 h 59 min"),
        *("1 d", "1 d 1 h", "11 d 13 h"),
    ]


VALUES_AS_WRITTEN = [
    (81.5, "81.5"),
    (80.0999985, "80.1"),
    (80, "80"),
    (0, "0"),
    (-12.25, "-12.25"),
    (1013.26, "1013.3"),
    (99999.4, "99999"),
    (123456.7, "123457"),
    (0.00012, "0.00012"),
    (float("inf"), "inf"),
]


def test_amounts(device):
    values = repr([value for value, _ in VALUES_AS_WRITTEN]).replace("inf", "float('inf')")
    source = f"from notices import amount\nresult = [amount(at, '', '%.5g') for at in {values}]"
    assert device.call("exec", source) == [text for _, text in VALUES_AS_WRITTEN]
    assert amount(4, "m³", "%g") == "4 m³"


def test_message_id(device):
    source = (
        "from notices import message_id\n"
        r"result = message_id(b'\xe6\x61\x41', b'\0\0\x0c\0\0\x0a\x2b')"
    )
    assert device.call("exec", source) == "e66141.00000c.00000a2b@alarmpost.internal"


def test_durations_between_boots():
    """Where both clocks were set, an occurrence lasts from one boot into the next."""
    cleared = record("CLEAR", "PUMP_2", 3600, state=1, announced=key(11, 1), since=60)
    assert span(OFFSETS["12"] + 3600 - OFFSETS["11"] - 60) == "1 d 14 h"
    arguments = (VALUES | {"text body": "{note}"}, BOOT)
    _, _, body = notice_play.play(*arguments, OFFSETS, [cleared], dict(CONTEXT))
    assert body == ["Was active for 1 d 14 h.\n"]
    cleared[3]["since"] = 3600 + OFFSETS["12"] - OFFSETS["11"] + 1
    _, _, body = notice_play.play(*arguments, OFFSETS, [cleared], dict(CONTEXT))
    assert body == []  # a clock went wrong
    cleared[3]["since"] = 60
    for unknown in ("11", "12"):
        offsets = {boot: OFFSETS[boot] for boot in OFFSETS if boot != unknown}
        _, _, body = notice_play.play(*arguments, offsets, [cleared], dict(CONTEXT))
        assert body == []


def test_a_message_id_is_that_of_the_key_alone():
    assert message_id(b"\1\2", bytes(7)) != message_id(b"\1\2", bytes(6) + b"\1")
