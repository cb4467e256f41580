"""`alarmpost demo`, as a person starts it."""

import os
import pty
import re
import subprocess
import sys

import pytest

from host_tools.micropython import ROOT

COMMAND = [sys.executable, "-m", "host_tools.cli", "demo"]
WHOLE = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}


def demo(*args):
    """Run the demo in a pipe and return it."""
    return subprocess.run(
        [*COMMAND, *args],
        cwd=ROOT,
        env=WHOLE,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def joined(output):
    """Return the output without the line breaks that its width makes."""
    return re.sub(r"\s+", " ", output)


def test_tells_and_checks_the_whole_story():
    done = demo()
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout
    words = joined(done.stdout)
    in_order = (
        "ready: plc7",
        "gateway has mail 1: [SAMPLE] plc7 STARTED",
        "you close DI1",
        "info PUMP_1 RAISE, occurrence 1",
        "PUMP_1 RAISE, when the gateway was asked",
        "Subject: [SAMPLE high] PUMP_1 overload RAISED",
        "What to do: Reset the motor protection.",
        "warning link: no link",
        "octets: TANK_1 RAISE",
        "you switch the power off and on",
        "you plug the cable in",
        "gateway has mail 3: [SAMPLE high] TANK_1 level high RAISED",
        "gateway has mail 5: [SAMPLE high] COOLER_1 failed RAISED",
        "board (power cut)",
        "octets: COOLER_1 RAISE; not ticked off",
        "gateway has mail 6: [SAMPLE high] COOLER_1 failed RAISED",
        "Message-ID: <",
        "Checked while you watched",
        "ok TANK_1: still on flash after the power failure",
        "ok TANK_1: no mail while the cable is out",
        "ok TANK_1: the gateway has it once",
        "ok TANK_1: not repeated after the start",
        "ok COOLER_1: the same Message-ID",
    )
    places = [words.find(part) for part in in_order]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("scenario", "mails", "line"),
    [
        (
            "unknown-recipient",
            0,
            r"the board mails that it has started \(the board says: .*RCPT: 550 5.1.1 No such.*\)",
        ),
        (
            "BANNER@6=554 Go away",
            4,
            r"the mail about COOLER_1 reaches the gateway \(the board says: .*554 Go away.*\)",
        ),
    ],
)
def test_says_in_one_line_what_did_not_happen(scenario, mails, line):
    done = demo("--scenario", scenario)
    assert done.returncode == 1
    assert re.fullmatch(f"alarmpost: demo: did not happen: {line}\n", done.stderr)
    assert len(re.findall("gateway has (?:mail|it) ", joined(done.stdout))) == mails
    assert "Checked while you watched" not in done.stdout


def test_an_unknown_scenario():
    done = demo("--scenario", "nonsense")
    assert done.returncode == 2
    assert done.stderr.startswith("alarmpost: Invalid value for --scenario: unknown scenario")
    assert done.stderr.count("\n") == 1


def test_a_terminal_that_is_closed_ends_it(tmp_path):
    """The board and its files go, too."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *COMMAND],
        cwd=ROOT,
        env={**WHOLE, "TMPDIR": str(tmp_path)},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    while b"ready: plc7" not in shown:
        shown += os.read(master, 4096)
    assert b"\x1b[" in shown
    os.close(master)
    assert process.wait(30) != 0
    assert list(tmp_path.iterdir()) == []
