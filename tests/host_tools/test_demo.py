"""`alarmpost demo`, as a person starts it."""

import re
import subprocess
import sys

from host_tools.micropython import ROOT

COMMAND = [sys.executable, "-m", "host_tools.cli", "demo"]


def demo(*args):
    """Run the demo and return it."""
    return subprocess.run(
        [*COMMAND, *args], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )


def test_the_dialogue_and_the_mail():
    done = demo()
    assert done.returncode == 0
    assert "MicroPython 1." in done.stdout
    assert re.search(r"\d+ ms  MAIL    > MAIL FROM:<plc7@plant.lan>\n", done.stdout)
    assert re.search(r"\d+ ms  BODY    < 250 2.0.0 OK queued as 1\n", done.stdout)
    assert "Subject: a Horse\n" in done.stdout
    assert "\nThe horse does not eat cucumber salad\n" in done.stdout


def test_a_refusal():
    done = demo("--scenario", "unknown-recipient")
    assert done.returncode == 1
    assert "NOT SENT: RCPT: 550 5.1.1 No such user\n" in done.stdout
    assert "it will never be taken like this\n" in done.stdout
    assert "no mail arrived\n" in done.stdout


def test_an_unknown_outcome():
    done = demo("--scenario", "lost-after-dot")
    assert done.returncode == 1
    assert "PERHAPS SENT: BODY: closed" in done.stdout
    assert "a Horse" in done.stdout


def test_an_unknown_scenario():
    done = demo("--scenario", "nonsense")
    assert done.returncode == 2
    assert done.stderr.startswith("alarmpost: Invalid value for --scenario: unknown scenario")
    assert done.stderr.count("\n") == 1
