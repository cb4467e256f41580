"""A Postfix of our own in a private folder: to see a configuration at work, and for tests.

Nothing is installed and nothing of the system's is touched. As root it takes the installed
package; otherwise, and where there is none, Debian's package is unpacked into `.cache/`; see
`tree`.
"""

import contextlib
import grp
import json
import os
import pwd
import random
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from host_tools.gateway.facts import Paths
from host_tools.gateway.model import Gateway
from host_tools.gateway.settings import main_cf, master_cf, relay
from host_tools.gateway.systems import DEBIAN, System

QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"),
    *("maildrop", "pid", "private", "public", "saved", "trace"),
)
OPEN_TO_GROUP = {"maildrop": 0o1730, "public": 0o2710}

PATIENCE = 20.0
"""Seconds in which Postfix starts or stops; it takes less than one."""

OLD = 10.0
"""Seconds by which files are dated back: Postfix waits until they are 2 s old."""


class PostfixError(Exception):
    """Postfix is not to be had, or does not start; the message says what to do."""


@dataclass(frozen=True)
class Programs:
    """Where Postfix's programs are, and what they need.

    environment: variables for them and for all daemons
    owner, group: user and group ids of the queue's owner, None where we are not root
    """

    commands: str
    daemons: str
    libraries: str = ""
    meta: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    owner: tuple[int, int] | None = None
    group: int | None = None


def find() -> Programs:
    """Return a Postfix that can be started here, fetching it on first use."""
    if os.geteuid() == 0 and Path(DEBIAN.daemons, "master").exists():
        return installed()
    from host_tools.gateway import tree

    return tree.programs()


def installed() -> Programs:
    """Return the system's package, for root."""
    user = pwd.getpwnam("postfix")
    return Programs(
        commands=DEBIAN.paths.commands,
        daemons=DEBIAN.daemons,
        owner=(user.pw_uid, user.pw_gid),
        group=grp.getgrnam("postdrop").gr_gid,
    )


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that Postfix's user, who is somebody else, may enter."""
    with tempfile.TemporaryDirectory(prefix="alarmpost-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


PORTS = range(20000, 32000)
"""Below those that systems give to connections: nobody gets ours while we restart."""


def free_port() -> int:
    """Return a port that is free now."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def replaced(text: str, extra: str) -> str:
    """Put lines into the text of main.cf in the place of those of the same name.

    Postfix warns of names that come twice. Its own log server does, too, as it starts: where
    others have filled its queue by then it waits for itself, and nobody answers ever.
    """
    for name in re.findall(r"^(\w+) *=", extra, re.MULTILINE):
        text = re.sub(rf"^{name} *=.*\n(?:[ \t].*\n)*", "", text, flags=re.MULTILINE)
    return text + extra


class Postfix:
    """A Postfix in a folder, as a context manager.

    `gateway` is what its configuration is made from; `password` the provider's. It listens at
    127.0.0.1, on any free port; `listen` is a port as production has it, on all addresses that
    the configuration names. `extra` has lines for main.cf that replace those made.
    """

    def __init__(self, folder: Path, gateway: Gateway, password: str = ""):
        self.folder = folder
        self.gateway = gateway
        self.password = password
        self.host = "127.0.0.1"
        self.port = 0
        self.programs = find()
        self.process: subprocess.Popen | None = None
        self.extra = ""
        self.listen = ""

    @property
    def system(self) -> System:
        """The private folder as a system."""
        return System(
            "private",
            self.paths,
            daemons=self.programs.daemons,
            data=f"{self.folder}/data",
            libraries=self.programs.libraries,
            meta=self.programs.meta,
            environment=tuple(self.programs.environment),
        )

    @property
    def paths(self) -> Paths:
        """Where its files are."""
        etc = f"{self.folder}/etc"
        return Paths(
            config=etc,
            queue=f"{self.folder}/spool",
            log=f"{self.folder}/log/postfix.log",
            passwords=f"{etc}/sasl_passwd",
            commands=self.programs.commands,
            state=f"{self.folder}/state",
            status=f"{self.folder}/state/status.json",
        )

    @property
    def log(self) -> str:
        """All that it has logged."""
        path = Path(self.paths.log)
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def __enter__(self) -> Self:
        self.make_folders()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def make_folders(self) -> None:
        """Make the folders with the owners and modes that Postfix wants."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for name in ("etc", "log", "data", "state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        for name in QUEUES:
            folder = self.folder / "spool" / name
            folder.mkdir(exist_ok=True)
            folder.chmod(OPEN_TO_GROUP.get(name, 0o700))
            self.own(folder, group=name in OPEN_TO_GROUP)
        self.own(self.folder / "spool" / "pid", root=True)
        self.own(self.folder / "data")

    def own(self, path: Path, group: bool = False, root: bool = False) -> None:
        """Give a folder to Postfix's user, where we may."""
        if self.programs.owner is None:
            return
        user, own_group = self.programs.owner
        gid = self.programs.group if group and self.programs.group is not None else own_group
        os.chown(path, 0 if root else user, 0 if root else gid)
        if group:
            path.chmod(OPEN_TO_GROUP[path.name])  # chown clears the set-group-id bit

    def configure(self) -> None:
        """Write the configuration, from what `gateway` is now."""
        etc = self.folder / "etc"
        listen = self.listen or f"{self.host}:{self.port}"
        self.write(etc / "main.cf", replaced(main_cf(self.gateway, self.system), self.extra))
        self.write(etc / "master.cf", master_cf(listen))
        provider = self.gateway.provider
        self.write(
            etc / "sasl_passwd", f"{relay(provider)} {provider.user}:{self.password}\n", 0o600
        )

    def write(self, path: Path, text: str, mode: int = 0o644) -> None:
        """Write a file that Postfix takes at once, and whole if a program starts meanwhile."""
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode)
        new.write_text(text)
        date = time.time() - OLD
        os.utime(new, (date, date))
        new.replace(path)

    def start(self) -> None:
        """Start master and wait until the server answers; a port that is taken is changed."""
        while True:
            self.port = self.port or free_port()
            self.configure()
            self.launch()
            complaint = self.wait()
            if not complaint:
                return
            self.kill()
            if "Address already in use" not in complaint:
                raise PostfixError(f"Postfix does not start: {complaint}")
            self.port = 0

    def launch(self) -> None:
        """Start master in a session of its own."""
        with (self.folder / "log" / "master").open("wb") as output:
            self.process = subprocess.Popen(
                [f"{self.programs.daemons}/master", "-c", self.paths.config, "-d"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                start_new_session=True,
            )

    @property
    def environment(self) -> dict[str, str]:
        """What its programs get to see."""
        path = f"{self.programs.commands}:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "MAIL_CONFIG": self.paths.config, **self.programs.environment}

    def wait(self) -> str:
        """Wait for the banner; return what is wrong, "" for nothing."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                return self.complaint()
            if self.greets():
                return ""
            time.sleep(0.01)
        return f"no banner within {PATIENCE:.0f} s; {self.complaint()}"

    def complaint(self) -> str:
        """Return what it has said last that matters."""
        said = (self.folder / "log" / "master").read_text(errors="replace") + self.log
        lines = [line for line in said.splitlines() if "fatal" in line or "error" in line]
        return (lines or said.splitlines() or ["it says nothing"])[-1]

    def greets(self) -> bool:
        """Tell whether somebody says something at the port."""
        try:
            with socket.create_connection((self.host, self.port), 5) as connection:
                return connection.recv(4)[:1] in (b"2", b"4", b"5")
        except OSError:
            return False

    def run(self, program: str, *arguments: str) -> str:
        """Run one of Postfix's commands and return what it prints."""
        done = subprocess.run(
            [f"{self.programs.commands}/{program}", "-c", self.paths.config, *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise PostfixError(f"{program}: {done.stderr.strip()}")
        return done.stdout

    def queue(self) -> list[dict[str, Any]]:
        """Return the mails that wait."""
        return [json.loads(line) for line in self.run("postqueue", "-j").splitlines()]

    def flush(self) -> None:
        """Try all waiting mail now."""
        self.run("postqueue", "-f")

    def reload(self) -> None:
        """Write the configuration and let Postfix read it, as `postfix reload` does."""
        self.configure()
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """Kill everything at once, as a power cut does."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def kill_master(self) -> None:
        """Kill the master alone; its children end by themselves."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        """End it; leave no process behind."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        self.kill()
        self.process = None

    def adopt(self, **changes: Any) -> None:
        """Change fields of the provider, and reload."""
        provider = self.gateway.provider.model_copy(update=changes)
        self.gateway = self.gateway.model_copy(update={"provider": provider})
        self.reload()
