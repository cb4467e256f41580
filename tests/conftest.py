"""The order of all tests: what takes long begins first, shared out among the workers."""

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin each worker's share with some of the slow tests.

    pytest-xdist with --dist worksteal gives each worker one part of the list, in order; whoever is
    done takes from the end of another's. So no core waits in the end for one that has begun late.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = []
    for at in range(workers):
        items += slow[at::workers]
        items += quick[len(quick) * at // workers : len(quick) * (at + 1) // workers]
