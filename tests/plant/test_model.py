"""The plant's file: what each board gets of it, and each refusal with its line."""

import copy
import datetime
import re

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from host_tools import boards
from host_tools.gateway.model import check_gateway
from host_tools.plant import BadFileError, config, read_plant
from host_tools.plant.model import check_plant
from host_tools.plant.schema import compiled, point_fields
from tests.plant.plants import GATEWAY, PLANT, REMOVE, changed, file_beside_password, plant

PLC7 = ("devices", "plc7")
PUMP, TANK, SW = ((*PLC7, "points", at) for at in range(3))
PLC8 = ("devices", "plc 8")
PLC9 = ("devices", "plc9")
NAMES = ", ".join(boards.names())
FIELDS = ", ".join(name for name in point_fields(None) if name != "tag")
S3 = "give GPIO1, GPIO2, GPIO4 to GPIO9, GPIO15 to GPIO18 or GPIO21"
SECONDS = "give seconds from 0 to 86400"
DEVICES = "write a table [devices.NAME] for each board"
ON_TOP = "one for all boards: write it at the top of the file"
BELOW = "each board has its own: write it into its table [devices.NAME]"
NO_PASSWORD = (
    "a password does not belong into this file: write it into a file of its own, chmod 600, and "
    "name that in password_file"
)
BAD = [
    # changes, the lines
    # Where the fault is
    ({("plant",): 7}, ["plant: 7: give one line of 1 to 32 octets"]),
    ({("plant",): REMOVE}, ["plant: missing: give one line of 1 to 32 octets"]),
    ({("plnt",): 7}, ["plnt: 7: unknown: there is plant"]),
    ({("gateways",): REMOVE},
     ['gateways: missing: give a list of 1 to 4 hosts like "192.168.1.1" or "192.168.1.1:25"']),
    ({("recipients", "on call"): ["x@y"]},
     ['recipients."on call": "on call": give 1 to 32 letters, digits, or signs of _ - . /']),
    ({("recipients", "more"): ["x@y", "z"]},
     [('recipients.more[1]: "z": give one like "ops@example.com": letters, digits, . _ -, 64 at '
       "most")]),
    ({("texts", "event RAISE"): "{tag}"},
     ['texts."event RAISE": "{tag}": no field {tag}: there is none']),
    ({(*PLC7, "texts", "event CLEAR"): "{tag}"},
     ['devices.plc7.texts."event CLEAR": "{tag}": no field {tag}: there is none']),
    ({("texts", "flood"): "{tag}"},  # that of plc7 is another one
     ["texts.flood: \"{tag}\": no field {tag}: there is none"]),
    ({(*PLC7, "texts", "flod"): "x"}, ['devices.plc7.texts.flod: "x": unknown: there is flood']),
    ({("system_points", "CLOK"): {}},
     ["system_points.CLOK: {...}: unknown: there is CLOCK"]),
    ({("system_points", "LINK", "on_delay"): -1}, [f"system_points.LINK.on_delay: -1: {SECONDS}"]),
    ({("heartbeat",): datetime.time(7)},
     [('heartbeat: 07:00:00: give a time of the day in UTC like "07:00", or "" for none')]),
    ({(*PLC7, "heartbeat"): "x"},
     [('devices.plc7.heartbeat: "x": give a time of the day in UTC like "07:00", or "" for '
       "none")]),
    ({(*PLC7, "sender"): REMOVE},
     [('devices.plc7.sender: missing: give one like "ops@example.com": letters, digits, . _ -, 64 '
       "at most")]),
    ({(*TANK, "high"): "9"}, ['devices.plc7.points[1].high: "9": give a number']),
    ({(*TANK, "low"): 1},
     ["devices.plc7.points[1].high: 8: low is given, too: give one of them"]),
    ({(*SW, "tag"): "PUMP_2"},
     [('devices.plc7.points[2].tag: "PUMP_2": another point has it: give each one of its own')]),
    ({(*PUMP, "to"): {"raise": "x"}},
     ['devices.plc7.points[0].to.raise: "x": no such list: give managers or operators']),
    ({(*PUMP, "on_dely"): 1}, ["devices.plc7.points[0].on_dely: 1: unknown: there is on_delay"]),
    ({("defaults", "priority"): "hgh"},
     ['defaults.priority: "hgh": give one of diagnostic, low, medium, high']),
    ({("defaults", "prioriti"): "low"}, ['defaults.prioriti: "low": unknown: there is priority']),
    ({("defaults", "tag"): "A"}, [f'defaults.tag: "A": unknown: there is {FIELDS}']),
    ({("defaults",): []}, ["defaults: []: write a table [defaults]"]),
    ({(*PLC8, "acknowledge_input", "normal"): "no"},
     ['devices."plc 8".acknowledge_input.normal: "no": give one of NO, NC']),
    # Words of TOML
    ({(*PLC9, "points"): {}},
     ["devices.plc9.points: {...}: give a list; tables of one have two brackets: [[...]]"]),
    ({(*PLC9, "points", 0): 1}, ["devices.plc9.points[0]: 1: give a table"]),
    ({(*PLC9, "points", 0, "to"): 1},
     [("devices.plc9.points[0].to: 1: give the name of a list of recipients, a list of names, or "
       "a table")]),
    # Boards
    ({("devices",): REMOVE}, [f"devices: missing: {DEVICES}"]),
    ({("devices",): {}}, [f"devices: {{...}}: {DEVICES}"]),
    ({("devices", "x y"): 1}, [f'devices."x y": 1: {DEVICES}']),
    ({("device",): {}}, ["device: {...}: unknown: there is devices"]),
    ({("sender",): "x@y"}, [f'sender: "x@y": {BELOW}']),
    ({("points",): []}, [f"points: []: {BELOW}"]),
    ({(*PLC7, "plant"): "x"}, [f'devices.plc7.plant: "x": {ON_TOP}']),
    ({(*PLC7, "bord"): "x"}, ['devices.plc7.bord: "x": unknown: there is board']),
    ({(*PLC7, "board"): "GENERIC_S3"},
     ['devices.plc7.board: "GENERIC_S3": unknown: there is GENERIC_S3_W5500']),
    ({(*PLC7, "board"): 1}, [f"devices.plc7.board: 1: give one of {NAMES}"]),
    ({(*PLC7, "board"): REMOVE}, [f"devices.plc7.board: missing: give one of {NAMES}"]),
    ({("devices", "x" * 33): {"board": "VIRTUAL", "sender": "x@y"}},
     [f'devices.{"x" * 33}: "{"x" * 33}": give one line of 1 to 32 octets']),
    ({(*PLC9, "sender"): "PLC7@plant.lan"},
     ['devices.plc9.sender: "PLC7@plant.lan": devices.plc7 has it: give each board its own']),
    ({(*PLC9, "network"): {"address": "192.168.1.50"}},
     [('devices.plc9.network.address: "192.168.1.50": devices.plc7 has it: give each board its '
       "own")]),
    # Inputs
    ({(*PUMP, "input"): "DI1"}, [f'devices.plc7.points[0].input: "DI1": {S3}']),
    ({(*PUMP, "input"): 10}, [f"devices.plc7.points[0].input: 10: {S3}"]),  # cs of the W5500
    ({(*PUMP, "input"): REMOVE}, [f"devices.plc7.points[0].input: missing: {S3}"]),
    ({(*PUMP, "input"): True}, [f"devices.plc7.points[0].input: true: {S3}"]),
    ({(*PUMP, "input"): "a b"}, [f'devices.plc7.points[0].input: "a b": {S3}']),
    ({(*PLC7, "board"): "LILYGO_T_ETH_LITE_S3", (*PUMP, "input"): 0},  # held low, it does not boot
     [("devices.plc7.points[0].input: 0: give GPIO1, GPIO2, GPIO4 to GPIO8, GPIO15 to GPIO18, "
       "GPIO21, GPIO38 to GPIO42, GPIO47 or GPIO48")]),
    ({(*PUMP, "input"): 4},
     ["devices.plc7.points[1].input: 4: in use: give a digital input to one point only"]),
    ({(*PUMP, "input"): "GPIO4"},
     ['devices.plc7.points[1].input: 4: in use: GPIO4 is the same one']),
    ({(*TANK, "input"): 21},
     ["devices.plc7.points[1].input: 21: give GPIO1, GPIO2, GPIO4 to GPIO9 or GPIO15 to GPIO18"]),
    ({(*PLC9, "points", 0, "input"): "DI17"},
     ['devices.plc9.points[0].input: "DI17": give DI01 to DI16']),
    ({(*PLC9, "points", 0): PLANT["devices"]["plc7"]["points"][1]},
     ["devices.plc9.points[0].input: 4: give no analog input: KINCONY_A16V3 has none"]),
    ({(*PLC8, "acknowledge_input", "input"): 34},
     [('devices."plc 8".acknowledge_input.pull: missing: GPIO34 has no such resistor: wire one, '
       'and give "none"')]),
    ({(*PLC7, "board"): "W5500_EVB_PICO", (*TANK, "input"): 26, (*TANK, "source"): "uv"},
     ['devices.plc7.points[1].source: "uv": W5500_EVB_PICO has no microvolts: give "u16"']),
    # The network
    ({("network", "ssid"): REMOVE},
     [("network.password_file: ***: only with ssid: give that, too, or leave this out"),
      ('devices."plc 8".network.ssid: missing: GENERIC_ESP32 has no cable: give the name of the '
       "WiFi")]),
    ({(*PLC9, "network"): {"ssid": "x"}},
     ['devices.plc9.network.ssid: "x": KINCONY_A16V3 has a cable: leave it out']),
    ({("network",): 1, (*PLC8, "network", "ssid"): "x"}, ["network: 1: give a table"]),
    ({(*PLC7, "network", "address"): "192.168.1.300"},
     ['devices.plc7.network.address: "192.168.1.300": give an IPv4 address like "192.168.1.50"']),
    ({("network", "netmask"): "255.0.255.0"},
     [('network.netmask: "255.0.255.0": give one like "255.255.255.0", from 255.0.0.0 to '
       "255.255.255.252")]),
    ({(*PLC7, "network", "gateway"): "10.0.0.1"},
     [('devices.plc7.network.gateway: "10.0.0.1": give another address from 192.168.0.1 to '
       "192.168.255.254, or another netmask")]),
    ({("gateways",): ["10.0.0.1"]},
     [("devices.plc7.network.gateway: missing: give the router: 10.0.0.1 is outside of the "
       "subnet")]),
    # Passwords
    ({("network", "password"): "Gurkensalat"}, [f"network.password: ***: {NO_PASSWORD}"]),
    ({(*PLC8, "network", "password"): "Gurkensalat"},
     [f'devices."plc 8".network.password: ***: {NO_PASSWORD}']),
    ({(*PLC8, "network", "pasword"): "Gurkensalat"},
     ['devices."plc 8".network.pasword: ***: unknown: there is password_file']),
    ({(*PLC8, "network", "key"): "Gurkensalat"},
     [('devices."plc 8".network.key: ***: unknown: there is address, netmask, gateway, dns, '
       "hostname, ssid, password_file")]),
    ({(*PLC8, "wifi_password"): "Gurkensalat"},
     ['devices."plc 8".wifi_password: ***: unknown: there is network']),
    ({("network", "password_file"): 7},
     ["network.password_file: ***: give the name of a file, in quotes"]),
    ({("network", "password_file"): "no\nfile"},
     [("network.password_file: FOLDER/no?file: No such file or directory: write the password into "
       "it, one line")]),
    ({("network", "password_file"): "no\0file"},
     [("network.password_file: FOLDER/no?file: not UTF-8: write the password into it, one line")]),
    # The mail gateway
    ({("gateway",): GATEWAY | {"networks": ["192.168.1.64/26", "192.168.2.0/24"]}},
     [('devices.plc7.network.address: "192.168.1.50": not in gateway.networks, 192.168.1.64/26, '
       "192.168.2.0/24: mend one of them")]),
    ({("gateway",): GATEWAY | {"listen": ["0.0.0.0"]}},
     ['gateway.listen.0: "0.0.0.0": name the address in the LAN; this one means every interface']),
    ({("gateway",): GATEWAY, (*PLC7, "sender"): 1},
     [('devices.plc7.sender: 1: give one like "ops@example.com": letters, digits, . _ -, 64 at '
       "most")]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "lines"), BAD, ids=[case[1][0][:50] for case in BAD])
def test_a_fault_is_one_line_of_field_value_and_remedy(tmp_path, changes, lines):
    with pytest.raises(BadFileError) as caught:
        plant(tmp_path, changes)
    assert [line.replace(str(tmp_path), "FOLDER") for line in caught.value.lines] == lines
    assert "Gurkensalat" not in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path):
    changes = {("plnt",): 1, (*TANK, "high"): "9", (*PUMP, "input"): 99, ("heartbeat",): 7}
    changes |= {(*PLC9, "board"): "X", ("network", "password_file"): "none", ("gateway",): {}}
    with pytest.raises(BadFileError) as caught:
        plant(tmp_path, changes)
    fields = {line.split(": ")[0] for line in caught.value.lines}
    assert fields > {
        "plnt",
        "heartbeat",
        "devices.plc7.points[1].high",
        "devices.plc7.points[0].input",
        "devices.plc9.board",
        "network.password_file",
        "gateway.hostname",
    }
    assert len(caught.value.lines) == len(set(caught.value.lines))


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("Gurkensalat", 0o644, "mode 644, others can read it: chmod 600 "),
        ("Gurken", 0o600, "network.password_file: ***: give 8 to 64 characters of ASCII"),
        ("two\nlines", 0o600, "network.password_file: ***: give 8 to 64 characters of ASCII"),
        ("Gurkenküche", 0o600, "network.password_file: ***: give 8 to 64 characters of ASCII"),
    ],
)
def test_a_bad_password_file_is_refused(tmp_path, content, mode, said):
    path = tmp_path / "wifi.password"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(BadFileError) as caught:
        plant(tmp_path)
    (line,) = caught.value.lines
    assert said in line
    assert content not in line


# What a board gets


def test_what_stands_above_is_for_all_and_a_board_goes_before(tmp_path):
    found = plant(tmp_path)
    seven, eight, nine = (config(found, name) for name in ("plc7", "plc 8", "plc9"))
    common = {name: PLANT[name] for name in ("plant", "gateways", "system", "recipients")}
    assert seven == common | {
        "device": "plc7",
        "sender": "plc7@plant.lan",
        "heartbeat": "",
        "network": {"netmask": "255.255.0.0", "address": "192.168.1.50"},
        "texts": {"event RAISE": "KOMMT", "flood": "FLUT", "event CLEAR": "GEHT"},
        "system_points": {"LINK": {"on_delay": 60}},
        "points": [
            {"tag": "PUMP_2", "input": "GPIO1", "priority": "high", "pull": "down"},
            PLANT["devices"]["plc7"]["points"][1] | {"priority": "low", "source": "u16"},
            {"tag": "SW", "type": "software", "priority": "low"},
        ],
    }
    assert eight == common | {
        "device": "plc 8",
        "sender": "plc8@plant.lan",
        "heartbeat": "06:30",
        "network": {"ssid": "plant", "hostname": "plc8", "password": "Gurkensalat"},
        "texts": PLANT["texts"],
        "system_points": PLANT["system_points"],
        "acknowledge_input": {"input": "GPIO5"},
    }
    assert nine["network"] == {}
    assert nine["points"] == [{"tag": "A", "input": "DI16", "pull": "none", "priority": "low"}]
    assert [found.devices[name].board for name in found.devices] == [
        "GENERIC_S3_W5500",
        "GENERIC_ESP32",
        "KINCONY_A16V3",
    ]
    for name in found.devices:
        assert compiled(config(found, name))["site"]["device"] == name


def test_the_file_is_left_as_it_is(tmp_path):
    before = copy.deepcopy(PLANT)
    plant(tmp_path)
    assert before == PLANT


def test_a_plant_does_not_show_its_password(tmp_path):
    assert "Gurkensalat" not in repr(plant(tmp_path))


def test_a_board_that_there_is_not(tmp_path):
    with pytest.raises(BadFileError) as caught:
        config(plant(tmp_path), "plc1")
    assert caught.value.lines == ['--device: plc1: give one of plc7, "plc 8", plc9']


def test_the_gateway_takes_the_same_file(tmp_path):
    data = changed({("gateway",): GATEWAY})
    model = check_gateway(data)
    assert model.recipients == ["ops@example.com", "boss@example.com"]
    assert model.senders == [f"plc{number}@plant.lan" for number in (7, 8, 9)]
    assert [device.heartbeat for device in model.devices.values()] == [0, 86400, 86400]
    assert plant(tmp_path, {("gateway",): GATEWAY}).gateway == model


# Any value in any place

VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.dates()
    | strategies.text(max_size=9)
    | strategies.sampled_from(["operators", "GPIO4", "DI01", "a@b", "10.0.0.1", "digital"]),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value, path=()):
    """Yield the steps to each value."""
    if path:
        yield path
    for step in value if isinstance(value, dict) else range(len(value)):
        if isinstance(value[step], dict | list):
            yield from places(value[step], (*path, step))
        else:
            yield (*path, step)


def has(data, field):
    """Tell whether the tables have a field, or have all of it but the last step."""
    steps = [
        int(number) if number else key or quoted
        for key, quoted, number in re.findall(r'([\w-]+)|"([^"]*)"|\[(\d+)\]', field)
    ]
    for at, step in enumerate(steps):
        if at == len(steps) - 1:
            return isinstance(data, dict | list)
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return at == len(steps) - 2  # a table that is missing with its field
    return True


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(strategies.sampled_from([*places(PLANT | {"gateway": GATEWAY})]), VALUES)
def test_whatever_a_field_holds_it_is_taken_or_refused_in_a_line(tmp_path, place, value):
    data = copy.deepcopy(PLANT | {"gateway": GATEWAY})
    table = data
    for step in place[:-1]:
        table = table[step]
    table[place[-1]] = value
    try:
        found = check_plant(data, file_beside_password(tmp_path))
    except BadFileError as error:
        for line in error.lines:
            assert line.isprintable()
            field, _, rest = line.partition(": ")
            assert ": " in rest
            if not field.startswith("gateway.") and "?" not in field and "..." not in field:
                assert has(data, field), line
    else:
        for name in found.devices:
            assert compiled(config(found, name))


# Files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory: `alarmpost new` makes one"),
        (b'plant = "\xfc"', "line 1, column 10: octet 0xfc: save it as UTF-8"),
        (b'\xef\xbb\xbf#\nplant = "\xfc"', "line 2, column 10: octet 0xfc: save it as UTF-8"),
        (b"plant = PLANT", "line 1, column 9: Invalid value: this is not TOML"),
        (b"plant = [\n1,\n", "line 3, column 1: Invalid value: this is not TOML"),
        (b"a = 1\na = 2", "line 2, column 6: Cannot overwrite a value: this is not TOML"),
        (b"a = " + b"[" * 100000, "nested too deeply: this is no plant's file"),
        (b"#" * (1 << 20) + b"#", "more than 1048576 octets: this is no plant's file"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, content, said):
    path = tmp_path / "plant\n.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadFileError) as caught:
        read_plant(path)
    assert caught.value.lines == [f"{tmp_path}/plant?.toml: {said}"]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(BadFileError) as caught:
        read_plant(tmp_path)
    assert caught.value.lines == [f"{tmp_path}: Is a directory: `alarmpost new` makes one"]


def test_a_mark_before_the_text_and_lines_of_windows_are_no_faults(tmp_path):
    text = """plant = "P"
gateways = ["192.168.1.1"]
recipients.all = ["ops@example.com"]
[devices.plc7]
board = "VIRTUAL"
sender = "plc7@plant.lan"
"""
    path = tmp_path / "plant.toml"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert config(read_plant(path), "plc7")["plant"] == "P"
