"""Looks at the gateway itself: who listens, who can read the password, what waits, what failed."""

import json
import os
import smtplib
import socket
import ssl
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from host_tools.gateway.facts import Facts
from host_tools.gateway.results import Result, judged, skipped

LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""

TROUBLE = (
    "fatal:",
    "panic:",
    "SOFTBOUNCE",
    "throttling",
    "Untrusted TLS",
    "no mechanism available",
)
"""What in the log needs a person."""

TAIL = 256 * 1024
SECOND_LOOK = 10.0


def local(facts: Facts) -> Iterator[Result]:
    """Look at everything; each look fails by itself."""
    for look in LOOKS:
        try:
            yield look(facts)
        except PermissionError as error:
            yield skipped(name_of(look), "", f"{error.filename}: run this as root")
        except (OSError, subprocess.SubprocessError) as error:
            yield judged(name_of(look), "", str(error), False, "is the gateway installed here?")


def name_of(look: "Look") -> str:
    """Return what a look is called where it found nothing."""
    return look.__name__.replace("_", " ")


def listeners(facts: Facts) -> Result:
    """Who listens at the port, by /proc: only the addresses in the file."""
    allowed = {"127.0.0.1", *facts.listen}
    found = sorted(listening(facts.port))
    return judged(
        "listening addresses",
        ", ".join(sorted(allowed)),
        ", ".join(found) or "none",
        bool(found) and set(found) <= allowed,
        "set inet_interfaces to these addresses and restart Postfix; stop other mail servers",
    )


def listening(port: int) -> set[str]:
    """Return the addresses that somebody listens on."""
    found = set()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = Path("/proc/net", name)
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        for local_end, state in ((row.split()[1], row.split()[3]) for row in rows):
            address, own_port = local_end.split(":")
            if state == LISTEN and int(own_port, 16) == port:
                found.add(socket.inet_ntop(family, octets(address)))
    return found


def octets(address: str) -> bytes:
    """Turn the kernel's hexadecimal words, each in the machine's order, into an address."""
    words = [int(address[i : i + 8], 16) for i in range(0, len(address), 8)]
    return struct.pack(f"={len(words)}I", *words)


def password_file(facts: Facts) -> Result:
    """The password is root's alone."""
    path = Path(facts.paths.passwords)
    state = path.stat()
    mode = stat.S_IMODE(state.st_mode)
    return judged(
        "password file",
        "mode 600, root",
        f"mode {mode:o}, user {state.st_uid}",
        not mode & 0o077 and state.st_uid in (0, os.geteuid()),
        f"chown root {path}; chmod 600 {path}",
    )


def oldest_mail(facts: Facts) -> Result:
    """Nothing waits for long."""
    mails = read_queue(facts)
    ages = [time.time() - mail["arrival_time"] for mail in mails]
    age = max(ages, default=0.0)
    return judged(
        "oldest mail in the queue",
        f"< {facts.watch.critical_after} s",
        f"{age:.0f} s, {len(mails)} waiting" if mails else "the queue is empty",
        age < facts.watch.critical_after,
        first_reason(mails) or "look into the log",
    )


def read_queue(facts: Facts) -> list[dict[str, Any]]:
    """Return the mails that wait; raises OSError where Postfix does not answer."""
    done = subprocess.run(
        [f"{facts.paths.commands}/postqueue", "-c", facts.paths.config, "-j"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode:
        raise OSError((done.stderr.strip() or f"postqueue: {done.returncode}").splitlines()[-1])
    return [json.loads(line) for line in done.stdout.splitlines()]


def first_reason(mails: list[dict[str, Any]]) -> str:
    """Return why the first mail waits."""
    reasons = (to.get("delay_reason", "") for mail in mails for to in mail.get("recipients", ()))
    return next((reason for reason in reasons if reason), "")


def free_space(facts: Facts) -> Result:
    """The disk can take mail."""
    state = os.statvfs(facts.paths.queue)
    free = state.f_bavail * state.f_frsize
    return judged(
        "free space for the queue",
        f">= {facts.watch.free_space // 2**20} MiB",
        f"{free // 2**20} MiB",
        free >= facts.watch.free_space,
        f"free space on the disk of {facts.paths.queue}; below 4 mails' size it takes no more",
    )


def log(facts: Facts) -> Result:
    """The end of the log is free of what needs a person."""
    with Path(facts.paths.log).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        lines = file.read().decode("utf-8", "replace").splitlines()
    bad = [line for line in lines if any(word in line for word in TROUBLE)]
    return judged(
        "log",
        "no " + ", ".join(TROUBLE),
        bad[-1] if bad else "none of them",
        not bad,
        f"see {facts.paths.log}; when it is mended, start a new log: postfix logrotate",
    )


def provider_login(facts: Facts) -> Result:
    """The provider has the right certificate and takes the password; nothing is sent."""
    provider = facts.provider
    name = f"provider {provider.host}:{provider.port}"
    expect = f"certificate for {provider.host}, login as {provider.user}"
    password = read_password(facts)
    try:
        log_in(facts, password)
    except (OSError, smtplib.SMTPException) as error:
        return judged(name, expect, one_line(error), False, provider_remedy(error))
    return judged(name, expect, "both", True, "")


def read_password(facts: Facts) -> str:
    """Return the password from Postfix's table."""
    line = Path(facts.paths.passwords).read_text("utf-8").splitlines()[0]
    return line.split(" ", 1)[1].split(":", 1)[1]


def log_in(facts: Facts, password: str) -> None:
    """Connect, check the certificate, log in, leave."""
    provider = facts.provider
    context = ssl.create_default_context(cafile=provider.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if provider.security == "tls":
        server = smtplib.SMTP_SSL(
            provider.host, provider.port, facts.hostname, timeout=SECOND_LOOK, context=context
        )
    else:
        server = smtplib.SMTP(
            provider.host, provider.port, facts.hostname, timeout=SECOND_LOOK
        )  # fmt: skip
    with server:
        if provider.security == "starttls":
            server.starttls(context=context)
        server.login(provider.user, password)


def provider_remedy(error: Exception) -> str:
    """Say what helps."""
    for kind, remedy in PROVIDER_REMEDIES.items():
        if isinstance(error, kind):
            return remedy
    return "see what it says; correct [gateway.provider], render and install anew"


PROVIDER_REMEDIES: dict[type[Exception], str] = {
    smtplib.SMTPAuthenticationError: "it refuses the password: make an app password there, and "
    "render anew with it",
    smtplib.SMTPNotSupportedError: "it offers no STARTTLS or no login: check port and security",
    ssl.SSLCertVerificationError: "the certificate is for another name, or by a CA that ca_file "
    "does not know: correct host or ca_file; do not switch the check off",
    ssl.SSLError: "this is no TLS: check port and security",
    socket.gaierror: "the name is not known: check host, and the gateway's DNS",
    TimeoutError: "no answer: a firewall, or the wrong port",
    ConnectionRefusedError: "nobody listens there: check host and port",
}


def one_line(error: Exception) -> str:
    """Show an error."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return f"{error.smtp_code} {said}"
    return " ".join(str(error).split())


Look = Callable[[Facts], Result]

LOOKS: tuple[Look, ...] = (
    listeners, password_file, oldest_mail, free_space, log, provider_login,
)  # fmt: skip
