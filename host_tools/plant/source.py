"""From the tables of the file to `config.json`, and back from a fault to its place in the file."""

import re
from dataclasses import dataclass
from typing import Any

from host_tools.plant.schema import point_fields, site_fields
from host_tools.toml_file import dotted

COMMON = ("plant", "recipients")
"""Fields that are the plant's: no board has others."""

OWN = ("sender", "points", "acknowledge_input")
"""Fields that no two boards have in common."""

MERGED = ("network", "system_points", "texts")
"""Tables of which a board may change entries."""

DEFAULTS = "defaults"
ABOVE = [name for name in site_fields() if name not in (*OWN, "device")]
BOARD = ["board", *(name for name in site_fields() if name not in (*COMMON, "device"))]
POINT = re.compile(r"points\[(\d+)\](?:\.(\w+))?.*")
HEAD = re.compile(r"(\w+)(?:\.(\w+|\".*\"))?.*")


@dataclass(frozen=True)
class Source:
    """What the file has for a board.

    data: all of its tables
    name: of the board
    """

    data: dict[str, Any]
    name: str

    @property
    def own(self) -> dict[str, Any]:
        """The table of the board."""
        return self.data["devices"][self.name]

    def config(self) -> dict[str, Any]:
        """Put the tables together."""
        above = {name: self.data[name] for name in ABOVE if name in self.data}
        own = {name: self.own[name] for name in BOARD[1:] if name in self.own}
        merged = {
            name: {**above[name], **own[name]}
            for name in MERGED
            if isinstance(above.get(name), dict) and isinstance(own.get(name), dict)
        }
        found = {**above, "device": self.name, **own, **merged}
        if isinstance(found.get("points"), list):
            found["points"] = [self.point(spec) for spec in found["points"]]
        return found

    def point(self, spec: Any) -> Any:
        """Return a point with those defaults that its type can have."""
        defaults = self.data.get(DEFAULTS)
        if not isinstance(spec, dict) or not isinstance(defaults, dict):
            return spec
        fields = point_fields({"type": "digital", **defaults, **spec}["type"])
        return {**{name: defaults[name] for name in fields if name in defaults}, **spec}

    def place(self, where: str) -> str:
        """Return where the file has a field, or should have it.

        where: its place in `config.json`
        """
        if where == "device":
            return dotted("devices", self.name)
        if point := POINT.fullmatch(where):
            return self.place_of_point(where, int(point[1]), point[2])
        head = HEAD.fullmatch(where)
        table, entry = (head[1], head[2]) if head else (where, None)
        if table in COMMON or (table == "gateways" and table not in self.own):
            return where
        mine, above = self.own.get(table), self.data.get(table)
        if table in self.own and isinstance(mine, dict) and isinstance(above, dict):
            inherited = entry not in mine and entry in above
        else:
            inherited = table not in self.own and table in self.data
        return where if inherited else f"{dotted('devices', self.name)}.{where}"

    def place_of_point(self, where: str, at: int, name: str | None) -> str:
        """Return where the file has a field of a point."""
        spec = self.own["points"][at]
        if name and name not in spec and name in self.data.get(DEFAULTS, ()):
            return where.replace(f"points[{at}]", DEFAULTS, 1)
        return f"{dotted('devices', self.name)}.{where}"
