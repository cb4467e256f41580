"""A small plant that fits any board: contacts, a measured value, a button that acknowledges."""

from typing import Any

from host_tools.boards import Board, BoardError

CONTACTS = (
    # tag, description, response, priority
    ("PUMP_1", "overload", "Reset the motor protection.", "high"),
    ("TANK_1", "level high", "Close the inlet, look at the float.", "high"),
    ("COOLER_1", "failed", "Start the second one by hand.", "high"),
    ("DOOR_1", "open", "", "low"),
)
ADC = {
    # MCU: pins that can measure beside a network
    "ESP32": range(32, 40),
    "ESP32-S3": range(1, 21),
    "RP2040": range(26, 29),
}
FULL = 65535


def sample(board: Board) -> dict[str, Any]:
    """Return a configuration for a board; raises `BoardError` where its inputs are not known."""
    analog = [f"GPIO{pin}" for pin in board.free if pin in ADC[board.mcu]][-1:]
    free = [f"GPIO{pin}" for pin in board.free if f"GPIO{pin}" not in analog]
    inputs = [*board.inputs, *free][: len(CONTACTS) + 1]
    if len(inputs) <= len(CONTACTS):
        message = f"{board.name}: its inputs are not known: give --config, with points of your own"
        raise BoardError(message)
    return {
        "plant": "SAMPLE",
        "device": "plc7",
        "sender": "plc7@plant.lan",
        "recipients": {"operators": ["ops@example.com"]},
        "gateways": ["192.168.1.1"],
        "window": 5,
        "acknowledge_input": {"input": inputs[len(CONTACTS)]},
        "points": [
            *(contact(*row, name) for row, name in zip(CONTACTS, inputs, strict=False)),
            *(pressure(name) for name in analog),
        ],
    }


def contact(tag: str, text: str, response: str, priority: str, name: str) -> dict[str, Any]:
    """Return the point of a contact."""
    words = {"tag": tag, "description": text, "response": response, "priority": priority}
    return {**words, "input": name, "on_delay": 0, "off_delay": 1}


def pressure(name: str) -> dict[str, Any]:
    """Return the point of a pressure; less than 5 % of the range is a broken wire."""
    return {
        "tag": "BOILER_1",
        "description": "pressure high",
        "response": "Open the relief valve.",
        "priority": "high",
        "type": "analog",
        "input": name,
        "scale": [[0, 0], [FULL, 10]],
        "unit": "bar",
        "high": 8,
        "range": [FULL // 20, FULL],
        "on_delay": 1,
        "off_delay": 1,
    }
