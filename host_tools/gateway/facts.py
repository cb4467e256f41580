"""What the programs on the gateway know of it: `gateway.json`, written when it is rendered.

No passwords, and nothing but the standard library: this is read on routers, too.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Provider:
    """Where mail goes; `security` is starttls or tls."""

    host: str = ""
    port: int = 587
    security: str = "starttls"
    user: str = ""
    ca_file: str = ""


@dataclass(frozen=True)
class Board:
    """A board: its sender, and the seconds between its heartbeats, 0 for none."""

    name: str
    sender: str
    heartbeat: int = 0


@dataclass(frozen=True)
class Paths:
    """Where things are on the gateway."""

    config: str = "/etc/postfix"
    queue: str = "/var/spool/postfix"
    log: str = "/var/log/postfix.log"
    passwords: str = "/etc/postfix/sasl_passwd"
    commands: str = "/usr/sbin"
    state: str = "/var/lib/alarmpost"
    status: str = "/run/alarmpost/status.json"


@dataclass(frozen=True)
class Watch:
    """When to call a person: seconds, and octets of free space."""

    port: int = 8025
    interval: int = 30
    warn_after: int = 300
    critical_after: int = 1800
    free_space: int = 50 * MEBIBYTE
    heartbeats: bool = True


@dataclass(frozen=True)
class Facts:
    """A gateway as its own programs see it."""

    hostname: str = "gateway"
    listen: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    port: int = 25
    networks: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    most_recipients: int = 30
    message_size: int = MEBIBYTE
    provider: Provider = Provider()
    boards: list[Board] = field(default_factory=list)
    paths: Paths = Paths()
    watch: Watch = Watch()

    def dump(self) -> str:
        """Return what `load` reads."""
        return json.dumps(asdict(self), indent=2) + "\n"


TABLES = {"provider": Provider, "paths": Paths, "watch": Watch}


def load(path: Path) -> Facts:
    """Read `gateway.json`; raises OSError and ValueError."""
    data = json.loads(path.read_text("utf-8"))
    try:
        return build(data)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is not of this version ({error}): render it anew") from None


def build(data: dict[str, Any]) -> Facts:
    """Turn what JSON holds into facts."""
    known = {entry.name for entry in fields(Facts)}
    plain = {name: value for name, value in data.items() if name in known - set(TABLES)}
    plain["boards"] = [Board(**board) for board in data.get("boards", [])]
    tables = {name: table(**data.get(name, {})) for name, table in TABLES.items()}
    return Facts(**plain, **tables)
