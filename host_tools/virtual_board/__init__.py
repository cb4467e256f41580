"""A virtual board: the real MicroPython on a PC, with the flash, pins and network of a board."""

from host_tools.virtual_board.board import VirtualBoard, VirtualBoardError, several
from host_tools.virtual_board.cable import Cable

__all__ = ["Cable", "VirtualBoard", "VirtualBoardError", "several"]
