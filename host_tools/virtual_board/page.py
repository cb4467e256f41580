"""The supervisor's view of the hardware page; `device/layout.py` says what is on it."""

import mmap
from pathlib import Path

from host_tools.virtual_board.device import layout

CODES = {1: "B", 2: "H", 4: "I", 8: "q"}


class Page:
    """The page as attributes: integers, or memoryviews of several."""

    def __init__(self, path: Path):
        path.write_bytes(bytes(layout.SIZE))
        with path.open("r+b") as file:
            self.__dict__["_memory"] = mmap.mmap(file.fileno(), layout.SIZE)
        whole = memoryview(self._memory)
        self.__dict__["_views"] = views = [whole]
        self.__dict__["_fields"] = fields = {}
        for name, octets, count, at in layout.offsets():
            part = whole[at : at + octets * count]
            fields[name] = part.cast(CODES[octets])  # pyright: ignore[reportCallIssue, reportArgumentType]
            views.extend((part, fields[name]))

    def __getattr__(self, name: str):
        field = self._fields[name]
        return field[0] if len(field) == 1 else field

    def __setattr__(self, name: str, value: int) -> None:
        self._fields[name][0] = value

    def fill(self, name: str, value: int = 0) -> None:
        """Set every item of a field."""
        field = self._fields[name]
        for index in range(len(field)):
            field[index] = value

    def put(self, name: str, data: bytes) -> None:
        """Set a field of octets; what is beyond `data` becomes 0."""
        field = self._fields[name]
        field[:] = data.ljust(len(field), b"\0")

    def close(self) -> None:
        """Let go of the memory."""
        self._fields.clear()
        while self._views:
            self._views.pop().release()
        self._memory.close()
