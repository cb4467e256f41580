"""A plant with three boards, and changes to it."""

import copy
from pathlib import Path
from typing import Any

from host_tools.plant.model import Plant, check_plant

REMOVE = object()

PLANT: dict[str, Any] = {
    "plant": "PLANT",
    "gateways": ["192.168.1.1"],
    "system": "operators",
    "heartbeat": "06:30",
    "recipients": {"operators": ["ops@example.com"], "managers": ["boss@example.com"]},
    "defaults": {"priority": "low", "pull": "down", "source": "u16"},
    "network": {"ssid": "plant", "password_file": "wifi.password", "netmask": "255.255.0.0"},
    "texts": {"event RAISE": "KOMMT", "flood": "FLUT:"},
    "system_points": {"LINK": {"on_delay": 60}},
    "devices": {
        "plc7": {
            "board": "GENERIC_S3_W5500",
            "sender": "plc7@plant.lan",
            "heartbeat": "",
            "network": {"address": "192.168.1.50"},
            "texts": {"event CLEAR": "GEHT", "flood": "FLUT"},
            "points": [
                {"tag": "PUMP_2", "input": "GPIO1", "priority": "high"},
                {
                    "tag": "TK_1",
                    "type": "analog",
                    "input": 4,
                    "high": 8,
                    "scale": [[0, 0], [9, 9]],
                },
                {"tag": "SW", "type": "software"},
            ],
        },
        "plc 8": {
            "board": "GENERIC_ESP32",
            "sender": "plc8@plant.lan",
            "network": {"hostname": "plc8"},
            "acknowledge_input": {"input": "GPIO5"},
        },
        "plc9": {
            "board": "KINCONY_A16V3",
            "sender": "plc9@plant.lan",
            "points": [{"tag": "A", "input": "DI16", "pull": "none"}],
        },
    },
}

GATEWAY: dict[str, Any] = {
    "hostname": "mail.plant.lan",
    "listen": ["192.168.1.1"],
    "networks": ["192.168.1.0/24"],
    "operator": "you@example.com",
    "provider": {"host": "smtp.example.com", "user": "alarms@example.com"},
}


def changed(changes: dict[tuple[Any, ...], Any]) -> dict[str, Any]:
    """Return the tables with fields set or, `REMOVE`, removed; each by its steps."""
    data = copy.deepcopy(PLANT)
    for steps, value in changes.items():
        table: Any = data
        for step in steps[:-1]:
            table = table[step]
        if value is REMOVE:
            del table[steps[-1]]
        else:
            table[steps[-1]] = value
    return data


def file_beside_password(folder: Path) -> Path:
    """Return a path for the file, in a folder that has the password's."""
    password = folder / "wifi.password"
    if not password.exists():
        password.write_text("Gurkensalat\n")
        password.chmod(0o600)
    return folder / "plant.toml"


def plant(folder: Path, changes: dict[tuple[Any, ...], Any] | None = None) -> Plant:
    """Check the tables as those of a file in a folder."""
    return check_plant(changed(changes or {}), file_beside_password(folder))
