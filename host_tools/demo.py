"""`alarmpost demo`: an alarm, a pulled cable and a power cut, told while they happen."""

import signal
import sys
import time
from typing import Annotated

import typer
from rich.console import Console

from host_tools import boards, micropython
from host_tools.fake_smtp import Mail, find_scenario
from host_tools.workbench import ENDS, Workbench
from host_tools.workbench.sample import sample
from host_tools.workbench.story import Story, StoryError, subject

BOARD = "VIRTUAL"
STOPPED = 130  # the exit status after Ctrl-C


def demo(
    scenario: Annotated[
        str,
        typer.Option(help="What the gateway does; see alarmpost fake-smtp --list-scenarios."),
    ] = "default",
) -> int:
    """Show an alarm, a pulled cable and a power cut on a virtual board, and check each of them.

    The board is the firmware under the real MicroPython; the gateway is a part of the demo.

    Exit status 0: all happened as told. 1: the last line says what did not.
    """
    try:
        find_scenario(scenario)
        micropython.find()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from None
    except micropython.MissingError as error:
        raise typer.BadParameter(str(error), param_hint="MicroPython") from None
    for number in ENDS:
        signal.signal(number, signal.default_int_handler)
    try:
        tell(Story(Console(highlight=False, emoji=False, markup=False)), scenario)
    except StoryError as error:
        print(f"alarmpost: demo: did not happen: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return STOPPED
    return 0


def tell(story: Story, scenario: str) -> None:
    """Tell the whole story."""
    board = boards.load(BOARD)
    bench = Workbench(BOARD, sample(board), scenario, heard=story.heard, watch=story.watch)
    story.bench = bench
    with bench:
        for chapter in CHAPTERS:
            chapter(story, bench)
    story.summary()


def power_on(story: Story, bench: Workbench) -> None:
    """Let the board start and mail that it has."""
    story.chapter(
        "A board gets power",
        "It runs the firmware under the real MicroPython, with a flash of its own. Its inputs, "
        "its cable and the mail gateway are made by this program.",
    )
    bench.board.power_on()
    story.hear("info ready: ", "the board starts")
    story.hear("STARTED.*: sent to 1", "the board mails that it has started")
    receive(story, bench.gateway.mails[-1])
    story.check("the board starts and says so by mail", True)


def press(story: Story, bench: Workbench) -> None:
    """Let an alarm be mailed."""
    story.chapter(
        "1  An input is pressed",
        "The motor protection of a pump trips. The alarm goes to flash, then to the gateway.",
    )
    story.act("close DI1, the contact of PUMP_1")
    start = time.monotonic()
    bench.wiring.contact("PUMP_1").set(True)
    deliver(story, "PUMP_1")
    took = 1000 * (time.monotonic() - start)
    waited = story.at_mail.waits("PUMP_1")
    story.check("PUMP_1: on flash before the gateway was asked", waited is not None)
    story.tell("flash", f"{waited}, when the gateway was asked")
    mail = story.mail("PUMP_1")
    story.tell("gateway", f"has it {took:.0f} ms after the contact closed. The operator reads:")
    story.show(mail)
    story.check_delivered("PUMP_1")


def pull(story: Story, bench: Workbench) -> None:
    """Let an alarm wait for the cable, and outlive a power failure meanwhile."""
    story.chapter(
        "2  The cable is pulled out, and the power fails",
        "An alarm without a network waits on flash. It leaves when the cable is back, once.",
    )
    story.act("pull the cable out")
    bench.board.cable.pull()
    story.hear("link: no link", "the board notices")
    story.act("close DI2, the float of TANK_1")
    bench.wiring.contact("TANK_1").set(True)
    story.hear("TANK_1 RAISE", "the board notices the alarm")
    waits = bench.flash().waits("TANK_1")
    story.check("TANK_1: on flash while the cable is out", waits is not None)
    story.tell("flash", str(waits))
    story.act("switch the power off and on")
    bench.board.power_off()
    bench.board.power_on()
    story.hear("info ready: ", "the board starts again")
    waits = bench.flash().waits("TANK_1")
    story.check("TANK_1: still on flash after the power failure", waits is not None)
    story.check("TANK_1: no mail while the cable is out", not story.mails("TANK_1"))
    story.act("plug the cable in")
    bench.board.cable.plug()
    deliver(story, "TANK_1")
    receive(story, story.mail("TANK_1"))
    story.hear("STARTED.*: sent to 1", "the board mails that it has started again")
    story.check_delivered("TANK_1")
    story.check("TANK_1: not repeated after the start", len(story.mails("TANK_1")) == 1)


def cut(story: Story, bench: Workbench) -> None:
    """Let the power fail when the gateway has a mail that the board has not ticked off."""
    story.chapter(
        "3  The power fails while a mail is delivered",
        "The worst moment: the gateway has the mail, and the board is about to tick it off on "
        "flash. The power fails in the middle of that write.",
    )
    story.act("close DI3, the fault contact of COOLER_1")
    story.cut_power_at("COOLER_1")
    bench.wiring.contact("COOLER_1").set(True)
    deliver(story, "COOLER_1")
    receive(story, story.mail("COOLER_1"))
    story.lose_power()
    waits = bench.flash().waits("COOLER_1")
    story.check("COOLER_1: still on flash after the power cut", waits is not None)
    story.tell("flash", f"{waits}; not ticked off")
    story.act("switch the power on; the board cannot know whether the mail went out")
    bench.board.power_on()
    deliver(story, "COOLER_1")
    compare(story, story.mails("COOLER_1"))
    story.check_delivered("COOLER_1")


def compare(story: Story, mails: list[Mail]) -> None:
    """Check that a mail was repeated, so that everybody can tell."""
    story.check("COOLER_1: repeated once", len(mails) == 2)
    first, second = mails
    receive(story, second)
    for name in ("Message-ID", "Date"):
        value = second.message[name]
        story.check(f"COOLER_1: the same {name}", value == first.message[name])
        story.tell("", f"{name}: {value}, as in mail {first.number}")
    story.tell(
        "",
        "The gateway has it twice, which is better than never. Mail stores that drop repeats "
        "by their Message-ID show it once; elsewhere it is plainly the same mail.",
    )


CHAPTERS = (power_on, press, pull, cut)


def deliver(story: Story, tag: str) -> None:
    """Wait until the board has been told that the gateway has its mail about an alarm."""
    story.hear(f"{tag} .*: sent to 1", f"the mail about {tag} reaches the gateway")


def receive(story: Story, mail: Mail) -> None:
    """Tell that the gateway has a mail."""
    story.tell("gateway", f"has mail {mail.number}: {subject(mail)}")
