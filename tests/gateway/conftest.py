"""Gateways at work: a real Postfix between loopback and a stand-in for the provider."""

from collections.abc import Iterator

import pytest

from host_tools.gateway import trial
from tests.gateway.plant import gateway


@pytest.fixture
def chain() -> Iterator[trial.Trial]:
    """A gateway that sends by STARTTLS."""
    with trial.start(gateway()) as running:
        yield running
