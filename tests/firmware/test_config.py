"""The configuration: every error by its line, every default, and never an exception."""

import copy
import json
import random
import re
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware"
sys.path.insert(0, str(FIRMWARE))

import config  # noqa: E402
import remedies  # noqa: E402
import texts  # noqa: E402
from smtp_client import message  # noqa: E402

SMALL = {
    "plant": "PLANT",
    "device": "plc7",
    "sender": "plc7@plant.lan",
    "recipients": {"operators": ["ops@example.com"]},
    "gateways": ["192.168.1.1"],
}
FULL = SMALL | {
    "recipients": {
        "operators": ["ops@example.com", "night@example.com"],
        "managers": ["boss@example.com", "ops@example.com"],
    },
    "gateways": ["192.168.1.1", "mail.plant.lan:2525"],
    "ntp": "time.plant.lan",
    "network": {
        "address": "192.168.1.50",
        "netmask": "255.255.255.128",
        "gateway": "192.168.1.126",
        "dns": "10.0.0.1",
        "hostname": "pump-house",
        "ssid": "Anlage Süd",
        "password": "Gurkensalat",
    },
    "system": ["operators"],
    "heartbeat": "23:59",
    "watchdog": 8.3,
    "log": "debug",
    "window": 0,
    "ceiling": 1,
    "acknowledge": True,
    "acknowledge_input": {"input": "DI8", "normal": "NC", "pull": "none", "debounce": 0.05},
    "points": [
        {
            "tag": "PUMP_2",
            "description": "Überlast",
            "response": "Reset the motor protection.",
            "input": "DI1",
            "normal": "NC",
            "pull": "down",
            "debounce": 0,
            "latch_pulses": True,
            "priority": "high",
            "on_delay": 2.5,
            "off_delay": 0.001,
            "latched": True,
            "ack_required": True,
            "re_alarm": 0,
            "escalate": 60,
            "to": {
                "raise": "operators",
                "clear": [],
                "fault": ["managers"],
                "escalate": ["operators", "managers"],
            },
        },
        {
            "tag": "TK-1/PAL",
            "type": "analog",
            "input": 26,
            "source": "uv",
            "scale": [[400000, -1], [2000000, 9]],
            "unit": "bar",
            "low": -0.5,
            "deadband": 0.25,
            "range": [380000, 2050000],
            "kind": "pressure",
            "to": ["managers"],
        },
        {"tag": "SW", "type": "software"},
    ],
    "system_points": {"CLOCK": {"description": "Uhr", "priority": "high", "on_delay": 1}},
    "texts": {"event RAISE": "AUSGELÖST", "subject": "{{{tag}}} {event}"},
}

GONE = object()

WHERE = {"digital": 0, "analog": 1, "software": 2}
POINT = {"digital": "points.PUMP_2.", "analog": "points.TK-1/PAL.", "software": "points.SW."}

SECONDS = "give seconds from 0 to 86400"
ADDRESS = 'give one like "ops@example.com": letters, digits, . _ -, 64 at most'
TAG = "give 1 to 32 letters, digits, or signs of _ - . /"
SERVER = 'give a host like "192.168.1.1" or "192.168.1.1:25"'
CLOCK = 'give a host like "192.168.1.1" or "192.168.1.1:123", or "" for none'
LISTS = "give the name of a list of recipients, or a list of names"
NO_LIST = "no such list: give managers or operators"
DAYTIME = 'give a time of the day in UTC like "07:00", or "" for none'
WATCHDOG = "give seconds from 1 to 8.3, the most that an RP2 has, or 0 for none"
SCALE = "give [[raw, value], [raw, value]], two different points of the scale"
OBJECT = "give an object {...}"
INPUT = "give the name of an input of the board, or a GPIO number from 0 to 99"
IPV4 = 'give an IPv4 address like "192.168.1.50"'
NETMASK = 'give one like "255.255.255.0", from 255.0.0.0 to 255.255.255.252'
SUBNET = "give another address from 192.168.1.1 to 192.168.1.126, or another netmask"
HOSTNAME = "give 1 to 32 letters, digits, or - between them"
SECRET = "give 8 to 64 characters of ASCII"
BRACE = "a lone brace: write {{ or }} where it is meant as text"
NEVER = "only a high alarm that requires acknowledgement escalates: leave it out"
TOO_MANY = [f"a{n}@example.com" for n in range(30)]

# What is changed, as field, value, ...; the lines that are to come of it.
ERRORS = [
    # At the top
    ("plant", GONE, "plant: missing: give one line of 1 to 32 octets"),
    ("plant", "  ", 'plant: "  ": give one line of 1 to 32 octets'),
    ("plant", "ü" * 17, f'plant: "{"ü" * 17}": give one line of 1 to 32 octets'),
    ("plant", "a\nb", 'plant: "a?b": give one line of 1 to 32 octets'),
    ("plant", None, "plant: null: give one line of 1 to 32 octets"),
    ("device", GONE, "device: missing: give one line of 1 to 32 octets"),
    ("device", 7, "device: 7: give one line of 1 to 32 octets"),
    ("sender", GONE, f"sender: missing: {ADDRESS}"),
    ("sender", "plc7", f'sender: "plc7": {ADDRESS}'),
    ("sender", "PLC <plc7@plant.lan>", f'sender: "PLC <plc7@plant.lan>": {ADDRESS}'),
    ("sender", "a@" + "b" * 63, f'sender: "a@{"b" * 34}...: {ADDRESS}'),
    ("recipients", GONE, "recipients: missing: give lists by name, with 30 different addresses"),
    (
        "recipients",
        {},
        "recipients: {...}: give lists by name, with 30 different addresses in all",
    ),
    ("recipients", [], "recipients: []: give lists by name, with 30 different addresses in all"),
    ("recipients.more", TOO_MANY, "recipients: {...}: give lists by name, with 30 different"),
    ("recipients.more", [], 'recipients.more: []: give a list of addresses like ["ops@example.c'),
    ("recipients.more", "a@b", 'recipients.more: "a@b": give a list of addresses like ["ops@'),
    ("recipients.more", ["a@b", "c@"], f'recipients.more[1]: "c@": {ADDRESS}'),
    ("recipients.more", [["a@b"]], f'recipients.more[0]: ["a@b"]: {ADDRESS}'),
    ("recipients.on call", ["a@b"], f'recipients.on call: "on call": {TAG}'),
    ("gateways", GONE, "gateways: missing: give a list of 1 to 4 hosts like"),
    ("gateways", [], "gateways: []: give a list of 1 to 4 hosts like"),
    ("gateways", ["a"] * 5, "gateways: [...]: give a list of 1 to 4 hosts like"),
    ("gateways", "mail", 'gateways: "mail": give a list of 1 to 4 hosts like'),
    ("gateways.1", "a:", f'gateways[1]: "a:": {SERVER}'),
    ("gateways.1", "a:0", f'gateways[1]: "a:0": {SERVER}'),
    ("gateways.1", "a:65536", f'gateways[1]: "a:65536": {SERVER}'),
    ("gateways.1", "a:+25", f'gateways[1]: "a:+25": {SERVER}'),
    ("gateways.1", "a b", f'gateways[1]: "a b": {SERVER}'),
    ("gateways.1", "", f'gateways[1]: "": {SERVER}'),
    ("gateways.1", 25, f"gateways[1]: 25: {SERVER}"),
    ("ntp", "a..b", f'ntp: "a..b": {CLOCK}'),
    ("ntp", None, f"ntp: null: {CLOCK}"),
    ("network", "dhcp", f'network: "dhcp": {OBJECT}'),
    ("network.address", "192.168.1", f'network.address: "192.168.1": {IPV4}'),
    ("network.address", "192.168.1.256", f'network.address: "192.168.1.256": {IPV4}'),
    ("network.address", "192.168.1.05", f'network.address: "192.168.1.05": {IPV4}'),
    ("network.address", "192.168.1.-5", f'network.address: "192.168.1.-5": {IPV4}'),
    ("network.address", "plc7.plant.lan", f'network.address: "plc7.plant.lan": {IPV4}'),
    ("network.address", "127.0.0.1", f'network.address: "127.0.0.1": {IPV4}'),
    ("network.address", "224.0.0.1", f'network.address: "224.0.0.1": {IPV4}'),
    ("network.address", 3232235826, f"network.address: 3232235826: {IPV4}"),
    ("network.address", "192.168.1.0", f'network.address: "192.168.1.0": {SUBNET}'),
    ("network.address", "192.168.1.127", f'network.address: "192.168.1.127": {SUBNET}'),
    ("network.gateway", "192.168.1.129", f'network.gateway: "192.168.1.129": {SUBNET}'),
    ("network.gateway", "192.168.1.50", f'network.gateway: "192.168.1.50": {SUBNET}'),
    ("network.gateway", "0.0.0.0", f'network.gateway: "0.0.0.0": {IPV4}'),
    ("network.gateway", GONE, "network.gateway: missing: give the router: 10.0.0.1 is outside"),
    ("network.netmask", "255.255.0.255", f'network.netmask: "255.255.0.255": {NETMASK}'),
    ("network.netmask", "255.255.255.254", f'network.netmask: "255.255.255.254": {NETMASK}'),
    ("network.netmask", "254.0.0.0", f'network.netmask: "254.0.0.0": {NETMASK}'),
    ("network.netmask", 24, f"network.netmask: 24: {NETMASK}"),
    ("network.dns", "dns", f'network.dns: "dns": {IPV4}'),
    ("network.dns", [], f"network.dns: []: {IPV4}"),
    ("network.hostname", "plc_7", f'network.hostname: "plc_7": {HOSTNAME}'),
    ("network.hostname", "-plc7", f'network.hostname: "-plc7": {HOSTNAME}'),
    ("network.hostname", "x" * 33, f'network.hostname: "{"x" * 33}": {HOSTNAME}'),
    ("network.ssid", "", 'network.ssid: "": give one line of 1 to 32 octets'),
    ("network.ssid", GONE, "network.password: ***: only with ssid: give that, too, or leave this"),
    ("network.password", "Gurken", f"network.password: ***: {SECRET}"),
    ("network.password", "Gurkenküche", f"network.password: ***: {SECRET}"),
    ("network.password", 12345678, f"network.password: ***: {SECRET}"),
    ("network.pasword", "Gurkensalat", "network.pasword: ***: unknown: there is password"),
    ("network.key", "Gurkensalat", "network.key: ***: unknown: there is "),
    ("password", "Gurkensalat", "password: ***: unknown: there is "),
    ("system", GONE, "system: missing: give managers or operators"),
    ("system", "oprators", f'system: "oprators": {NO_LIST}'),
    ("system", [], f"system: []: {LISTS}"),
    ("system", [1], f"system: [1]: {LISTS}"),
    ("heartbeat", "24:00", f'heartbeat: "24:00": {DAYTIME}'),
    ("heartbeat", "07:60", f'heartbeat: "07:60": {DAYTIME}'),
    ("heartbeat", "7:00", f'heartbeat: "7:00": {DAYTIME}'),
    ("heartbeat", "+7:00", f'heartbeat: "+7:00": {DAYTIME}'),
    ("heartbeat", 7, f"heartbeat: 7: {DAYTIME}"),
    ("watchdog", 8.4, f"watchdog: 8.4: {WATCHDOG}"),
    ("watchdog", 0.5, f"watchdog: 0.5: {WATCHDOG}"),
    ("watchdog", "8", f'watchdog: "8": {WATCHDOG}'),
    ("watchdog", False, f"watchdog: false: {WATCHDOG}"),
    ("log", "all", 'log: "all": give one of error, warning, info, debug'),
    ("log", 1, "log: 1: give one of error, warning, info, debug"),
    ("window", 601, "window: 601: give seconds from 0 to 600"),
    ("ceiling", 0, "ceiling: 0: give a whole number from 1 to 100"),
    ("ceiling", 1.5, "ceiling: 1.5: give a whole number from 1 to 100"),
    ("ceiling", True, "ceiling: true: give a whole number from 1 to 100"),
    ("acknowledge", 1, "acknowledge: 1: give true or false"),
    ("acknowledge_input", "DI8", f'acknowledge_input: "DI8": {OBJECT}'),
    ("acknowledge_input", {}, f"acknowledge_input.input: missing: {INPUT}"),
    ("acknowledge_input.tag", "A", 'acknowledge_input.tag: "A": unknown: there is '),
    ("points", {}, "points: {...}: give a list [...]"),
    ("points.2", "SW", f'points[2]: "SW": {OBJECT}'),
    ("system_points", [], f"system_points: []: {OBJECT}"),
    ("system_points.CLOK", {}, "system_points.CLOK: {...}: unknown: there is CLOCK"),
    ("system_points.CLOCK", 1, f"system_points.CLOCK: 1: {OBJECT}"),
    ("system_points.CLOCK.tag", "C", 'system_points.CLOCK.tag: "C": unknown: there is '),
    ("system_points.CLOCK.re_alarm", -1, f"system_points.CLOCK.re_alarm: -1: {SECONDS}"),
    ("texts", "x", f'texts: "x": {OBJECT}'),
    ("plnt", 1, "plnt: 1: unknown: there is plant"),
    ("zzz", 1, "zzz: 1: unknown: there is plant, device, sender, recipients, gateways, ntp, ne"),
    ("a\nb", [1, "x", None, {}], 'a?b": [1, "x", null, {...}]: unknown: there is '),
    # Any point
    ("software.tag", GONE, f"points[2].tag: missing: {TAG}"),
    ("software.tag", "a b", f'points[2].tag: "a b": {TAG}'),
    ("software.tag", "", f'points[2].tag: "": {TAG}'),
    ("software.tag", "ü", f'points[2].tag: "ü": {TAG}'),
    ("software.tag", "x" * 33, f'points[2].tag: "{"x" * 33}": {TAG}'),
    ("software.tag", "PUMP_2", 'points.PUMP_2.tag: "PUMP_2": another point has it: give each'),
    ("software.tag", "LINK", 'points.LINK.tag: "LINK": a point of the board itself: see sys'),
    ("software.type", "soft", 'points.SW.type: "soft": give one of digital, analog, software'),
    ("software.type", [], "points.SW.type: []: give one of digital, analog, software"),
    ("software.description", "x" * 81, f'points.SW.description: "{"x" * 36}...: give one line of'),
    (
        "software.description",
        "\x7f",
        'points.SW.description: "?": give one line of 0 to 80 octets',
    ),
    (
        "software.description",
        "\x85",
        'points.SW.description: "?": give one line of 0 to 80 octets',
    ),
    ("software.response", 0, "points.SW.response: 0: give one line of 0 to 400 octets"),
    ("software.priority", "hgh", 'points.SW.priority: "hgh": give one of diagnostic, low, medium'),
    ("software.priority", 3, "points.SW.priority: 3: give one of diagnostic, low, medium, high"),
    ("software.on_delay", -3, f"points.SW.on_delay: -3: {SECONDS}"),
    ("software.on_delay", "1", f'points.SW.on_delay: "1": {SECONDS}'),
    ("software.on_delay", True, f"points.SW.on_delay: true: {SECONDS}"),
    ("software.off_delay", 86401, f"points.SW.off_delay: 86401: {SECONDS}"),
    ("software.latched", 0, "points.SW.latched: 0: give true or false"),
    ("software.ack_required", None, "points.SW.ack_required: null: give true or false"),
    ("software.re_alarm", [], f"points.SW.re_alarm: []: {SECONDS}"),
    ("software.escalate", 60, f"points.SW.escalate: 60: {NEVER}"),
    ("digital.ack_required", False, f"points.PUMP_2.escalate: 60: {NEVER}"),
    ("software.to", 1, "points.SW.to: 1: give the name of a list of recipients, a list of names"),
    ("software.to", "x", f'points.SW.to: "x": {NO_LIST}'),
    ("software.to", [], "points.SW.to: []: give the name of a list of recipients, a list of n"),
    ("digital.to.raise", [], f"points.PUMP_2.to.raise: []: {LISTS}"),
    ("digital.to.clear", "x", f'points.PUMP_2.to.clear: "x": {NO_LIST}'),
    ("digital.to.claer", "x", 'points.PUMP_2.to.claer: "x": unknown: there is clear'),
    ("software.on_dely", 5, "points.SW.on_dely: 5: unknown: there is on_delay"),
    ("software.debounce", 5, "points.SW.debounce: 5: not with this type of point: remove it"),
    # Digital
    ("digital.input", GONE, f"points.PUMP_2.input: missing: {INPUT}"),
    ("digital.input", 100, f"points.PUMP_2.input: 100: {INPUT}"),
    ("digital.input", True, f"points.PUMP_2.input: true: {INPUT}"),
    ("digital.input", 26, "points.TK-1/PAL.input: 26: in use: give a digital input to one point"),
    ("digital.input", "DI8", 'points.PUMP_2.input: "DI8": in use: give a digital input to one'),
    ("digital.normal", "no", 'points.PUMP_2.normal: "no": give one of NO, NC'),
    ("digital.pull", "", 'points.PUMP_2.pull: "": give one of up, down, none'),
    ("digital.debounce", 11, "points.PUMP_2.debounce: 11: give seconds from 0 to 10"),
    ("digital.latch_pulses", 1, "points.PUMP_2.latch_pulses: 1: give true or false"),
    # Analog
    ("analog.source", "mV", 'points.TK-1/PAL.source: "mV": give one of u16, uv'),
    ("analog.scale", GONE, f"points.TK-1/PAL.scale: missing: {SCALE}"),
    ("analog.scale", [[0, 0], [0, 1]], f"points.TK-1/PAL.scale: [[0, 0], [0, 1]]: {SCALE}"),
    ("analog.scale", [[0, 0], [1, 0]], f"points.TK-1/PAL.scale: [[0, 0], [1, 0]]: {SCALE}"),
    ("analog.scale", [[0, 0], [1]], f"points.TK-1/PAL.scale: [[0, 0], [1]]: {SCALE}"),
    ("analog.scale", [0, 1], f"points.TK-1/PAL.scale: [0, 1]: {SCALE}"),
    ("analog.unit", "x" * 17, f'points.TK-1/PAL.unit: "{"x" * 17}": give one line of 0 to 16'),
    ("analog.high", 5, "points.TK-1/PAL.high: 5: low is given, too: give one of them"),
    ("analog.low", GONE, "points.TK-1/PAL.high: missing: give high or low"),
    ("analog.low", "1", 'points.TK-1/PAL.low: "1": give a number'),
    ("analog.deadband", -1, "points.TK-1/PAL.deadband: -1: give 0 or more, less than the span of"),
    ("analog.deadband", 10, "points.TK-1/PAL.deadband: 10: give 0 or more, less than the span o"),
    ("analog.range", [1, 1], "points.TK-1/PAL.range: [1, 1]: give [lowest, highest], two raw va"),
    ("analog.range", [1], "points.TK-1/PAL.range: [1]: give [lowest, highest], two raw values"),
    ("analog.kind", "", 'points.TK-1/PAL.kind: "": give one of flow, pressure, level, temperat'),
    # Texts
    ("texts.subjct", "x", 'texts.subjct: "x": unknown: there is subject'),
    ("texts.subject", "a\nb", 'texts.subject: "a?b": give one line of 0 to 500 octets'),
    ("texts.subject", 1, "texts.subject: 1: give one line of 0 to 500 octets"),
    ("texts.subject", "{tga}", 'texts.subject: "{tga}": no field {tga}: there is plant'),
    ("texts.event RAISE", "{tag}", 'texts.event RAISE: "{tag}": no field {tag}: there is none'),
    ("texts.subject", "{", f'texts.subject: "{{": {BRACE}'),
    ("texts.subject", "}", f'texts.subject: "}}": {BRACE}'),
    ("texts.subject", "{tag", f'texts.subject: "{{tag": {BRACE}'),
    ("texts.subject", "{{tag}", f'texts.subject: "{{{{tag}}": {BRACE}'),
    ("texts.subject", "{tag{{}", f'texts.subject: "{{tag{{{{}}": {BRACE}'),
    ("texts.subject", "{ta}}g}", 'texts.subject: "{ta}}g}": no field {ta}: there is plant'),
    ("texts.subject", "{}", 'texts.subject: "{}": no field {}: there is plant'),
    ("texts.subject", "{tag}}", f'texts.subject: "{{tag}}}}": {BRACE}'),
    ("texts.body", "x" * 501, f'texts.body: "{"x" * 36}...: give a text of 500 octets at most'),
    ("texts.body", "a\tb", 'texts.body: "a?b": give a text of 500 octets at most'),
    ("texts.body", None, "texts.body: null: give a text of 500 octets at most"),
    ("texts.priorities", "a b c", 'texts.priorities: "a b c": give a word each for diagnostic'),
]


def changed(data, *changes):
    """Return a copy of a configuration with fields set or, `GONE`, removed."""
    data = copy.deepcopy(data)
    for name, value in zip(changes[::2], changes[1::2], strict=True):
        words = name.split(".")
        if words[0] in WHERE:
            words[:1] = ["points", WHERE[words[0]]]
        target = data
        for word in words[:-1]:
            target = target[int(word) if isinstance(target, list) else word]
        last = int(words[-1]) if isinstance(target, list) else words[-1]
        if value is GONE:
            del target[last]
        else:
            target[last] = value
    return data


def check(device, *configurations):
    """Return (compiled, errors) of each configuration, checked on a device."""
    found = []
    for start in range(0, len(configurations), 10):  # what a small heap has room for
        source = (
            "import json, config\nresult = []\n"
            f"for data in json.loads({json.dumps(configurations[start : start + 10])!r}):\n"
            "    lines, errors = config.check(data)\n"
            "    result.append((list(lines), errors))\n"
        )
        found += device.call("exec", source)
    return [(compiled(lines), errors) for lines, errors in found]


def compiled(lines):
    """Return what lines are of, by name."""
    pairs = [line.split("\t", 1) for line in lines]
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name: json.loads(value) for name, value in pairs}


# Errors


def test_each_error_is_one_line_of_field_value_and_remedy(device):
    given = [changed(FULL, *case[:-1]) for case in ERRORS]
    for case, (found, errors) in zip(ERRORS, check(device, *given), strict=True):
        assert len(errors) == 1, (case, errors)
        assert errors[0].lstrip('"').startswith(case[-1]), (case, errors)
        assert errors[0].isprintable()
        assert len(errors[0]) < 400
        assert found == {}


def test_the_table_of_errors_has_every_field_and_every_remedy():
    lines = "\n".join(case[-1] for case in ERRORS)
    for name, _, _ in config.fields_of(""):
        if name != "fault":
            assert re.search(rf"(^|[.]){name}(: |\[)", lines, re.M), name
    for row in config.rows(remedies.REMEDIES):
        words = row[0].split(" ", 1)[1].split("%s")[0][:14]
        if words not in ("---", "nobody can: se", "there is an ac", "give a name se"):
            assert words in lines, row


def test_nobody_who_acknowledges(device):
    data = SMALL | {"points": [{"tag": "A", "type": "software", "ack_required": True}]}
    contradiction = changed(FULL, "acknowledge", False, "digital.ack_required", GONE)
    assert [errors for _, errors in check(device, data, contradiction)] == [
        ["points.A.ack_required: true: nobody can: set acknowledge, or leave this out"],
        [
            "acknowledge: false: there is an acknowledge_input: give true",
            f"points.PUMP_2.escalate: 60: {NEVER}",
        ],
    ]


STATIC = {"address": "192.168.1.50"}


@pytest.mark.parametrize(
    ("network", "more", "line"),
    [
        ({"gateway": "192.168.1.1"}, {}, 'gateway: "192.168.1.1": only with address: give that'),
        ({"netmask": "255.0.0.0"}, {}, 'netmask: "255.0.0.0": only with address: give that, too'),
        ({"dns": "192.168.1.1"}, {}, 'dns: "192.168.1.1": only with address: give that, too'),
        (STATIC, {"gateways": ["mail"]}, "dns: missing: give a name server: mail is a name"),
        (STATIC, {"ntp": "time"}, "dns: missing: give a name server: time is a name"),
        (
            STATIC,
            {"gateways": ["192.168.1.1", "192.168.2.1:26"]},
            "gateway: missing: give the router: 192.168.2.1 is outside of the subnet",
        ),
    ],
)
def test_a_static_address_has_a_way_to_each_host(network, more, line):
    _, errors = config.check(SMALL | {"network": network} | more)
    assert len(errors) == 1
    assert errors[0].startswith("network." + line)


def test_all_errors_are_found_at_once(device):
    cases = [case for case in ERRORS if case[0] in ("plant", "log", "sender", "window")]
    last = {case[0]: case for case in cases}
    words = [part for case in last.values() for part in case[:2]]
    words += ["digital.pull", 1, "software.priority", 1, "system_points.CLOCK.to", 1]
    words += ["texts.subject", "{", "acknowledge_input.normal", 1, "recipients.more", ["x"]]
    ((_, errors),) = check(device, changed(FULL, *words))
    fields = ["points.PUMP_2.pull", "points.SW.priority", "system_points.CLOCK.to"]
    fields += ["texts.subject", "acknowledge_input.normal", "recipients.more[0]", *last]
    assert sorted(line.split(":")[0] for line in errors) == sorted(fields)


@pytest.mark.parametrize("data", [None, [], 1, "x", True])
def test_no_object(device, data):
    ((_, errors),) = check(device, data)
    assert errors[0] == f"configuration: {remedies.shown(data)}: give an object {{...}}"


def test_nothing_but_an_object(device):
    ((_, errors),) = check(device, {})
    assert [line.split(": ")[:2] for line in errors] == [
        [name, "missing"] for name in ("plant", "device", "sender", "recipients", "gateways")
    ]


def test_the_nearest_names_are_named(device):
    for name, near in (
        ("Plant", "plant"),
        ("recipient", "recipients"),
        ("gateway", "gateways"),
        ("watch_dog", "watchdog"),
        ("acknowledge_inputs", "acknowledge_input"),
    ):
        ((_, errors),) = check(device, FULL | {name: 1})
        assert errors == [f"{name}: 1: unknown: there is {near}"]


def test_half_a_character(device):
    source = (
        "import json, config\n"
        "errors = config.check({'plant': json.loads(r'\"\\ud83d\"')})[1]\n"
        "result = errors[0]"
    )
    found = device.call("exec", source)
    assert found == 'plant: "?": give one line of 1 to 32 octets'


# What is kept


DIGITAL = {
    "type": "digital",
    "description": "",
    "response": "",
    "priority": 2,
    "normal": "NO",
    "pull": "up",
    "debounce": 20,
    "latch_pulses": False,
    "on_delay": 1000,
    "off_delay": 5000,
    "latched": False,
    "ack_required": False,
    "re_alarm": 14400000,
    "escalate": 0,
    "to": [1, 1, 1, 1],
}


def software(tag, **options):
    """Return a software point of `SMALL`."""
    point = {name: value for name, value in DIGITAL.items() if name not in ONLY_DIGITAL}
    return point | {"tag": tag, "type": "software", "on_delay": 0, "off_delay": 0} | options


ONLY_DIGITAL = ("normal", "pull", "debounce", "latch_pulses")


def test_defaults(device):
    data = SMALL | {
        "points": [
            {"tag": "A", "input": 0},
            {"tag": "B", "input": "DI1", "on_delay": 0},
            {"tag": "C", "type": "software"},
        ]
    }
    ((found, errors),) = check(device, data)
    assert errors == []
    assert found.pop("lists") == {"operators": 1}
    assert found.pop("site") == {
        "plant": "PLANT",
        "device": "plc7",
        "sender": "plc7@plant.lan",
        "addresses": ["ops@example.com"],
        "gateways": [["192.168.1.1", 25]],
        "ntp": ["192.168.1.1", 123],
        "system": 1,
        "heartbeat": 7 * 3600,
        "watchdog": 8000,
        "log": 2,
        "window": 30000,
        "ceiling": 10,
        "acknowledge": False,
    }
    assert found.pop("acknowledge") is None
    assert found.pop("network") == {"hostname": "plc7"}
    assert found.pop("point A") == DIGITAL | {"tag": "A", "input": 0}
    changes = {"tag": "B", "input": "DI1", "on_delay": 0, "latch_pulses": True}
    assert found.pop("point B") == DIGITAL | changes
    assert found.pop("point C") == software("C")
    for tag, priority, delay in (
        ("LINK", 2, 10),
        ("GATEWAY", 2, 600),
        ("OUTBOX", 2, 0),
        ("WATCHDOG", 3, 0),
        ("HEAP", 1, 10),
        ("CLOCK", 1, 600),
    ):
        point = found.pop("point " + tag)
        assert point.pop("description")
        assert point.pop("response")
        expected = software(tag, priority=priority, on_delay=delay * 1000, off_delay=5000)
        assert point == {name: expected[name] for name in expected if name in point}
    assert found == {"text " + name: row[0] for name, row in texts.TEXTS.items()}


def test_all_that_can_be_given(device):
    ((found, errors),) = check(device, FULL)
    assert errors == []
    assert found["site"] == {
        "plant": "PLANT",
        "device": "plc7",
        "sender": "plc7@plant.lan",
        "addresses": ["boss@example.com", "ops@example.com", "night@example.com"],
        "gateways": [["192.168.1.1", 25], ["mail.plant.lan", 2525]],
        "ntp": ["time.plant.lan", 123],
        "system": 6,
        "heartbeat": 86340,
        "watchdog": 8300,
        "log": 3,
        "window": 0,
        "ceiling": 1,
        "acknowledge": True,
    }
    assert found["network"] == {
        "hostname": "pump-house",
        "ssid": "Anlage Süd",
        "key": "Gurkensalat",
        "static": ["192.168.1.50", "255.255.255.128", "192.168.1.126", "10.0.0.1"],
    }
    button = {"input": "DI8", "normal": "NC", "pull": "", "debounce": 50}
    assert found["acknowledge"] == button
    assert found["point PUMP_2"] == FULL["points"][0] | {
        "type": "digital",
        "priority": 3,
        "on_delay": 2500,
        "off_delay": 1,
        "escalate": 60000,
        "to": [6, 0, 3, 7],
    }
    analog = {name: value for name, value in FULL["points"][1].items() if name != "kind"}
    assert found["point TK-1/PAL"] == analog | {
        "description": "",
        "response": "",
        "priority": 2,
        "on_delay": 15000,
        "off_delay": 15000,
        "latched": False,
        "ack_required": True,
        "re_alarm": 14400000,
        "escalate": 0,
        "to": [3, 3, 3, 3],
    }
    clock = found["point CLOCK"]
    assert (clock["description"], clock["priority"], clock["on_delay"]) == ("Uhr", 3, 1000)
    assert (clock["to"], clock["escalate"], clock["ack_required"]) == ([6] * 4, 900000, True)
    assert found["text event RAISE"] == "AUSGELÖST"
    assert found["text subject"] == "{{{tag}}} {event}"
    assert found["text body"] == texts.TEXTS["body"][0]


@pytest.mark.parametrize(
    ("network", "static"),
    [
        ({}, ["192.168.1.50", "255.255.255.0", "0.0.0.0", "0.0.0.0"]),
        ({"netmask": "255.0.0.0"}, ["192.168.1.50", "255.0.0.0", "0.0.0.0", "0.0.0.0"]),
        ({"gateway": "192.168.1.9"}, ["192.168.1.50", "255.255.255.0", *["192.168.1.9"] * 2]),
    ],
)
def test_static_addresses(device, network, static):
    data = SMALL | {"device": "PLC 7", "network": STATIC | network}
    ((found, errors),) = check(device, data)
    assert (errors, found["network"]) == ([], {"static": static})


@pytest.mark.parametrize(
    ("kind", "delay", "deadband"),
    [
        (None, 15, 2),
        ("flow", 15, 5),
        ("pressure", 15, 2),
        ("level", 60, 5),
        ("temperature", 60, 1),
    ],
)
def test_analog_defaults(device, kind, delay, deadband):
    point = {"tag": "A", "type": "analog", "input": 1, "high": 8, "scale": [[9, 150], [5, -50]]}
    ((found, errors),) = check(
        device, SMALL | {"points": [point | ({"kind": kind} if kind else {})]}
    )
    assert errors == []
    assert found["point A"] == software("A") | point | {
        "type": "analog",
        "source": "u16",
        "unit": "",
        "on_delay": delay * 1000,
        "off_delay": delay * 1000,
        "deadband": deadband * 2,
    }


def test_recipients_of_a_point(device):
    lists = {"recipients": {"a": ["x@y"], "b": ["z@y", "x@y"], "c": ["w@y"]}, "system": "c"}
    routes = {
        "A": ({}, [4, 4, 4, 4]),
        "B": ({"to": "b"}, [3, 3, 3, 3]),
        "C": ({"to": ["a", "c"]}, [5, 5, 5, 5]),
        "D": ({"to": {}}, [4, 4, 4, 4]),
        "E": ({"to": {"raise": "a", "escalate": "b"}}, [1, 1, 1, 3]),
        "F": ({"to": {"clear": [], "fault": "b"}}, [4, 0, 3, 4]),
    }
    points = [{"tag": tag, "type": "software"} | given for tag, (given, _) in routes.items()]
    ((found, errors),) = check(device, SMALL | lists | {"points": points})
    assert errors == []
    assert found["site"]["addresses"] == ["x@y", "z@y", "w@y"]
    assert {tag: found["point " + tag]["to"] for tag in routes} == {
        tag: masks for tag, (_, masks) in routes.items()
    }


def test_thirty_addresses(device):
    lists = {"a": TOO_MANY[:20], "b": TOO_MANY[10:]}
    ((found, errors),) = check(device, SMALL | {"recipients": lists, "system": ["a", "b"]})
    assert errors == []
    assert found["site"]["system"] == (1 << 30) - 1


def test_none_of_what_may_be_none(device):
    data = SMALL | {"ntp": "", "heartbeat": "", "watchdog": 0, "points": []}
    ((found, errors),) = check(device, data)
    assert errors == []
    assert [found["site"][name] for name in ("ntp", "heartbeat", "watchdog")] == [None, None, 0]


def test_somebody_who_acknowledges(device):
    points = [
        {"tag": "A", "type": "software", "priority": "high"},
        {"tag": "B", "type": "software", "priority": "high", "ack_required": False},
        {"tag": "C", "type": "software"},
    ]
    button = {"acknowledge_input": {"input": 3}}
    for way in ({"acknowledge": True}, button, {"acknowledge": True} | button):
        ((found, errors),) = check(device, SMALL | way | {"points": points})
        assert errors == []
        assert found["site"]["acknowledge"] is True
        kept = [found["point " + tag] for tag in "ABC"]
        assert [point["ack_required"] for point in kept] == [True, False, True]
        assert [point["escalate"] for point in kept] == [900000, 0, 0]
        assert (found["acknowledge"] is None) == ("acknowledge_input" not in way)


def test_analog_points_may_share_an_input(device):
    point = {"type": "analog", "input": 26, "scale": [[0, 0], [1, 1]]}
    points = [point | {"tag": "H", "high": 0.8}, point | {"tag": "HH", "high": 0.9}]
    ((_, errors),) = check(device, SMALL | {"points": points})
    assert errors == []


def test_a_mark_before_the_json_is_no_error(device, tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(SMALL).encode())
    found = device.call("exec", f"import config\nresult = config.load({str(path)!r})")
    assert found == SMALL


def test_checking_leaves_the_data_alone():
    data = copy.deepcopy(FULL)
    assert len(list(config.check(data)[0])) > 20
    assert data == FULL
    assert list(config.check(data, spend=True)[0]) == list(config.check(FULL)[0])
    assert data == {}


def test_default_texts_can_be_used():
    _, errors = config.check(
        SMALL | {"texts": {name: row[0] for name, row in texts.TEXTS.items()}}
    )
    assert errors == []


# Any JSON in any place

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["operators", "high", "DI1", "a@b", "LINK", "07:00", 10**400, 1e300]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def places(data, path=()):
    """Yield the path of each value in a configuration."""
    yield path
    if isinstance(data, dict):
        for name in data:
            yield from places(data[name], (*path, name))
    elif isinstance(data, list):
        for at in range(len(data)):
            yield from places(data[at], (*path, at))


PLACES = list(places(FULL))


def put(data, path, value):
    """Return a copy of a configuration with a value at a path."""
    if not path:
        return value
    data = copy.copy(data)
    data[path[0]] = put(data[path[0]], path[1:], value)
    return data


@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
@example([(("recipients",), {"\x1e": None})])  # a line of its own
def test_nothing_raises_anything(changes):
    data = FULL
    for path, value in changes:
        try:
            data = put(data, path, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    lines, errors = config.check(data)
    found = compiled(lines)
    assert bool(found) != bool(errors)
    for line in errors:
        assert len(line.split(": ")) >= 3
        assert len(line.splitlines()) == 1


VALUES = [None, True, -1, 0, 7, 1e30, 1e31, 2.5, "", "x", "a@b", "operators", "{", "07:00"]
VALUES += [[], [1], ["operators"], [[0, 0], [1, 1]], [[[[[1]]]]], {}, {"a": 1}, {"raise": "x"}]
VALUES += [{"input": 3}, {"tag": "A", "type": "software"}, "\n", "\x00", "ü" * 300, 86400]


def test_three_interpreters_agree(device):
    chance = random.Random(4)
    given = [put(FULL, path, chance.choice(VALUES)) for path in PLACES for _ in range(2)]
    for data, (found, errors) in zip(given, check(device, *given), strict=True):
        lines, expected = config.check(data)
        assert sorted(errors) == sorted(expected)
        assert found == compiled(lines)


@given(
    st.text(max_size=70)
    | st.text("ab@.-_", max_size=70)
    | st.from_regex(r"[\w.+-]{1,30}@[\w.-]{1,40}")
)
def test_an_address_is_one_that_the_client_sends_as_it_is(value):
    for ats in (0, 1):
        try:
            plain = message.plain(value, ats)
        except UnicodeEncodeError:
            plain = False
        assert config.is_plain(value, ats) == plain


# Documentation

PLACES_OF = {
    "d": "digital",
    "a": "analog",
    "s": "software",
    "y": "the board itself",
    "b": "button",
}


def tables():
    """Return the tables of CONFIG.md, each a list of rows, each a list of cells."""
    text = (FIRMWARE / "CONFIG.md").read_text("utf-8")
    found = re.findall(r"(?:^\|.*\n)+", text, re.M)
    return [
        [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()[2:]]
        for table in found
    ]


def cells(row):
    """Return what the documentation has of a field: where it may stand, name, values, default."""
    where, name, rest = row.split(" ", 2)
    takes, default = rest.split(" = ")
    values = remedies.remedy_of(config.split(takes)[0], config.split(takes)[1:])
    default = default[1:] if default[0] == "~" else "–" if default == "!" else f"`{default}`"
    of = ", ".join(PLACES_OF[one] for one in where if one in PLACES_OF)
    return of, f"`{name}`", values.removeprefix("give "), default


def test_the_documentation_has_each_field():
    top, network, points, kinds, routes, board = tables()
    fields = [row[0] for row in config.rows(config.FIELDS)]
    expected = [cells(row) for row in fields]
    assert [row[:3] for row in top] == [
        [*cell[1:]] for row, cell in zip(fields, expected, strict=True) if row[0] == "S"
    ]
    assert [row[:3] for row in routes] == [
        [*cell[1:]] for row, cell in zip(fields, expected, strict=True) if row[0] == "t"
    ]
    assert [row[:3] for row in network] == [
        [*cell[1:]] for row, cell in zip(fields, expected, strict=True) if row[0] == "n"
    ]
    assert [[row[1], row[0], *row[2:4]] for row in points] == [
        [*cell] for row, cell in zip(fields, expected, strict=True) if row[0] in "da"
    ]
    assert all(row[-1] for row in top + network + points + routes)
    priorities = ("diagnostic", "low", "medium", "high")
    assert board == [
        [tag, priorities[int(priority)], delay, description]
        for tag, priority, delay, description, _ in config.rows(config.SYSTEM)
    ]
    assert kinds[3:] == [
        [kind or "analog", delay, delay, f"{deadband} % of the span"]
        for kind, delay, deadband in config.rows(config.KINDS)
    ]


def test_the_examples_of_the_documentation_are_good():
    text = (FIRMWARE / "CONFIG.md").read_text("utf-8")
    smallest = json.loads(re.findall(r"```json\n(.*?)```", text, re.S)[0])
    assert config.check(smallest)[1] == []
    lists = {"recipients": {"operators": ["a@b"], "managers": ["c@d"]}, "system": "operators"}
    examples = re.findall(r'`("\w+": \{.*?\})`[.:\n]', text)
    assert len(examples) == 5
    for fields in examples:
        part = json.loads("{" + fields + "}")
        point = {"tag": "A", "type": "software"}
        data = smallest | lists | ({"points": [point | part]} if "to" in part else part)
        assert config.check(data)[1] == []
