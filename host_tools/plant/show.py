"""What a plant's boards will do, as tables for people."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from host_tools import boards
from host_tools.plant.inputs import wiring
from host_tools.plant.mails import Mail, mails
from host_tools.plant.model import Device, Plant
from host_tools.plant.schema import OWN_TAGS, compiled

PRIORITIES = ("diagnostic", "low", "medium", "high")
STYLES = {"high": "bold red", "medium": "yellow", "low": "", "diagnostic": "dim"}
UNITS = ((86400000, "d"), (3600000, "h"), (60000, "min"), (1000, "s"))
NONE = "0.0.0.0"


def show(plant: Plant, devices: list[Device], console: Console, when: datetime) -> None:
    """Show what boards of a plant will do; `when` is the time that their mails tell."""
    console.print(grid(plant_facts(plant, devices[0])))
    letters = []
    for device in devices:
        board, lines = boards.load(device.board), compiled(device.config)
        console.rule(Text(f"{device.name}: {board.title} ({board.name})", "bold"), align="left")
        console.print(grid(board_facts(board, device.config, lines)))
        if points := points_of(lines):
            console.print(alarm_table(board, device.config, points))
        found = mails(lines, board.name, when)
        letters += found
        console.print(Text("It would mail, such as:", "dim"))
        for mail in found:
            console.print(Text(f"  {mail.subject}"))
        console.print()
    console.print(sample(max(letters, key=lambda mail: mail.priority)))


def grid(facts: Iterator[tuple[str, str]]) -> Table:
    """Show names with their values."""
    table = Table.grid(padding=(0, 2))
    for name, value in facts:
        table.add_row(Text(name, "dim"), Text(value))
    return table


def plant_facts(plant: Plant, device: Device) -> Iterator[tuple[str, str]]:
    """Yield what concerns all boards: a name and a value."""
    yield "plant", device.config["plant"]
    for name, addresses in device.config["recipients"].items():
        yield name, ", ".join(addresses)
    if plant.gateway:
        gateway = plant.gateway
        listens = ", ".join(gateway.listen)
        yield "gateway", f"{gateway.hostname} at {listens}, sends by {gateway.provider.host}"


def board_facts(
    board: boards.Board, config: dict[str, Any], lines: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield what concerns a whole board: a name and a value."""
    site = lines["site"]
    beat = site["heartbeat"]
    own = [lines[f"point {tag}"] for tag in OWN_TAGS]
    yield "network", network_text(board, lines["network"])
    yield "mails by", ", then ".join(f"{host} port {port}" for host, port in site["gateways"])
    yield "time from", "{} port {}".format(*site["ntp"]) if site["ntp"] else "nowhere"
    yield "alive", "no mail" if beat is None else f"{beat // 3600:02}:{beat // 60 % 60:02} UTC"
    yield "own alarms", ", ".join(f"{one['tag']} {PRIORITIES[one['priority']]}" for one in own)
    yield "told to", names_of(everybody(config))
    yield "acknowledged", acknowledge_text(board, lines)


def network_text(board: boards.Board, network: dict[str, Any]) -> str:
    """Say how the board gets into the network."""
    way = f"WiFi {network['ssid']}" if board.wifi else f"cable, {board.network.chip}"
    address, netmask, gateway, dns = network.get("static", ("by DHCP", NONE, NONE, NONE))
    parts = ("netmask", netmask), ("gateway", gateway), ("dns", dns)
    others = [f"{label} {value}" for label, value in parts if value != NONE]
    others += [f"host name {network['hostname']}"] if "hostname" in network else []
    return ", ".join([way, f"address {address}", *others])


def acknowledge_text(board: boards.Board, lines: dict[str, Any]) -> str:
    """Say who can acknowledge an alarm."""
    button = lines["acknowledge"]
    if button:
        return f"by a button at {wiring(board, button['input'])}, {button['normal']}"
    if lines["site"]["acknowledge"]:
        return "by command"
    return "by nobody: an alarm is over when it is cleared"


def points_of(lines: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the alarm points, without those of the board itself."""
    points = [lines[name] for name in lines if name.startswith("point ")]
    return [point for point in points if point["tag"] not in OWN_TAGS]


def alarm_table(
    board: boards.Board, config: dict[str, Any], points: list[dict[str, Any]]
) -> Table:
    """Show the alarm points."""
    table = Table(box=SIMPLE_HEAD)
    for name in ("tag", "input", "alarm when", "priority", "on / off delay", "to"):
        table.add_column(name, overflow="fold")
    routes = [spec.get("to", everybody(config)) for spec in config["points"]]
    for point, to in zip(points, routes, strict=True):
        priority = PRIORITIES[point["priority"]]
        source = wiring(board, point["input"]) if "input" in point else "your program"
        table.add_row(
            *(Text(text) for text in (point["tag"], source, condition(point))),
            Text(priority, STYLES[priority]),
            f"{span(point['on_delay'])} / {span(point['off_delay'])}",
            Text(names_of(to)),
        )
    return table


def condition(point: dict[str, Any]) -> str:
    """Say when a point is in alarm."""
    if point["type"] == "digital":
        return "contact opens" if point["normal"] == "NC" else "contact closes"
    if point["type"] == "software":
        return "it is set"
    high = "high" in point
    limit = point["high" if high else "low"]
    back = limit - point["deadband"] if high else limit + point["deadband"]
    signs = "≥≤" if high else "≤≥"
    text = f"{signs[0]} {limit:g} {point['unit']}".rstrip() + f", until {signs[1]} {back:g}"
    if "range" in point:
        text += "; raw {:g} to {:g}, else a fault".format(*point["range"])
    return text


def span(milliseconds: int) -> str:
    """Return a duration in the largest unit that it is a whole number of."""
    for size, unit in UNITS:
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds / 1000:g} s"


def everybody(config: dict[str, Any]) -> Any:
    """Return the lists that get what says nothing else."""
    return config.get("system", [*config["recipients"]])


def names_of(to: Any) -> str:
    """Name lists of recipients, as a configuration gives them."""
    if isinstance(to, dict):
        return "; ".join(f"{what}: {names_of(to[what]) or 'nobody'}" for what in to)
    return to if isinstance(to, str) else ", ".join(to)


def sample(mail: Mail) -> Panel:
    """Show a mail in full."""
    head = f"From: {mail.sender}\nTo: {', '.join(mail.to)}\nSubject: {mail.subject}"
    return Panel(Text(f"{head}\n\n{mail.body.rstrip()}"), title="one of them", title_align="left")
