"""The plant that the tests' gateways serve, and the means to change it."""

import copy
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from host_tools.gateway.model import Gateway, check_gateway
from host_tools.gateway.provider import USER

PLANT: dict[str, Any] = {
    "recipients": ["ops@example.com", "boss@example.com"],
    "devices": {
        "plc7": {"sender": "plc7@plant.lan", "heartbeat": "12h"},
        "plc8": {"sender": "plc8@plant.lan", "heartbeat": ""},
    },
    "gateway": {
        "hostname": "mail.plant.lan",
        "listen": ["192.168.1.1"],
        "networks": ["192.168.1.0/24"],
        "operator": "operator@example.com",
        "provider": {"host": "smtp.example.com", "user": USER, "from": USER},
        "limits": {"connections": 50, "connections_per_minute": 10000, "mails_per_minute": 10000},
    },
}

REMOVE = object()


def plant(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the plant with changes: "gateway.provider.port" -> value, or REMOVE."""
    data = copy.deepcopy(PLANT)
    for path, value in (changes or {}).items():
        *tables, name = path.split(".")
        table = data
        for step in tables:
            table = table.setdefault(step, {})
        if value is REMOVE:
            del table[name]
        else:
            table[name] = value
    return data


def gateway(changes: dict[str, Any] | None = None) -> Gateway:
    """Return the plant's gateway, with changes."""
    return check_gateway(plant(changes))


def need(present: object, what: str, adds: str) -> None:
    """Skip where something is missing, and say what it would add; in CI that is a failure."""
    if not present:
        verdict = pytest.fail if os.environ.get("ALARMPOST_CI") else pytest.skip
        verdict(f"{adds}: needs {what}")


def until(condition: Callable[[], Any], what: str, patience: float = 60) -> Any:
    """Wait until something is so, and return it."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise TimeoutError(f"not within {patience:.0f} s: {what}")
