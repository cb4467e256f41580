"""Counts and bytes of one mail: how each is measured, and the bound that it must keep.

Heap is that of a 32-bit MicroPython, whose pointers are as wide as a board's. Every mail has one
recipient and a body of 300 octets in ASCII unless the figure says otherwise.
"""

import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

from tests.bench.board import Board, ProgramError

Value = int | str

EAGER = ("message", "dialogue", "stream", "package")
"""The modules that every mail needs, each after those that it imports; `package` is the code of
`__init__.py`."""

LAZY = ("errors", "replies", "checks", "encode", "trace")
"""The modules that are imported when they are needed, in such an order too."""

EXTRAS = {
    # module: those that it imports, beyond the above
    "secure": (),
    "tls_socket": (),
    "tls_errors": (),
    "auth": (),
    "cram_md5": (),
    "verify": (),
    "failover": (),
    "fields": (),
    "extensions": (),
    "parts": (),
    "mime": (),
}
"""What most boards do without: a module, or some, for each thing more that the client can."""

UNWANTED = ("cpython", *LAZY, *EXTRAS, "aio")
"""The modules that a plain mail does without."""

PLAIN = ("default", "no-pipelining", "split", "silent-quit")
"""Scenarios in which a plain mail meets nothing but good replies, whole and in pieces."""

PIPELINING = "silent-quit"
NO_PIPELINING = "no-pipelining; silent-quit"
TO_WAIT_IN = (PIPELINING, NO_PIPELINING)
"""Scenarios to count waits in: the reply to QUIT never comes, so waiting for it would show."""

KILO = 1024
MOST_HEAP = 256

MANY = 1000

MOST_OF_AN_EXTRA = 3 * KILO
"""Octets of heap that a module of `EXTRAS` may keep."""


@dataclass(frozen=True)
class Figure:
    """One row of the benchmark.

    measure: returns the figure
    relation: how it must compare with the bound, a key of `RELATIONS`
    bound: a value, or what measures it
    references: the figure of uMail, of CPython's smtplib, and of a client written by hand that
        can do nothing but send this one mail; "" where it is not known
    """

    name: str
    measure: Callable[[Board], Value]
    relation: str
    bound: Value | Callable[[Board], Value]
    references: tuple[str, str, str]

    def limit(self, board: Board) -> Value:
        """Return the value of the bound."""
        return self.bound(board) if callable(self.bound) else self.bound


RELATIONS = {"=": operator.eq, "<=": operator.le}


@dataclass(frozen=True)
class Result:
    """A figure, measured."""

    figure: Figure
    measured: Value
    limit: Value

    @property
    def kept(self) -> bool:
        """Tell whether the bound is kept."""
        return RELATIONS[self.figure.relation](self.measured, self.limit)

    def __str__(self) -> str:
        return f"{self.figure.name}: {self.measured}, must be {self.figure.relation} {self.limit}"


def measure(figure: Figure, board: Board) -> Result:
    """Measure one figure."""
    return Result(figure, figure.measure(board), figure.limit(board))


@cache
def calls(board: Board, scenario: str, recipients: int = 1, mails: int = 0) -> dict[str, int]:
    """Count waits, reads and writes; `mails` 0 is one by send_mail().

    Where waits count, the server must have had as many turns, so that neither count can be wrong
    by itself.
    """
    arguments = ("calls", recipients, mails)
    outcome = board.send(scenario, *arguments, mails=max(mails, 1))
    counts = json.loads(outcome.output)
    if not min(counts.values()):
        raise ProgramError(f"not everything is counted: {counts}")
    turns = outcome.sessions[0].turns
    if scenario in TO_WAIT_IN and counts["waits"] != turns:
        raise ProgramError(f"the client waited {counts['waits']} times, the server spoke {turns}")
    return counts


def waits(scenario: str = PIPELINING, **of: int) -> Callable[[Board], int]:
    """Return what counts waits for a reply; `of` are arguments of `calls`."""
    return lambda board: calls(board, scenario, **of)["waits"]


def writes(scenario: str = "default", **of: int) -> Callable[[Board], int]:
    """Return what counts writes to the socket."""
    return lambda board: calls(board, scenario, **of)["writes"]


def reads(scenario: str = "default", **of: int) -> Callable[[Board], int]:
    """Return what counts reads from the socket."""
    return lambda board: calls(board, scenario, **of)["reads"]


@cache
def heap(board: Board, case: str) -> int:
    """Return the octets of heap that a mail takes; `programs/heap.py` has the cases."""
    mails = 1 if case == "first" else 2
    return json.loads(board.send("default", "heap", case, mails=mails).output)


def heap_of(case: str) -> Callable[[Board], int]:
    """Return what measures the heap of a case."""
    return partial(heap, case=case)


@cache
def import_heap(board: Board) -> int:
    """Return the octets that `import smtp_client` keeps."""
    return board.run("imports", "smtp_client")[0]


@cache
def module_heaps(board: Board) -> dict[str, int]:
    """Return the octets that each module keeps, imported by itself."""
    found = imported(board, EAGER + LAZY)
    for name, before in EXTRAS.items():
        found[name] = imported(board, (*EAGER, *LAZY, *before, name))[name]
    whole = ("smtp_client", "smtp_client.errors", "smtp_client.checks", "asyncio")
    found["aio"] = board.run("imports", *whole, "smtp_client.aio")[-1]  # needs the real package
    return found


def imported(board: Board, names: tuple[str, ...]) -> dict[str, int]:
    """Return the octets that each of the modules keeps, imported in this order."""
    paths = [f"smtp_client.{name}" for name in names]
    return dict(zip(names, board.run("imports", *paths, folder=board.apart), strict=True))


@cache
def smallest_heap(
    board: Board, program: str = "plain", arguments: tuple[object, ...] = (), secure: bool = False
) -> int:
    """Return the smallest heap, in whole kB, in which a program can import and send."""
    fails, works = 0, MOST_HEAP
    if not sends(board, works, program, arguments, secure):
        raise ProgramError(f"a heap of {works} kB is too small")
    while works - fails > 1:
        middle = (fails + works) // 2
        if sends(board, middle, program, arguments, secure):
            works = middle
        else:
            fails = middle
    return works * KILO


def sends(
    board: Board, kilobytes: int, program: str, arguments: tuple[object, ...], secure: bool
) -> bool:
    """Tell whether a mail is sent with so much heap."""
    heap = kilobytes * KILO
    outcome = board.attempt("default", program, *arguments, heap=heap, secure=secure)
    return outcome.status == 0 and [len(session.mails) for session in outcome.sessions] == [1]


def secure_heap(board: Board) -> int:
    """Return the smallest heap that sends by STARTTLS, with a password.

    It is MicroPython's own: on this port, as on esp32, TLS takes its buffers from elsewhere.
    """
    return smallest_heap(board, "secure", ("ca.pem",), secure=True)


def attachment_heap(board: Board) -> int:
    """Return the smallest heap that sends an attachment of 1 MB."""
    return smallest_heap(board, "attach")


def attachment_growth(board: Board) -> int:
    """Return by how much the heap grows between the first kilobytes of 1 MB and the last."""
    early, late = json.loads(board.send("default", "attach").output)
    return late - early


def secure_round_trips(board: Board) -> int:
    """Return how often the server spoke to a mail by STARTTLS, with a password."""
    outcome = board.attempt(PIPELINING, "secure", "ca.pem", secure=True).checked()
    return outcome.sessions[0].turns


def growth(board: Board) -> int:
    """Return by how much the heap has grown from the tenth mail to the thousandth."""
    outcome = board.attempt("default", "many", MANY).checked()
    first, last = json.loads(outcome.output)
    return last - first


@cache
def unwanted_modules(board: Board) -> str:
    """Name the modules loaded by plain mails that have no use for them."""
    found = set()
    for scenario, slowness in product(PLAIN, (0, 20)):
        loaded = json.loads(board.send(scenario, "loaded", slowness).output)
        found |= {name.removeprefix("smtp_client.") for name in loaded}
    return " ".join(name for name in UNWANTED if name in found) or "none"


def row(
    name: str,
    measure: Callable[[Board], Value],
    relation: str,
    bound: Value | Callable[[Board], Value],
    umail: str = "",
    smtplib: str = "",
    floor: str = "",
) -> Figure:
    """Write one row of `FIGURES`."""
    return Figure(name, measure, relation, bound, (umail, smtplib, floor))


FIGURES = (
    # name, what measures it, relation, bound, references
    row("round trips, 1 recipient", waits(), "=", 4, "7", "7", "4"),
    row("round trips, 3 recipients", waits(recipients=3), "=", 4, "9", "9", "4"),
    row("... 1 recipient, no PIPELINING", waits(NO_PIPELINING), "<=", 6 + 1),
    row("... 3 recipients, no PIPELINING", waits(NO_PIPELINING, recipients=3), "<=", 6 + 3),
    *(
        row(f"... N = {mails} mails in a session", waits(mails=mails), "=", 3 + mails)
        for mails in (1, 2, 5, 20)
    ),
    row("write() calls, 1 recipient", writes(), "=", 3, "10", "6", "3"),
    row("write() calls, 3 recipients", writes(recipients=3), "=", 3, "12", "8", "3"),
    row("recv() calls", reads(), "<=", 20, "267", "7", "8"),
    row("heap, a further mail in a session", heap_of("further"), "<=", 600, "3616", "", "96"),
    row("heap, first mail and objects", heap_of("first"), "<=", 4000, "3680", "", "2336"),
    row(
        "heap, body of 100 kB in pieces",
        heap_of("large"),
        "<=",
        heap_of("small"),  # 300 octets in pieces
        *("3616", "", "2336"),
    ),
    row("heap that the import keeps", import_heap, "<=", 9000, "2288", "", "1808"),
    row("smallest heap that sends", smallest_heap, "<=", 20 * KILO, "8064", "", "6272"),
    row("round trips, STARTTLS and AUTH", secure_round_trips, "=", 8),
    row("smallest heap, STARTTLS and AUTH", secure_heap, "<=", 44 * KILO),
    row("smallest heap, attachment of 1 MB", attachment_heap, "<=", 48 * KILO),
    row("heap that grows within 1 MB", attachment_growth, "=", 0),
    row("heap that 1000 mails leave behind", growth, "=", 0),
    row("modules loaded without need", unwanted_modules, "=", "none"),
)
