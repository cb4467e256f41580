"""The commands as a user types them."""

import datetime
import io
import json
import re
import sys
import tomllib

import pytest
from rich.console import Console

from host_tools import boards, cli
from host_tools.fake_smtp import FakeSMTP
from host_tools.gateway.model import check_gateway, read_gateway
from host_tools.micropython import ROOT
from host_tools.plant import config, read_plant
from host_tools.plant.model import check_plant
from host_tools.plant.schema import compiled
from host_tools.plant.show import show
from host_tools.plant.template import render
from host_tools.virtual_board import VirtualBoard
from tests.plant.plants import GATEWAY, plant

THREE = ("GENERIC_S3_W5500", "W5500_EVB_PICO", "GENERIC_ESP32")
WHEN = datetime.datetime(2026, 2, 3, 14, 2, 11, tzinfo=datetime.UTC)


@pytest.fixture
def alarmpost(tmp_path, monkeypatch, capsys):
    """What runs a command in a folder; it returns status, output, complaint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["alarmpost", *map(str, words)])
        status = cli.main()
        return status, *capsys.readouterr()

    return run


def of(*names):
    """Return the options that name boards."""
    return [word for name in names for word in ("--board", name)]


# new


def test_new_then_check_for_three_boards_and_the_gateway(alarmpost, tmp_path):
    said = "plant.toml: fill it in, then: alarmpost check plant.toml\n"
    assert alarmpost("new", *of(*THREE), "--gateway") == (0, said, "")
    status, output, complaint = alarmpost("check")
    assert (status, complaint) == (0, "")
    for number, name in enumerate(THREE, 1):
        assert f"plc{number}: {boards.load(name).title} ({name})" in output
        assert f"[PLANT high] PUMP_{number} overload RAISED" in output
    assert read_gateway(tmp_path / "plant.toml").hostname == "mail.plant.lan"


@pytest.mark.parametrize("name", boards.names())
def test_what_new_writes_offers_the_inputs_of_the_board_and_is_good(name, tmp_path):
    text = render([boards.load(name)], "plant.toml", with_gateway=False)
    board = boards.load(name)
    assert max(map(len, text.splitlines())) < 100
    assert f'board = "{name}"' in text
    for one in [*board.inputs][:1] + [*board.inputs][-1:]:
        assert one in text
    path = tmp_path / "plant.toml"
    path.write_text(text)
    before = compiled(config(read_plant(path), "plc1"))
    defaults = re.sub(r"(?m)^# (\w+ = (?!.*# e\.g\.))", r"\1", text.partition("# Analog")[0])
    assert compiled(config(check_plant(tomllib.loads(defaults), path), "plc1")) == before
    examples = re.sub(r"(?m)^# ((\w+ = |\[\[).*)", r"\1", text)
    (tmp_path / "wifi.password").write_text("Gurkensalat")
    (tmp_path / "wifi.password").chmod(0o600)
    found = compiled(config(check_plant(tomllib.loads(examples), path), "plc1"))
    assert ("point TANK_1" in found) == ("# Analog" in text)
    assert found["network"]["static"][0] == "192.168.1.50"


def test_the_gateway_that_new_writes_is_that_of_its_own_command(tmp_path):
    data = tomllib.loads(render([boards.load("VIRTUAL")], "x", with_gateway=True))
    assert check_gateway(data).provider.host == "smtp.example.com"
    assert check_plant(data, tmp_path / "x").gateway == check_gateway(data)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new",), "--board: missing: give one of GENERIC_ESP32, "),
        (("new", "--board", "X"), "--board: X: give one of GENERIC_ESP32, "),
        (("new", "old.toml", "--board", "VIRTUAL"), "old.toml exists; choose another name"),
        (("new", ".", "--board", "VIRTUAL"), ". exists; choose another name"),
        (("new", "a/b", "--board", "VIRTUAL"), "choose a folder that you may write to"),
        (("check", "none.toml"), "none.toml: No such file or directory: `alarmpost new` makes on"),
        (("check", "."), ".: Is a directory: `alarmpost new` makes one"),
        (("check", "old.toml"), "old.toml: line 1, column 5: "),
        (("check", "good.toml", "--device", "x"), "--device: x: give one of plc1"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(alarmpost, tmp_path, words, said):
    old = tmp_path / "old.toml"
    old.write_text("not TOML")
    alarmpost("new", "good.toml", "--board", "VIRTUAL")
    status, output, complaint = alarmpost(*words)
    assert (status, output) == (2, "")
    assert said in complaint
    assert len(complaint.splitlines()) == 1
    assert old.read_text() == "not TOML"


# check


def test_check_tells_five_mistakes_by_their_fields(alarmpost, tmp_path):
    alarmpost("new", "--board", "VIRTUAL")
    path = tmp_path / "plant.toml"
    text = path.read_text()
    for good, bad in (
        ('plant = "PLANT"', 'plnt = "PLANT"'),
        ('["192.168.1.1"]', '["192.168.1.1:x"]'),
        ('input = "DI1"', 'input = "DI9"'),
        ('priority = "high"', 'priority = "hgh"'),
        ("plc1@plant.lan", "plc1"),
    ):
        assert good in text
        text = text.replace(good, bad, 1)
    path.write_text(text)
    status, output, complaint = alarmpost("check")
    assert (status, output) == (2, "")
    assert [line.split(": ")[1] for line in complaint.splitlines()] == [
        "plnt",
        "plant",
        "devices.plc1.sender",
        "gateways[0]",
        "devices.plc1.points[0].priority",
        "devices.plc1.points[0].input",
    ]


def test_the_example_of_the_readme_is_good_and_its_mistakes_are_told(alarmpost, tmp_path):
    readme = (ROOT / "README.md").read_text("utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (faults,) = re.findall(r"```\n(alarmpost: .*?)```", readme, re.DOTALL)
    (tmp_path / "plant.toml").write_text(text)
    assert alarmpost("check")[0] == 0
    for good, bad in (("normal", "nomal"), ('"high"', '"hgh"'), ("DI01", "DI17")):
        text = text.replace(good, bad)
    (tmp_path / "plant.toml").write_text(text)
    assert alarmpost("check") == (2, "", faults)


def shown(found, *names):
    """Return what is shown of boards."""
    output = io.StringIO()
    console = Console(file=output, width=150)
    show(found, [found.devices[name] for name in names], console, WHEN)
    return output.getvalue()


def test_check_shows_what_boards_will_do(tmp_path):
    found = plant(tmp_path, {("gateway",): GATEWAY})
    text = shown(found, *found.devices)
    for line in (
        "operators  ops@example.com",
        "gateway    mail.plant.lan at 192.168.1.1, sends by smtp.example.com",
        "network       cable, W5500, address 192.168.1.50, netmask 255.255.0.0, host name plc7",
        "network       WiFi plant, address by DHCP, host name plc8",
        "mails by      192.168.1.1 port 25",
        "alive         no mail",
        "alive         06:30 UTC",
        "told to       operators",
        "acknowledged  by a button at GPIO5, NO",
        "acknowledged  by nobody: an alarm is over when it is cleared",
        "  [PLANT high] PUMP_2 KOMMT 14:02:11",
        "  [PLANT] plc 8 STARTED 14:02:11",
        "  [PLANT] plc 8 ALIVE 14:02:11",
        "│ Subject: [PLANT high] PUMP_2 KOMMT 14:02:11",
        "│ 2026-02-03 14:02:11 UTC",
        "│ PLANT, plc7, GENERIC_S3_W5500, alarmpost 0.1.0",
    ):
        assert line in text
    rows = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    for row in (
        ["PUMP_2", "GPIO1", "contact closes", "high", "1 s / 5 s", "operators"],
        ["TK_1", "GPIO4", "≥ 8, until ≤ 7.82", "low", "15 s / 15 s", "operators"],
        ["SW", "your program", "it is set", "low", "0 s / 0 s", "operators"],
        ["A", "DI16 (expander 0x21, bit 7)", "contact closes", "low", "1 s / 5 s", "operators"],
    ):
        assert row in rows
    assert "Gurkensalat" not in text


def test_check_shows_one_board_where_it_is_told(alarmpost):
    alarmpost("new", *of(*THREE))
    _, output, _ = alarmpost("check", "--device", "plc2")
    assert "plc2: WIZnet W5500-EVB-Pico" in output
    assert "plc1" not in output


POINTS = [
    {"tag": "A", "input": "GPIO1", "normal": "NC", "to": ["operators", "managers"]},
    {"tag": "B", "input": 2, "on_delay": 90, "off_delay": 0.5, "to": {"raise": "managers"}},
    {"tag": "C", "input": 5, "on_delay": 86400, "to": {"raise": "managers", "clear": []}},
    {"tag": "D", "type": "analog", "input": 6, "low": 2.5, "unit": "bar", "deadband": 0.5,
     "scale": [[0, 0], [65535, 10]], "range": [3000, 62000]},
]  # fmt: skip


FAULT = "≤ 2.5 bar, until ≥ 3; raw 3000 to 62000, else a fault"


def test_check_shows_each_kind_of_alarm(tmp_path):
    places = {("devices", "plc7", "points"): POINTS, ("devices", "plc7", "heartbeat"): "00:05"}
    rows = [
        re.split(r"  +", line.strip())
        for line in shown(plant(tmp_path, places), "plc7").splitlines()
    ]
    for row in (
        ["A", "GPIO1", "contact opens", "low", "1 s / 5 s", "operators, managers"],
        ["B", "GPIO2", "contact closes", "low", "90 s / 0.5 s", "raise: managers"],
        ["C", "GPIO5", "contact closes", "low", "1 d / 5 s", "raise: managers; clear: nobody"],
        ["D", "GPIO6", FAULT, "low", "15 s / 15 s", "operators"],
        ["alive", "00:05 UTC"],
    ):
        assert row in rows


def test_a_board_does_what_was_shown(alarmpost, tmp_path):
    alarmpost("new", "--board", "VIRTUAL")
    _, output, _ = alarmpost("check")
    path = tmp_path / "plant.toml"
    path.write_text(path.read_text().replace("# ntp = ", 'ntp = "" #'))
    found = read_plant(path)
    files = {
        **boards.sources("VIRTUAL"),
        "config.json": json.dumps(config(found, "plc1"), ensure_ascii=False),
    }
    with FakeSMTP() as server, VirtualBoard("VIRTUAL", files) as board:
        board.cable.route("192.168.1.1", 25, server.port)
        board.press("DI1")
        at = board.wait_for("ready: plc1")
        board.release("DI1")
        board.wait_for("PUMP_1 overload RAISED: sent to 2", start=at)
        (mail,) = [mail for mail in server.mails if "PUMP_1" in mail.message["Subject"]]
    assert mail.message["Subject"] in output
    assert mail.message["Subject"] == "[PLANT high] PUMP_1 overload RAISED"
    body = mail.message.get_content().replace("\r\n", "\n").splitlines()
    assert [line for line in body if f"│ {line}" not in output] == [body[1]]
    assert body[1].startswith("clock not set, uptime")
