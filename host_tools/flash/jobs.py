"""What may be flashed: firmware and configuration, the configuration alone, the client alone.

Each has `wanted`, the files by their paths on the board, and knows which boards to refuse, how to
plan, and how the copies in /new come to count.
"""

from collections.abc import Mapping

from host_tools import boards
from host_tools.flash import contents
from host_tools.flash.check import RefusedError, check, install, refuse_old
from host_tools.flash.contents import APP, CLIENT, LIBRARY, MAIN, UPDATE
from host_tools.flash.plan import File, Plan, hiding, make, make_folder
from host_tools.flash.session import Facts, Session
from host_tools.plant import Plant


class Firmware:
    """The firmware and the configuration, for a board of the plant."""

    def __init__(self, plant: Plant, name: str):
        self.name = name
        self.board = boards.load(plant.devices[name].board)
        self.network = self.board.network.kind
        self.remedy = install(self.board)
        self.wanted = self.contents(plant)

    def contents(self, plant: Plant) -> dict[str, bytes]:
        """Return what is wanted."""
        return contents.firmware(plant, self.name)

    def check(self, facts: Facts) -> None:
        """Refuse a board that is another one."""
        check(facts, self.board)

    def plan(self, found: Mapping[str, File], record: Mapping[str, str]) -> Plan:
        """Return what is to be done."""
        return make(self.wanted, found, record)

    def leave_main(self) -> None:
        """Let main.py be what it is."""
        self.wanted.pop(MAIN, None)

    def commit(self, session: Session) -> None:
        """Let the copies count, all at once."""
        session.copy({UPDATE: contents.update()})
        session.order(("commit",))


class Configuration(Firmware):
    """The configuration alone."""

    def contents(self, plant: Plant) -> dict[str, bytes]:
        """Return what is wanted."""
        return contents.configuration(plant, self.name)

    def plan(self, found: Mapping[str, File], record: Mapping[str, str]) -> Plan:
        """Return what is to be done; the firmware stays."""
        if APP not in record:
            raise RefusedError("the board has no alarmpost yet: flash it without --only-config")
        staying = {path: before for path, before in record.items() if path not in self.wanted}
        return make(self.wanted, found, record, staying)


class Client:
    """The SMTP client alone, in /lib, for programs of users."""

    name = "smtp_client"
    network = ""
    remedy = "the board's page at https://micropython.org/download/ tells how"

    def __init__(self):
        self.wanted = contents.client()

    def check(self, facts: Facts) -> None:
        """Refuse a board whose MicroPython is too old."""
        refuse_old(facts, self.remedy)

    def plan(self, found: Mapping[str, File], record: Mapping[str, str]) -> Plan:
        """Return what is to be done: the folder is replaced as a whole."""
        if APP in record:
            raise RefusedError("the board has the whole alarmpost: flash it without --only-client")
        if hidden := sorted(hiding({CLIENT + "__init__.mpy": b"", "smtp_client.mpy": b""}, found)):
            raise RefusedError(f"/{hidden[0]} would be imported in its place: remove it")
        return make_folder(LIBRARY + CLIENT, self.wanted, found)

    def leave_main(self) -> None:
        """There is none here."""

    def commit(self, session: Session) -> None:
        """Let the copies count: the old folder goes, the new one comes."""
        session.order(("swap", f"/{LIBRARY}{CLIENT}".rstrip("/")))
