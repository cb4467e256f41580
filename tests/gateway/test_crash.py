"""Postfix dies or reloads while boards send: all mails arrive, and twice only under one name."""

from collections import Counter
from email import message_from_bytes

import pytest

from tests.gateway.boards import Board
from tests.gateway.plant import until

BOARDS, EACH = 3, 200
ALL = {f"<crash{board}.{n}@alarmpost.internal>" for board in range(BOARDS) for n in range(EACH)}
CONNECTIONS = 2
"""How many to the provider there are at a time; a mail on each may arrive twice."""

MOMENTS = (60, 200, 350)
"""How many mails have arrived when it happens; so boards are in the middle of sending."""


def power_cut(postfix):
    postfix.kill()
    postfix.start()


def master_dies(postfix):
    postfix.kill_master()
    postfix.start()


def reload(postfix):
    postfix.reload()


@pytest.mark.parametrize("happens", [power_cut, master_dies, reload])
def test_all_arrive_whatever_happens_to_postfix(chain, happens):
    port = chain.postfix.port
    boards = [Board(port, f"crash{number}", EACH) for number in range(BOARDS)]
    for moment in MOMENTS:
        chain.provider.wait(moment)
        happens(chain.postfix)
        assert chain.postfix.port == port
    counted = [board.finish() for board in boards]
    until(lambda: emptied(chain.postfix), "the queue is empty")
    copies = Counter(
        message_from_bytes(mail.content)["Message-ID"] for mail in chain.provider.mails
    )
    assert set(copies) == ALL
    assert sum(count["sent"] for count in counted) == len(ALL)
    again = sum(count["again"] for count in counted)
    assert copies.total() <= len(ALL) + again + len(MOMENTS) * CONNECTIONS


def emptied(postfix):
    """Try what waits; tell whether nothing does any more."""
    postfix.flush()
    return not postfix.queue()
