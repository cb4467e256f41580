"""Production ports and addresses, in network namespaces: inside allowed, outside refused."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from host_tools.micropython import ROOT
from tests.gateway.plant import need

HOSTS = "127.0.0.1 localhost\n203.0.113.9 smtp.example.com\n"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextmanager
def namespace(name):
    """A network of its own, with a hosts file of its own."""
    etc = Path("/etc/netns", name)
    etc.mkdir(parents=True)
    (etc / "hosts").write_text(HOSTS)
    ip("netns", "add", name)
    ip("-n", name, "link", "set", "lo", "up")
    try:
        yield name
    finally:
        ip("netns", "delete", name)
        shutil.rmtree(etc)


def cable(left, left_address, right, right_address):
    """Connect two namespaces."""
    ends = (f"to-{right[-8:]}"[:15], f"to-{left[-8:]}"[:15])
    ip("link", "add", ends[0], "netns", left, "type", "veth", "peer", ends[1], "netns", right)
    for name, end, address in ((left, ends[0], left_address), (right, ends[1], right_address)):
        ip("-n", name, "address", "add", f"{address}/24", "dev", end)
        ip("-n", name, "link", "set", end, "up")


@pytest.fixture
def names():
    """Three namespaces, cabled: gateway, board, outside."""
    need(os.geteuid() == 0 and shutil.which("ip"), "root and iproute2", "production ports")
    need(Path("/usr/lib/postfix/sbin/master").exists(), "postfix", "production ports")
    with ExitStack() as stack:
        made = [stack.enter_context(namespace(f"alarmpost{os.getpid()}-{kind}")) for kind in "gbo"]
        gateway, board, outside = made
        cable(gateway, "192.168.1.1", board, "192.168.1.50")
        cable(gateway, "203.0.113.1", outside, "203.0.113.9")
        ip("-n", outside, "route", "add", "192.168.1.0/24", "via", "203.0.113.1")
        yield made


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_inside_is_allowed_outside_is_refused(names, security):
    gateway, board, outside = names
    words = ["ip", "netns", "exec", gateway, sys.executable, "-m", "tests.gateway.production"]
    done = subprocess.run(
        [*words, "run", security, board, outside],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["mail"] == "sent"
    assert found["arrived"] == ["alarms@provider.example", ["ops@example.com"]]
    assert found["board"]["failed"] == 0
    assert found["board"]["passed"] == 23
    assert found["gateway"]["failed"] == 0
    assert found["gateway"]["skipped"] == 0
    at_lan, at_wan = found["outside at the LAN address"], found["outside at the WAN address"]
    assert [result["verdict"] for result in at_lan["results"]] == ["pass"] * 4 + ["skip"]
    assert [result["answer"] for result in at_wan["results"]] == ["Connection refused"]
