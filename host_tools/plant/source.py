"""From the tables of the file to `config.json`, and back from a fault to its place in the file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_tools import boards
from host_tools.plant.schema import point_fields, site_fields
from host_tools.toml_file import NO_PASSWORD, BadFileError, dotted, read_secret

COMMON: tuple[str, ...] = ("plant", "recipients")
"""Fields that are the plant's: no board has others."""

OWN: tuple[str, ...] = ("sender", "points", "acknowledge_input")
"""Fields that no two boards have in common."""

MERGED = ("network", "system_points", "texts")
"""Tables of which a board may change entries."""

STATIC = ("netmask", "gateway", "dns")
WIFI = ("ssid", "password_file")
"""What boards may have in common of the network: it counts for those that can use it."""

PASSWORDS = ("password", "password_file")

DEFAULTS = "defaults"
ABOVE = [name for name in site_fields() if name not in (*OWN, "device")]
BOARD = ["board", *(name for name in site_fields() if name not in (*COMMON, "device"))]
POINT = re.compile(r"points\[(\d+)\](?:\.(\w+))?.*")
HEAD = re.compile(r"(\w+)(?:\.(?:([\w-]+)|\"(.*)\"))?.*")


@dataclass(frozen=True)
class Source:
    """What the file has for a board.

    data: all of its tables
    name: of the board
    folder: where the file is, and the password's
    """

    data: dict[str, Any]
    name: str
    folder: Path

    @property
    def own(self) -> dict[str, Any]:
        """The table of the board."""
        return self.data["devices"][self.name]

    @property
    def board(self) -> boards.Board | None:
        """What board it is; None where there is none of the name."""
        name = self.own.get("board")
        return boards.load(name) if name in boards.names() else None

    def config(self) -> dict[str, Any]:
        """Put the tables together, but for the password."""
        found = {name: self.data[name] for name in ABOVE if name in self.data}
        found |= {name: self.own[name] for name in BOARD[1:] if name in self.own}
        found |= {name: self.table(name) for name in MERGED if name in found}
        found["device"] = self.name
        if isinstance(found.get("network"), dict):
            network = self.network()
            found["network"] = {name: network[name] for name in network if name not in PASSWORDS}
        if isinstance(found.get("points"), list):
            found["points"] = [self.point(spec) for spec in found["points"]]
        return found

    def table(self, name: str) -> Any:
        """Return a table that may stand at the top, with the board, or in both places."""
        above, own = self.data.get(name, {}), self.own.get(name, {})
        both = isinstance(above, dict) and isinstance(own, dict)
        return {**above, **own} if both else self.own.get(name, above)

    def network(self) -> dict[str, Any]:
        """Return its network, without what is shared by those boards only that can use it."""
        table, own = table_of(self.table("network")), table_of(self.own.get("network"))
        useless = () if "address" in table else STATIC
        if self.board and not self.board.wifi:
            useless += WIFI
        return {name: table[name] for name in table if name in own or name not in useless}

    def password(self) -> str | None:
        """Read the password of the WiFi; None where there is none.

        Raises `BadFileError` where it cannot be had.
        """
        table = self.network()
        if "password" in table:
            raise BadFileError([f"{self.place('network.password')}: ***: {NO_PASSWORD}"])
        if "password_file" not in table:
            return None
        given, where = table["password_file"], self.place("network.password_file")
        if not isinstance(given, str) or not given:
            raise BadFileError([f"{where}: ***: give the name of a file, in quotes"])
        return read_secret(self.folder / given, where)

    def point(self, spec: Any) -> Any:
        """Return a point with those defaults that its type can have."""
        if not isinstance(spec, dict):
            return spec
        defaults = table_of(self.data.get(DEFAULTS))
        fields = point_fields({"type": "digital", **defaults, **spec}["type"])
        return {**{name: defaults[name] for name in fields if name in defaults}, **spec}

    def place(self, where: str) -> str:
        """Return where the file has a field, or should have it.

        where: its place in `config.json`
        """
        device = dotted("devices", self.name)
        if where == "device":
            return device
        if point := POINT.fullmatch(where):
            return self.place_of_point(where, int(point[1]), point[2])
        head = HEAD.fullmatch(where)
        table, entry = (head[1], head[2] or head[3]) if head else (where, None)
        inherited = table not in self.own and (table in self.data or table == "gateways")
        if table in MERGED and table in self.own:
            mine, above = (table_of(data.get(table)) for data in (self.own, self.data))
            inherited = entry in above and entry not in mine
        return where if inherited or table in COMMON else f"{device}.{where}"

    def place_of_point(self, where: str, at: int, name: str | None) -> str:
        """Return where the file has a field of a point."""
        spec = self.own["points"][at]
        if name and name not in spec and name in table_of(self.data.get(DEFAULTS)):
            return where.replace(f"points[{at}]", DEFAULTS, 1)
        return f"{dotted('devices', self.name)}.{where}"


def table_of(value: Any) -> dict[str, Any]:
    """Return a table, an empty one for what is none."""
    return value if isinstance(value, dict) else {}
