"""`python -m host_tools.virtual_board NAME [FOLDER]`: a board for tools to connect to.

FOLDER is what is on its flash at first; without it the firmware, which has no main.py of its own.
Ctrl-C takes the power away.
"""

import sys
import time
from pathlib import Path

from host_tools import boards
from host_tools.virtual_board import VirtualBoard


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their paths in it."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def show(board: VirtualBoard) -> None:
    """Print what the board says, for ever."""
    shown = 0
    while True:
        text = board.console
        print(text[shown:].replace("\r", ""), end="", flush=True)
        shown = len(text)
        time.sleep(0.05)


def main(name: str, folder: str = "") -> None:
    """Run a board until Ctrl-C."""
    files = read_folder(Path(folder)) if folder else boards.sources(name)
    with VirtualBoard(name, files) as board:
        print(f"{board.board.title}: mpremote connect {board.port}")
        try:
            show(board)
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except (boards.BoardError, OSError, TypeError) as error:
        sys.exit(f"{error}\n\n{__doc__}")
