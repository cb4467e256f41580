"""What one mail costs, in counts and bytes, keeps its bounds; `tests/bench` has the table."""

from collections.abc import Iterator

import pytest

from tests.bench.board import Board, make_board
from tests.bench.figures import (
    EAGER,
    EXTRAS,
    FIGURES,
    LAZY,
    MOST_OF_AN_EXTRA,
    Figure,
    measure,
    module_heaps,
)


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    """The compiled client and a 32-bit MicroPython; a missing one is an error, not a skip."""
    with make_board() as board:
        yield board


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_the_bound_is_kept(board: Board, figure: Figure) -> None:
    result = measure(figure, board)
    assert result.kept, str(result)


def test_every_module_of_the_client_is_measured(board: Board) -> None:
    compiled = {path.stem for path in (board.apart / "smtp_client").glob("*.mpy")}
    assert compiled == {*EAGER, *LAZY, *EXTRAS, "aio"}
    assert min(module_heaps(board).values()) > 0


@pytest.mark.parametrize("name", [*EXTRAS, "aio"])
def test_an_extra_keeps_little_heap(board: Board, name: str) -> None:
    assert module_heaps(board)[name] <= MOST_OF_AN_EXTRA
