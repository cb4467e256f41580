"""The fields of a configuration and its check, as the firmware has them."""

import json
import re
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from host_tools.firmware import modules
from host_tools.toml_file import dotted, printable

with modules() as load:
    CONFIG, REMEDIES = load("config"), load("remedies")

TYPES = {"digital": "d", "analog": "a", "software": "s"}
OWN_TAGS = [row[0] for row in CONFIG.rows(CONFIG.SYSTEM)]
"""Points of the board itself."""

WORDS = {
    "object": "give a table",
    "list": "give a list; tables of one have two brackets: [[...]]",
    "routes": "give the name of a list of recipients, a list of names, or a table",
}
"""What TOML calls otherwise than JSON; by the check that refused."""

NAMED = re.compile(r"(recipients|texts)\.(.*?)((?:\[\d+\])*)", re.DOTALL)
FILED = {"network.password": "network.password_file"}
"""Fields that are called otherwise in the file, which has no secrets; by place."""

SECRET = re.compile(r"(pass|secret|psk)[^.]*$", re.IGNORECASE)


class Hidden:
    """A value that may be a secret."""

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field.

    where: its place in `config.json`
    check: that of the firmware which refused it
    """

    where: str
    value: Any
    remedy: str
    check: str = ""

    def line(self, where: str) -> str:
        """Say it in one line, at the place where the file has the field."""
        return f"{where}: {printable(shown(where, self.value))}: {self.remedy}"


class Notes:
    """Stands for `remedies.py`: the check notes faults by place, not in words."""

    @staticmethod
    def error(path: str, value: Any, check: str, argument: tuple = ()) -> Fault:
        """Note a value that a check refused."""
        named = NAMED.fullmatch(path)
        where = dotted(named[1], named[2]) + named[3] if named else path
        return Fault(where, value, WORDS.get(check) or REMEDIES.remedy_of(check, argument), check)

    @staticmethod
    def unknown(path: str, name: str, value: Any, names: list[str], elsewhere: bool) -> Fault:
        """Note a field that there is not; `elsewhere`: points of another type have it."""
        names = [FILED.get(path + one, path + one).removeprefix(path) for one in names]
        remedy = REMEDIES.remedy_of("elsewhere") if elsewhere else nearest(name, names)
        value = Hidden() if path == "network." else value
        return Fault(path + dotted(name), value, remedy)


class Checker(CONFIG.Checker):
    """The firmware's check, which calls points by their number, as TOML does."""

    def place(self, path: str, _spec: object) -> str:
        """Return what faults call a point."""
        return path

    def words(self) -> type[Notes]:
        """Return what notes faults."""
        return Notes


def faults_of(data: dict[str, Any]) -> list[Fault]:
    """Return what is wrong with a configuration."""
    with modules():
        return Checker(data).check()


def compiled(data: dict[str, Any]) -> dict[str, Any]:
    """Return what a board makes of a configuration without faults, by name."""
    with modules():
        lines, _ = CONFIG.check(data)
        return {name: json.loads(value) for name, value in (line.split("\t", 1) for line in lines)}


def site_fields() -> list[str]:
    """Return the fields of the whole board."""
    return [name for name, _, _ in CONFIG.fields_of("S")]


def point_fields(kind: Any) -> list[str]:
    """Return the fields of points of a type; those of all points for one that is unknown."""
    letters = [TYPES[name] for name in TYPES if name == kind] or TYPES.values()
    fields = [name for letter in letters for name, _, _ in CONFIG.fields_of(letter)]
    return list(dict.fromkeys(fields))


def nearest(name: str, names: list[str]) -> str:
    """Say which name may be meant by one that there is not."""
    return REMEDIES.remedy_of("unknown", (", ".join(REMEDIES.near(name, names)),))


def shown(where: str, value: Any) -> str:
    """Show a value in one short line, a secret not at all."""
    if isinstance(value, (date, time)):
        return str(value)
    return REMEDIES.shown(Hidden() if value is not ... and SECRET.search(where) else value)
