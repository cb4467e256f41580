"""`alarmpost-gateway.pyz`: the check and the watch, as they run on the gateway itself."""

import argparse
import sys
from pathlib import Path

from host_tools.gateway import facts, probes
from host_tools.gateway.check import STRANGER, Target, check, report
from host_tools.gateway.results import FAIL, UNKNOWN, Result, status
from host_tools.gateway.watch import daemon

PROGRAM = "alarmpost-gateway"
IMPATIENCE = 2.0
"""Seconds for a reply while a new configuration waits to be taken back."""


def main() -> None:
    """Run a command and end with its status."""
    options = arguments().parse_args()
    try:
        known = facts.load(options.facts)
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: {error}: give the gateway.json that was rendered", file=sys.stderr)
        sys.exit(UNKNOWN)
    sys.exit(options.run(options, known))


def arguments() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(PROGRAM, description="Look after a mail gateway.")
    beside = Path(sys.argv[0]).resolve().parent / "gateway.json"
    parser.add_argument("--facts", type=Path, default=beside, help="gateway.json, as rendered")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (function, text, options) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=function)
        for option, help_text in options.items():
            command.add_argument(option, action="store_true", help=help_text)
    return parser


def run_check(options: argparse.Namespace, known: facts.Facts) -> int:
    """Check this gateway."""
    target = Target("127.0.0.1", known.port, smuggling=options.smuggling, here=True)
    results = []
    for result in check(target, known):
        results.append(result)
        if not options.json:
            print(plain(result), flush=True)
    if options.json:
        print(report(target.host, results))
    return status(results)


def run_answers(_options: argparse.Namespace, known: facts.Facts) -> int:
    """Tell whether Postfix answers, takes what it shall and refuses what it shall not."""
    try:
        results = list(answers(known))
    except OSError as error:
        print(f"no connection: {error}")
        return UNKNOWN
    for result in results:
        print(plain(result))
    return status(results)


def answers(known: facts.Facts) -> list[Result]:
    """Run the probes that a new configuration must pass before it stays; raises OSError."""
    place = probes.Place(known, "127.0.0.1", known.port, timeout=IMPATIENCE)
    stranger = probes.Place(known, "127.0.0.1", known.port, STRANGER, IMPATIENCE)
    with place.connect() as dialogue:
        if dialogue.banner.code == 0:
            raise OSError("no banner")
    allowed, foreign = (probes.run(place, probe) for probe in probes.INSIDE[:2])
    place.close()
    return [allowed, foreign, *probes.outside(stranger)]


def run_watch(options: argparse.Namespace, known: facts.Facts) -> int:
    """Run the daemon, or look once, or say what the daemon saw."""
    if options.status:
        return daemon.last(known)
    return daemon.once(known) if options.once else daemon.run(known)


def plain(result: Result) -> str:
    """Show a result in one line, with what to do in a second one."""
    text = f"{result.verdict:<5} {result.name}: {result.answer}"
    if result.verdict != FAIL:
        return text
    return f"{text} (expected: {result.expect})\n      {result.remedy}"


COMMANDS = {
    "check": (
        run_check,
        "probe this gateway",
        {"--json": "print JSON", "--smuggling": "smuggling probes, too: they send mail"},
    ),
    "answers": (run_answers, "tell whether the gateway answers as it shall", {}),
    "watch": (
        run_watch,
        "look after queue, log and boards",
        {"--once": "look once, for monitoring", "--status": "what the daemon saw last"},
    ),
}

if __name__ == "__main__":
    main()
