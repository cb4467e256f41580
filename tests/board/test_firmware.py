"""The whole firmware on a virtual board: alarm, outbox, mail; the cable out, the power gone."""

import json

import pytest

from host_tools import boards
from host_tools.fake_smtp import FakeSMTP
from host_tools.virtual_board import VirtualBoard


def point(tag, text, gpio):
    """Return an alarm of high priority, which is mailed at once."""
    source = {"input": f"GPIO{gpio}", "pull": "up"}
    return {"tag": tag, "description": text, "priority": "high", **source}


CONFIG = {
    "plant": "PLANT",
    "device": "plc7",
    "sender": "plc7@plant.lan",
    "recipients": {"operators": ["ops@example.com"]},
    "gateways": ["192.168.1.1"],
    "ntp": "",
    "heartbeat": "",
    "system": "operators",
    "points": [point("PUMP_2", "overload", 4), point("TANK_1", "level", 5)],
}


@pytest.mark.parametrize("name", ["GENERIC_S3_W5500", "W5500_EVB_PICO"])
def test_an_alarm_gets_through_without_cable_and_power(name):
    files = {**boards.sources(name), "config.json": json.dumps(CONFIG)}
    with FakeSMTP() as server, VirtualBoard(name, files) as board:
        board.cable.route("192.168.1.1", 25, server.port)
        at = board.wait_for(f"{name}", start=board.wait_for("ready: plc7"))
        at = board.wait_for("link: up, 192.168.1.50", start=at)
        board.press("GPIO4")
        at = board.wait_for("PUMP_2 overload RAISED: sent to 1", start=at)
        board.cable.pull()
        at = board.wait_for("link: no link", start=at)
        board.press("GPIO5")
        at = board.wait_for("TANK_1 RAISE", start=at)
        board.power_off()
        board.power_on()
        at = board.wait_for("ready: plc7", start=at)
        board.cable.plug()
        at = board.wait_for("TANK_1 level RAISED: sent to 1", start=at)
        subjects = [mail.message["Subject"] for mail in server.mails]
    assert subjects[0] == "[PLANT high] PUMP_2 overload RAISED"
    assert sum("TANK_1" in subject for subject in subjects) == 1


STATIC = {"address": "192.168.1.9", "gateway": "192.168.1.1", "hostname": "pump-house"}
WIFI = {"ssid": "Anlage Süd", "password": "Gurkensalat"}


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("GENERIC_S3_W5500", STATIC),
        ("W5500_EVB_PICO", STATIC),
        ("GENERIC_ESP32", STATIC | WIFI),
        ("GENERIC_ESP32", WIFI),
    ],
)
def test_the_network_is_as_it_is_configured(name, network):
    files = {**boards.sources(name), "config.json": json.dumps(CONFIG | {"network": network})}
    lease = "" if "address" in network else "192.168.1.50"
    with VirtualBoard(name, files, lease=lease, wifi=(WIFI["ssid"], WIFI["password"])) as board:
        at = board.wait_for("ready: plc7")
        board.wait_for(f"link: up, {network.get('address', lease)}", start=at)
        called = board.run("import network; print(network.hostname())", soft_reset=False)
        assert called.strip() == network.get("hostname", "plc7")
        assert WIFI["password"] not in board.console


def test_a_wrong_password_of_the_wifi_is_in_no_line():
    network = WIFI | {"password": "Gurken"}
    files = {
        **boards.sources("VIRTUAL"),
        "config.json": json.dumps(CONFIG | {"network": network}),
    }
    with VirtualBoard("VIRTUAL", files) as board:
        board.wait_for("network.password: ***: give 8 to 64 characters of ASCII")
        assert "Gurken" not in board.console
