"""SMTP faults and power cuts together, at random points; `storm_play.py` says what must hold."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bench.board import CLIENT, FIRMWARE, compile_all
from tests.firmware import storm_play

STORMS = 13  # of each geometry


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    """The firmware, compiled."""
    folder = tmp_path_factory.mktemp("firmware")
    for package in (FIRMWARE, CLIENT, FIRMWARE / "outbox"):
        compile_all(package, folder / package.relative_to(FIRMWARE))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("geometry", ["esp32", "rp2"])
def test_no_storm_loses_or_alters_a_notice(firmware, geometry, record_property):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        stories = list(
            pool.map(lambda seed: storm_play.play(firmware, geometry, seed), range(STORMS))
        )
    wrong = {seed: storm_play.wrongs(story) for seed, story in enumerate(stories)}
    counts = sum((story.counts() for story in stories), Counter())
    record_property(
        "figure",
        f"notifier in {STORMS} storms, {geometry}: "
        + ", ".join(f"{counts[name]} {name}" for name in storm_play.COUNTED),
    )
    assert not any(wrong.values()), {seed: words for seed, words in wrong.items() if words}
    assert not [name for name, least in ENOUGH.items() if counts[name] < least], counts


# Far below what there is, so that nothing hides a storm that does not blow.
ENOUGH = {
    "notices": 400,
    "mails": 300,
    "power cuts": 60,
    "SMTP faults": 200,
    "mails of unknown outcome": 20,
    "duplicates": 15,
    "digests": 20,
    "overflows": 3,
    "parked": 30,
}
