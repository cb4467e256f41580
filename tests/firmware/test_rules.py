"""The notifier's rules, each with all that it says to two gateways in simulated time.

A line is what was said to a gateway (a or b) at one time, in seconds: the commands, each with the
reply's code where that is not the usual one ("..." for silence, "clo" for a closed connection),
and the mail as {Message-ID, Date, "re" what it replies to, subject}. A Message-ID is the number of
a boot and that of a record in it; 1.1 is the mail about the first boot. Jitter is 0, so waits are
30 s times 1.5, doubling. The steps are methods of `programs/rules.py`.
"""

import json
import subprocess

import pytest

from host_tools import micropython
from tests.bench.board import CLIENT, FIRMWARE, compile_all

PROGRAM = FIRMWARE.parent / "tests" / "firmware" / "programs" / "rules.py"
PATIENCE = 300  # seconds after which the program counts as hung

START = ["start"]
HELLO = "CONNECT EHLO MAIL RCPT ops DATA"
RAISED = "{1.2 11:07:40 H1 RAISED 11:07:40}"
DIGEST = "{1.5 11:07:40 3 EVENTS: M1, M2, M3}"
REFUSED = "CONNECT EHLO MAIL=451 RCPT ops=503 DATA=503"


def faults(gateway, **stages):
    """Let a gateway answer otherwise: by stage, a list of replies, one for each time."""
    return ["faults", gateway, {stage.replace("_", " "): stages[stage] for stage in stages}]


def both(**stages):
    return faults("a", **stages), faults("b", **stages)


DOWN = both(CONNECT="close")
LATER = both(MAIL=["451 later"])
LOST = ["taken close"]  # the gateway has the mail; its reply is lost

CASES = {
    # the name: configuration, jitter, steps, and what is said
    "an alarm and its end are a thread": (
        {},
        0,
        [START, ["set", "H1"], ["run", 5], ["clear", "H1"], ["run", 5]],
        [
            f"0 a: {HELLO} {RAISED} QUIT",
            f"5 a: {HELLO} {{1.3 11:07:40 re 1.2 H1 CLEARED 11:07:45}} QUIT",
        ],
    ),
    "the gateway that works is kept for 900 s": (
        {},
        0,
        [
            START,
            faults("a", MAIL=["451 later"]),
            ["set", "H1"],
            ["run", 10],
            ["set", "H2"],
            ["run", 890],
            ["set", "H3"],
            ["run", 10],
        ],
        [
            f"0 a: {REFUSED} QUIT",
            f"0 b: {HELLO} {RAISED} QUIT",
            f"10 b: {HELLO} {{1.3 11:07:50 H2 RAISED 11:07:50}} QUIT",
            f"900 a: {HELLO} {{1.4 11:22:40 H3 RAISED 11:22:40}} QUIT",
        ],
    ),
    # Unknown outcomes
    "after an unknown outcome it is another time, not another gateway": (
        {},
        0,
        [START, faults("a", BODY=LOST), ["set", "H1"], ["run", 100], ["status"]],
        [f"0 a: {HELLO} {RAISED}=tak", f"45 a: {HELLO} {RAISED} QUIT", "waits: "],
    ),
    "what was refused for now after an unknown outcome stays a mail of its own": (
        {},
        0,
        [
            START,
            faults("a", BODY=LOST, MAIL=[None, "451 later"]),
            faults("b", MAIL=["451 later"]),
            ["set", "M1"],
            ["run", 31],
            ["set", "M2", "M3"],
            ["run", 300],
        ],
        [
            f"30 a: {HELLO} {{1.2 11:07:40 M1 RAISED 11:07:40}}=tak",
            f"75 a: {REFUSED} QUIT",
            f"75 b: {REFUSED}",
            "75.005 b: RSET MAIL RCPT ops DATA {1.3 11:08:11 M2 RAISED 11:08:11}",
            "75.01 b: MAIL RCPT ops DATA {1.4 11:08:11 M3 RAISED 11:08:11}",
            "75.015 b: QUIT",
            f"120 b: {HELLO} {{1.2 11:07:40 M1 RAISED 11:07:40}} QUIT",
        ],
    ),
    "a bundle stays what it is after an unknown outcome": (
        {},
        0,
        [
            START,
            faults("a", BODY=LOST, MAIL=[None, "451 later"]),
            faults("b", MAIL=["451 later"]),
            ["set", "M1", "M2", "M3"],
            ["run", 300],
        ],
        [
            f"30 a: {HELLO} {DIGEST}=tak",
            f"75 a: {REFUSED} QUIT",
            f"75 b: {REFUSED}",
            "75.005 b: QUIT",
            f"120 b: {HELLO} {DIGEST}",
            "120.005 b: QUIT",
        ],
    ),
    "a bundle stays what it is after a power cut": (
        {},
        0,
        [
            START,
            faults("a", MAIL=[None, "451 later"]),
            faults("b", MAIL=["451 later"]),
            ["set", "M1", "M2", "M3"],
            ["cut", 40, 3],
            ["boot"],
            ["clock"],
            ["set", "M1", "M2", "M3"],
            ["run", 100],
        ],
        [
            f"30 a: {HELLO} {DIGEST}",
            f"30 a: {REFUSED} QUIT",
            f"30 b: {REFUSED}",
            "30.005 b: RSET MAIL RCPT ops DATA {2.1 11:08:10 plc7 STARTED 11:08:10}",
            "30.01 b: QUIT",
            f"75 b: {HELLO} {DIGEST}",
            "75.005 b: QUIT",
        ],
    ),
    "what was mailed when the power failed is no part of a bundle, whatever the ceiling": (
        {"ceiling": 1},
        0,
        [
            START,
            ["set", "M1"],
            ["cut", 40, 1],
            ["boot"],
            ["set", "M1", "H1"],
            ["run", 1],
            ["set", "M2"],
            ["run", 62],
        ],
        [
            f"30 a: {HELLO} {{1.2 11:07:40 M1 RAISED 11:07:40}} QUIT",
            f"30 a: {HELLO} {{2.2 undated H1 RAISED}}",
            "30.005 a: QUIT",
            f"60 a: {HELLO} {{1.2 11:07:40 M1 RAISED 11:07:40}}",
            "60.005 a: MAIL RCPT ops DATA {2.1 undated plc7 STARTED}",
            "60.01 a: QUIT",
            f"61 a: {HELLO} {{2.4 undated 1 EVENTS: M2}} QUIT",
        ],
    ),
    "who has a bundle gets it once, though it is unknown whether others have it": (
        {},
        0,
        [
            START,
            faults("a", RCPT_boss=["451 later"]),
            faults("b", BODY=LOST),
            ["set", "S2"],
            ["run", 5],
            ["command", "S2", "shelve"],
            ["run", 100],
        ],
        [
            (
                "30 a: CONNECT EHLO MAIL RCPT ops RCPT boss=451 DATA "
                "{1.4 11:07:40 S2 RAISED, SHELVED 11:07:40} QUIT"
            ),
            (
                "30 b: CONNECT EHLO MAIL RCPT boss DATA "
                "{1.4 11:07:40 S2 RAISED, SHELVED 11:07:40}=tak"
            ),
            "75 b: CONNECT EHLO MAIL RCPT boss DATA {1.4 11:07:40 S2 RAISED, SHELVED 11:07:40}",
            "75.005 b: QUIT",
        ],
    ),
    "a mail that may have been sent without a Date has none later": (
        {},
        0,
        [
            ["mark"],
            faults("a", BODY=LOST),
            ["set", "H1"],
            ["run", 10],
            ["clock"],
            ["run", 10],
            ["boot"],
            ["set", "H1"],
            ["run", 1],
            ["clock"],
            ["run", 20],
        ],
        [
            f"0 a: {HELLO} {{1.2 undated H1 RAISED}}=tak",
            f"20 a: {HELLO} {{1.2 undated H1 RAISED}}",
            "20.005 a: QUIT",
            f"21 a: {HELLO} {{1.1 undated plc7 STARTED}}",
            "21.005 a: MAIL RCPT ops DATA {2.1 11:07:00 plc7 STARTED 11:07:00} QUIT",
        ],
    ),
    "the clock is set when such a mail is delivered": (
        {},
        0,
        [
            ["mark"],
            faults("a", BODY=LOST),
            ["set", "H1"],
            ["run", 10],
            ["clock"],
            ["run", 60],
            ["clock"],
            ["set", "H2"],
            ["run", 5],
        ],
        [
            f"0 a: {HELLO} {{1.2 undated H1 RAISED}}=tak",
            f"45 a: {HELLO} {{1.2 undated H1 RAISED}}",
            "45.005 a: MAIL RCPT ops DATA {1.1 undated plc7 STARTED} QUIT",
            f"70 a: {HELLO} {{1.3 11:07:50 H2 RAISED 11:07:50}} QUIT",
        ],
    ),
    # Refused for good
    "what each gateway refuses for good is parked": (
        {},
        0,
        [START, *both(MAIL=["550 no"]), ["set", "H1"], ["run", 100], ["status"]],
        [
            "0 a: CONNECT EHLO MAIL=550 RCPT ops=503 DATA=503 QUIT",
            "0 b: CONNECT EHLO MAIL=550 RCPT ops=503 DATA=503 QUIT",
            "waits: ",
            "parked: 1.2 for 1",
        ],
    ),
    "refused for good by one, for now by the other: it waits": (
        {},
        0,
        [
            START,
            faults("a", MAIL=["550 no"]),
            faults("b", MAIL=["451 later"]),
            ["set", "H1"],
            ["run", 100],
            ["status"],
        ],
        [
            "0 a: CONNECT EHLO MAIL=550 RCPT ops=503 DATA=503 QUIT",
            f"0 b: {REFUSED} QUIT",
            f"45 b: {HELLO} {RAISED} QUIT",
            "waits: ",
        ],
    ),
    "refused for good by one, the other is down: it waits": (
        {},
        0,
        [
            START,
            faults("a", MAIL=["550 no"]),
            faults("b", CONNECT=["close"]),
            ["set", "H1"],
            ["run", 100],
            ["status"],
        ],
        [
            "0 a: CONNECT EHLO MAIL=550 RCPT ops=503 DATA=503 QUIT",
            "0 b: CONNECT=clo",
            f"45 b: {HELLO} {RAISED} QUIT",
            "waits: ",
        ],
    ),
    "recipients are parked one by one, and the heartbeat tells": (
        {},
        0,
        [
            START,
            *both(RCPT_boss="550 no"),
            ["set", "A1"],
            ["run", 5],
            ["clear", "A1"],
            ["run", 5],
            ["status"],
            ["heartbeat"],
        ],
        [
            (
                "0 a: CONNECT EHLO MAIL RCPT ops RCPT boss=550 DATA "
                "{1.2 11:07:40 A1 RAISED 11:07:40} QUIT"
            ),
            "0 b: CONNECT EHLO MAIL RCPT boss=550 DATA=503 QUIT",
            (
                "5 b: CONNECT EHLO MAIL RCPT ops RCPT boss=550 DATA "
                "{1.3 11:07:40 re 1.2 A1 CLEARED 11:07:45} QUIT"
            ),
            "5 a: CONNECT EHLO MAIL RCPT boss=550 DATA=503 QUIT",
            "waits: ",
            "parked: 1.2 for 2",
            "parked: 1.3 for 2",
            f"10 a: {HELLO} {{1.4 11:07:50 plc7 ALIVE 11:07:50}} QUIT",
            "Parked: 2",
            "Refused by: boss@x.lan",
            "Waiting: 0",
            "Failures caught: 0",
        ],
    ),
    # Waiting
    "while no gateway answers all wait": (
        {},
        0,
        [START, *DOWN, ["set", "H1"], ["run", 3200]],
        [
            f"{at} {gateway}: CONNECT=clo"
            for at in (0, 45, 135, 315, 675, 1395, 2295, 3195)
            for gateway in "ab"
        ],
    ),
    "the longest waits": (
        {},
        255,
        [START, *DOWN, ["set", "H1"], ["run", 3000]],
        [
            f"{at} {gateway}: CONNECT=clo"
            for at in (0, 74.882, 224.647, 524.178, 1123.24, 2023.24, 2923.24)
            for gateway in "ab"
        ],
    ),
    "a link that is back ends a wait": (
        {},
        0,
        [
            START,
            *DOWN,
            ["set", "H1"],
            ["run", 150],
            ["link", False],
            ["run", 10],
            ["link", True],
            ["run", 60],
        ],
        [f"{at} {gateway}: CONNECT=clo" for at in (0, 45, 135, 160, 205) for gateway in "ab"],
    ),
    "a new high alarm ends a wait, another one does not": (
        {},
        0,
        [
            START,
            *DOWN,
            ["set", "M1"],
            ["run", 150],
            ["set", "M2"],
            ["run", 60],
            ["set", "H1"],
            ["run", 50],
        ],
        [f"{at} {gateway}: CONNECT=clo" for at in (30, 75, 165, 210, 255) for gateway in "ab"],
    ),
    "a mail that is refused for now lets others go, but not what follows it": (
        {},
        0,
        [
            START,
            *both(RCPT_boss=["451 later"] * 3),
            ["set", "A1"],
            ["run", 1],
            ["clear", "A1"],
            ["run", 1],
            ["set", "H1"],
            ["run", 100],
            ["status"],
        ],
        [
            (
                "0 a: CONNECT EHLO MAIL RCPT ops RCPT boss=451 DATA "
                "{1.2 11:07:40 A1 RAISED 11:07:40} QUIT"
            ),
            "0 b: CONNECT EHLO MAIL RCPT boss=451 DATA=503 QUIT",
            # A1's end is high and new: it ends the wait
            "1 b: CONNECT EHLO MAIL RCPT boss=451 DATA=503 QUIT",
            "1 a: CONNECT EHLO MAIL RCPT boss=451 DATA=503",
            "1.005 a: RSET MAIL RCPT ops DATA {1.3 11:07:40 re 1.2 A1 CLEARED 11:07:41}",
            "1.01 a: QUIT",
            # and so does H1
            "2 a: CONNECT EHLO MAIL RCPT boss=451 DATA=503 QUIT",
            "2 b: CONNECT EHLO MAIL RCPT boss=451 DATA=503",
            "2.005 b: RSET MAIL RCPT ops DATA {1.4 11:07:42 H1 RAISED 11:07:42}",
            "2.01 b: QUIT",
            "47 b: CONNECT EHLO MAIL RCPT boss DATA {1.2 11:07:40 A1 RAISED 11:07:40}",
            "47.005 b: MAIL RCPT boss DATA {1.3 11:07:40 re 1.2 A1 CLEARED 11:07:41} QUIT",
            "waits: ",
        ],
    ),
    "a bundle that is refused for now waits, too": (
        {},
        0,
        [START, *LATER, ["set", "M1", "M2", "M3"], ["run", 300]],
        [
            f"30 a: {REFUSED} QUIT",
            f"30 b: {REFUSED}",
            "30.005 b: QUIT",
            f"75 b: {HELLO} {DIGEST}",
            "75.005 b: QUIT",
        ],
    ),
    # Order
    "a bundle ends before what follows something that waits": (
        {},
        0,
        [
            START,
            *LATER,
            ["set", "S2"],
            ["run", 31],
            ["set", "M1", "M2"],
            ["clear", "S2"],
            ["run", 135],
        ],
        [
            "30 a: CONNECT EHLO MAIL=451 RCPT ops=503 RCPT boss=503 DATA=503 QUIT",
            "30 b: CONNECT EHLO MAIL=451 RCPT ops=503 RCPT boss=503 DATA=503 QUIT",
            f"61 b: {HELLO} {{1.6 11:08:11 2 EVENTS: M1, M2}}",
            "61.005 b: QUIT",
            "75 b: CONNECT EHLO MAIL RCPT ops RCPT boss DATA {1.2 11:07:40 S2 RAISED 11:07:40}",
            "75.005 b: MAIL RCPT ops DATA {1.5 11:07:40 re 1.2 S2 CLEARED 11:08:11} QUIT",
        ],
    ),
    "where such a one is the oldest there is no bundle": (
        {},
        0,
        [
            START,
            *LATER,
            ["set", "S2"],
            ["run", 31],
            ["clear", "S2"],
            ["set", "M1", "M2"],
            ["run", 135],
        ],
        [
            "30 a: CONNECT EHLO MAIL=451 RCPT ops=503 RCPT boss=503 DATA=503 QUIT",
            "30 b: CONNECT EHLO MAIL=451 RCPT ops=503 RCPT boss=503 DATA=503 QUIT",
            f"61 b: {HELLO} {{1.4 11:08:11 M1 RAISED 11:08:11}}",
            "61.005 b: MAIL RCPT ops DATA {1.5 11:08:11 M2 RAISED 11:08:11}",
            "61.01 b: QUIT",
            "75 b: CONNECT EHLO MAIL RCPT ops RCPT boss DATA {1.2 11:07:40 S2 RAISED 11:07:40}",
            "75.005 b: MAIL RCPT ops DATA {1.3 11:07:40 re 1.2 S2 CLEARED 11:08:11} QUIT",
        ],
    ),
    # Threads to bundles
    "what follows a bundle is in its thread": (
        {},
        0,
        [START, ["set", "M1", "M2", "M3"], ["run", 40], ["clear", "M1"], ["run", 40]],
        [
            f"30 a: {HELLO} {DIGEST}",
            "30.005 a: QUIT",
            f"70 a: {HELLO} {{1.6 11:07:40 re 1.5 M1 CLEARED 11:08:20}} QUIT",
        ],
    ),
    "what waited meanwhile is in its thread, too": (
        {},
        0,
        [
            START,
            *both(RCPT_boss="550 no"),
            ["set", "S2", "S3"],
            ["run", 10],
            ["clear", "S2"],
            ["run", 60],
        ],
        [
            (
                "30 a: CONNECT EHLO MAIL RCPT ops RCPT boss=550 DATA "
                "{1.5 11:07:40 2 EVENTS: S2, S3} QUIT"
            ),
            "30 b: CONNECT EHLO MAIL RCPT boss=550 DATA=503",
            "30.005 b: QUIT",
            f"40 b: {HELLO} {{1.4 11:07:40 re 1.5 S2 CLEARED 11:07:50}} QUIT",
        ],
    ),
    # Faults of ours
    "a damaged record does not stop others": (
        {},
        0,
        [START, ["set", "M1"], ["set", "M2"], ["damage"], ["run", 60], ["status"]],
        [f"30 a: {HELLO} {{1.3 11:07:40 M2 RAISED 11:07:40}} QUIT", "waits: "],
    ),
    "what cannot be rendered is parked, and does not stop others": (
        {},
        0,
        [
            START,
            ["break", "H1"],
            ["set", "H1"],
            ["run", 1],
            ["set", "M1"],
            ["run", 200],
            ["status"],
            ["heartbeat"],
        ],
        [
            f"135.005 a: {HELLO} {{1.3 11:07:41 M1 RAISED 11:07:41}} QUIT",
            "waits: ",
            "parked: 1.2 for 1",
            f"201 a: {HELLO} {{1.4 11:11:01 plc7 ALIVE 11:11:01}} QUIT",
            "Parked: 1",
            "Refused by: ops@x.lan",
            "Waiting: 0",
            "Failures caught: 3",
        ],
    ),
}

FAILURES = {
    # stage, reply: what is said to the first gateway, and when the next one gets the mail
    ("CONNECT", "close"): ("CONNECT=clo", 0),
    ("CONNECT", "421 busy"): ("CONNECT=421", 0),
    ("CONNECT", "554 no"): ("CONNECT=554", 0),
    ("CONNECT", ""): ("CONNECT=...", 30),
    ("EHLO", "451 later"): ("CONNECT EHLO=451", 0),
    ("EHLO", "close"): ("CONNECT EHLO=clo", 0),
    ("MAIL", "451 later"): (f"{REFUSED} QUIT", 0),
    ("MAIL", "550 no"): ("CONNECT EHLO MAIL=550 RCPT ops=503 DATA=503 QUIT", 0),
    ("MAIL", "421 end"): ("CONNECT EHLO MAIL=421 RCPT ops=503 DATA=503", 0),
    ("MAIL", "close"): ("CONNECT EHLO MAIL=clo", 0),
    ("RCPT", "451 later"): ("CONNECT EHLO MAIL RCPT ops=451 DATA=503 QUIT", 0),
    ("RCPT", "550 no"): ("CONNECT EHLO MAIL RCPT ops=550 DATA=503 QUIT", 0),
    ("RCPT", "close"): ("CONNECT EHLO MAIL RCPT ops=clo", 0),
    ("DATA", "451 later"): ("CONNECT EHLO MAIL RCPT ops DATA=451 QUIT", 0),
    ("DATA", ""): ("CONNECT EHLO MAIL RCPT ops DATA=...", 30),
    ("BODY", "451 later"): (f"{HELLO} {RAISED}=451 QUIT", 0),
    ("BODY", "421 end"): (f"{HELLO} {RAISED}=421 QUIT", 0),
    ("BODY", "554 no"): (f"{HELLO} {RAISED}=554 QUIT", 0),
}
for (stage, reply), (heard, at) in FAILURES.items():
    CASES[f"next gateway: {stage} {reply or 'silence'}"] = (
        {},
        0,
        [START, faults("a", **{stage: [reply]}), ["set", "H1"], ["run", 100]],
        [f"0 a: {heard}", f"{at} b: {HELLO} {RAISED} QUIT"],
    )


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    """A folder with the firmware, compiled."""
    folder = tmp_path_factory.mktemp("firmware")
    for package in (FIRMWARE, CLIENT, FIRMWARE / "outbox"):
        compile_all(package, folder / package.relative_to(FIRMWARE))
    return folder


def said(firmware, *case):
    """Return what is said in a case."""
    done = subprocess.run(
        [micropython.find(64), "-X", "heapsize=1m", str(PROGRAM), str(firmware)],
        input=json.dumps({"it": case}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout.splitlines()[-1])["it"]


@pytest.mark.parametrize("name", CASES)
def test_rule(firmware, name):
    *case, expected = CASES[name]
    assert said(firmware, *case) == expected
