"""`alarmpost gateway try`: the configuration at work on loopback, between a board's mail and a
stand-in for the provider.

Only what must be different is: addresses, ports, the provider's name, certificate and password.
"""

import smtplib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from rich.console import Console

from host_tools.gateway.authority import Authority
from host_tools.gateway.check import Target, check
from host_tools.gateway.model import Gateway
from host_tools.gateway.postfix import Postfix, PostfixError, private_folder
from host_tools.gateway.provider import PASSWORD, USER, Mail, Provider
from host_tools.gateway.render import facts_of
from host_tools.gateway.results import status

LOOPBACK = "127.0.0.1/32"
PATIENCE = 20.0


@dataclass(frozen=True)
class Trial:
    """What runs: the gateway and its provider."""

    postfix: Postfix
    provider: Provider
    authority: Authority


def on_loopback(gateway: Gateway, provider: Provider, authority: Authority) -> Gateway:
    """Return the same gateway between loopback and a stand-in."""
    changes = {
        "host": "localhost",
        "port": provider.port,
        "security": provider.security,
        "user": USER,
        "ca_file": str(authority.ca_file),
    }
    return gateway.model_copy(
        update={
            "listen": ["127.0.0.1"],
            "networks": [LOOPBACK],
            "provider": gateway.provider.model_copy(update=changes),
        }
    )


@contextmanager
def start(gateway: Gateway) -> Iterator[Trial]:
    """Run a gateway on loopback; raises `PostfixError`."""
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        authority = Authority(folder)
        stand_in = Provider(authority.server("localhost"), gateway.provider.security)
        provider = stack.enter_context(stand_in)
        local = on_loopback(gateway, provider, authority)
        postfix = stack.enter_context(Postfix(folder / "postfix", local, PASSWORD))
        yield Trial(postfix, provider, authority)


def run(gateway: Gateway, console: Console, smuggling: bool = False, keep: bool = False) -> int:
    """Run everything and show it; return the exit status."""
    from host_tools.gateway.command import show

    began = time.monotonic()
    try:
        with start(gateway) as trial:
            announce(trial, console)
            arrived = send(trial)
            show_mail(arrived, console)
            target = Target("127.0.0.1", trial.postfix.port, smuggling=smuggling, here=True)
            known = facts_of(trial.postfix.gateway, trial.postfix.system, trial.postfix.port)
            results = list(check(target, known))
            show(results, console)
            console.print(f"all in {time.monotonic() - began:.1f} s; nothing was installed")
            if keep:
                wait(trial, console)
    except (PostfixError, TimeoutError, OSError) as error:
        print(f"alarmpost: {error}", file=sys.stderr)
        return 1
    return status(results)


def announce(trial: Trial, console: Console) -> None:
    """Say what runs where."""
    provider = trial.provider
    console.print(f"the gateway listens on 127.0.0.1 port {trial.postfix.port}")
    console.print(
        f"a stand-in for the provider on port {provider.port}: {provider.security}, a password, "
        "a certificate of its own"
    )


def send(trial: Trial) -> Mail:
    """Send a mail as a board does, and return what the provider got."""
    gateway = trial.postfix.gateway
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = gateway.senders[0], gateway.recipients[0]
    mail["Subject"], mail["Message-ID"] = "a Horse", "<1.1.1@alarmpost.internal>"
    mail.set_content("The horse does not eat cucumber salad\n")
    with smtplib.SMTP("127.0.0.1", trial.postfix.port, "board.lan", timeout=PATIENCE) as board:
        board.send_message(mail)
    try:
        return trial.provider.wait(1, PATIENCE)[0]
    except TimeoutError:
        raise PostfixError(why(trial.postfix)) from None


def why(postfix: Postfix) -> str:
    """Say why the mail did not arrive."""
    reasons = [to.get("delay_reason", "") for mail in postfix.queue() for to in mail["recipients"]]
    return f"the mail did not arrive: {'; '.join(reasons) or 'it is not in the queue either'}"


def show_mail(mail: Mail, console: Console) -> None:
    """Show what the provider got."""
    read = message_from_bytes(mail.content, policy=policy.default)
    console.print("a mail went through; the provider got it")
    console.print(f"  from <{mail.sender}> for {', '.join(mail.recipients)}", markup=False)
    for name in ("From", "To", "Subject", "Message-ID", "Date"):
        console.print(f"  {name}: {read[name]}", markup=False)


def wait(trial: Trial, console: Console) -> None:
    """Leave it running, and show what arrives."""
    console.print(f"send it mail: port {trial.postfix.port}; Ctrl-C ends")
    seen = len(trial.provider.mails)
    try:
        while True:
            show_mail(trial.provider.wait(seen + 1, threading.TIMEOUT_MAX)[seen], console)
            seen += 1
    except KeyboardInterrupt:
        console.print("\nstopped")
