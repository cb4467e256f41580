"""The folder to install on a gateway: configuration, password, install script, the watch."""

import os
import tempfile
import zipapp
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import bottle
import jinja2

from host_tools.gateway import facts
from host_tools.gateway.model import Gateway
from host_tools.gateway.settings import main_cf, master_cf, relay
from host_tools.gateway.systems import DEBIAN, System

HERE = Path(__file__).resolve().parent
PROGRAM = "alarmpost-gateway.pyz"
HOME = "/usr/local/lib/alarmpost"

ON_THE_GATEWAY = (
    *("__init__.py", "facts.py", "results.py", "dialogue.py", "probes.py", "local.py"),
    *("check.py", "remote.py"),
)
"""Modules that travel, besides the package `watch`."""

START = "from host_tools.gateway.remote import main\n\nmain()\n"
SAME = 315619200
"""A time, 1980-01-02, for all files in it: the same content gives the same file."""


class Item(NamedTuple):
    """A file of the folder: its name, content, mode, and where it goes on the gateway."""

    name: str
    content: str
    mode: int
    target: str


def render(gateway: Gateway, system: System, password: str, folder: Path) -> list[Path]:
    """Write the folder and return the files; without a password its file is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    items = list(files(gateway, system, password))
    for item in items:
        write(folder / item.name, item.content, item.mode)
    if not password:
        (folder / "sasl_passwd").unlink(missing_ok=True)
    bundle(folder / PROGRAM)
    script = fill("install.sh", gateway, system, items=items)
    write(folder / "install.sh", script, 0o755)
    names = [*(item.name for item in items), PROGRAM, "install.sh"]
    return [folder / name for name in names]


def files(gateway: Gateway, system: System, password: str) -> Iterator[Item]:
    """Return the files but for the program and the script that installs them."""
    etc = system.paths.config
    yield Item("main.cf", main_cf(gateway, system), 0o644, f"{etc}/main.cf")
    yield Item("master.cf", master_cf(), 0o644, f"{etc}/master.cf")
    if password:
        passwords = password_line(gateway, password)
        yield Item("sasl_passwd", passwords, 0o600, system.paths.passwords)
    known = facts_of(gateway, system).dump()
    yield Item("gateway.json", known, 0o644, f"{HOME}/gateway.json")
    for name, mode, target in SERVICES[system.name]:
        yield Item(name, fill(name, gateway, system), mode, target)


SERVICES = {
    "debian": (
        ("alarmpost-gateway.service", 0o644, "/etc/systemd/system/alarmpost-gateway.service"),
        ("alarmpost-firewall.service", 0o644, "/etc/systemd/system/alarmpost-firewall.service"),
        ("firewall.nft", 0o644, f"{HOME}/firewall.nft"),
        ("logrotate", 0o644, "/etc/logrotate.d/alarmpost-gateway"),
    ),
    "openwrt": (("alarmpost-gateway.init", 0o755, "/etc/init.d/alarmpost-gateway"),),
}

BACKUPS = {"debian": "/var/backups/alarmpost", "openwrt": "/etc/alarmpost/backups"}


def password_line(gateway: Gateway, password: str) -> str:
    """Return Postfix's password table."""
    return f"{relay(gateway.provider)} {gateway.provider.user}:{password}\n"


def fill(name: str, gateway: Gateway, system: System, **more: object) -> str:
    """Fill a template of the folder `files`."""
    loader = jinja2.FileSystemLoader(HERE / "files")
    environment = jinja2.Environment(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template(f"{name}.j2")
    return template.render(
        gateway=gateway,
        system=system,
        paths=system.paths,
        home=HOME,
        program=PROGRAM,
        backups=BACKUPS[system.name],
        **more,
    )


def write(path: Path, content: str, mode: int) -> None:
    """Replace a file by another one, whole; nobody can read it before it has its mode."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(mode)
    Path(temporary).replace(path)


def bundle(path: Path) -> None:
    """Pack what runs on the gateway into one file, with Bottle in it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        package = root / "host_tools" / "gateway"
        (package / "watch").mkdir(parents=True)
        (root / "host_tools" / "__init__.py").touch()
        for name in ON_THE_GATEWAY:
            (package / name).write_bytes((HERE / name).read_bytes())
        for source in (HERE / "watch").glob("*.[ph][yt]*"):
            (package / "watch" / source.name).write_bytes(source.read_bytes())
        (root / "bottle.py").write_bytes(Path(bottle.__file__).read_bytes())
        (root / "__main__.py").write_text(START)
        for source in root.rglob("*"):
            os.utime(source, (SAME, SAME))
        new = path.with_suffix(".new")
        zipapp.create_archive(root, new, "/usr/bin/env python3", compressed=True)
    new.chmod(0o755)
    new.replace(path)


def facts_of(gateway: Gateway, system: System = DEBIAN, port: int = 25) -> facts.Facts:
    """Return what the programs on the gateway need to know."""
    of = gateway.provider
    return facts.Facts(
        hostname=gateway.hostname,
        listen=gateway.listen,
        port=port,
        networks=gateway.networks,
        senders=gateway.senders,
        recipients=gateway.recipients,
        most_recipients=gateway.limits.recipients,
        message_size=gateway.limits.message_size,
        provider=facts.Provider(of.host, of.port, of.security, of.user, of.ca_file),
        boards=[
            facts.Board(name, device.sender, device.heartbeat)
            for name, device in gateway.devices.items()
        ],
        paths=system.paths,
        watch=facts.Watch(**gateway.watch.model_dump()),
    )
