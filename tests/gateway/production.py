"""Run in network namespaces: the gateway with its production addresses and ports, from all sides.

    board 192.168.1.50 ── 192.168.1.1 gateway 203.0.113.1 ── 203.0.113.9 outside, the provider

Ports 25, 587 and 465 and all addresses are those of the rendered configuration, verbatim. Called
with the names of the namespaces; prints JSON of what each side found.
"""

import json
import smtplib
import subprocess
import sys
from pathlib import Path

from host_tools.gateway.authority import Authority
from host_tools.gateway.check import Target, check, report
from host_tools.gateway.facts import load
from host_tools.gateway.postfix import Postfix, private_folder
from host_tools.gateway.provider import PASSWORD, Provider
from host_tools.gateway.render import facts_of
from host_tools.gateway.settings import SMTP
from tests.gateway.plant import gateway

HOST = "smtp.example.com"
LAN, WAN = "192.168.1.1", "203.0.113.1"


def inside(name: str, *words: object) -> subprocess.CompletedProcess:
    """Run a part of this program in another namespace."""
    command = ["ip", "netns", "exec", name, sys.executable, "-m", "tests.gateway.production"]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=True)


def model(folder: Path, security: str):
    """Return the gateway as it is rendered, but for the provider's certificate."""
    port = 465 if security == "tls" else 587
    return gateway(
        {
            "gateway.provider.host": HOST,
            "gateway.provider.port": port,
            "gateway.provider.security": security,
            "gateway.provider.ca_file": str(folder / "ca.pem"),
        }
    )


def run(security: str, board: str, outside: str) -> None:
    """Start the provider in its namespace, the gateway in this one, and ask from all sides."""
    with private_folder() as folder:
        words = ["ip", "netns", "exec", outside, sys.executable, "-m", "tests.gateway.production"]
        provider = subprocess.Popen(
            [*words, "provider", str(folder), security],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert provider.stdin
        assert provider.stdout
        provider.stdout.readline()  # it listens
        known = model(folder, security)
        postfix = Postfix(folder / "postfix", known, PASSWORD)
        postfix.port, postfix.host = SMTP, LAN
        postfix.listen = str(SMTP)
        with postfix:
            facts = folder / "gateway.json"
            facts.write_text(facts_of(known, postfix.system).dump())
            found = {
                "mail": inside(board, "mail").stdout.strip(),
                "board": json.loads(inside(board, "check", LAN, facts).stdout),
                "outside at the LAN address": json.loads(
                    inside(outside, "check", LAN, facts).stdout
                ),
                "outside at the WAN address": json.loads(
                    inside(outside, "check", WAN, facts).stdout
                ),
                "gateway": json.loads(report(LAN, list(check(Target(LAN, SMTP), load(facts))))),
                "arrived": json.loads(provider.stdout.readline()),
            }
        provider.stdin.close()
        provider.wait()
        provider.stdout.close()
    print(json.dumps(found))


def provide(folder: str, security: str) -> None:
    """Be the provider: say that it listens, then what has arrived; end with the input."""
    port = 465 if security == "tls" else 587
    context = Authority(Path(folder)).server(HOST)
    with Provider(context, security, host="203.0.113.9", port=port) as provider:
        print("listens", flush=True)
        (mail,) = provider.wait(1)
        print(json.dumps([mail.sender, mail.recipients]), flush=True)
        sys.stdin.read()


def send() -> None:
    """Be a board: send a mail."""
    with smtplib.SMTP(LAN, SMTP, "plc7.plant.lan", timeout=20) as client:
        client.sendmail("plc7@plant.lan", "ops@example.com", "Subject: x\r\n\r\nhello\r\n")
    print("sent")


def look(host: str, facts: str) -> None:
    """Check the gateway from here."""
    target = Target(host, SMTP, here=False)
    print(report(host, list(check(target, load(Path(facts))))))


ROLES = {"run": run, "provider": provide, "mail": send, "check": look}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*sys.argv[2:])
