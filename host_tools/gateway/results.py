"""What a probe or a look found: expectation, answer, verdict, remedy."""

from dataclasses import asdict, dataclass
from typing import Any

PASS, FAIL, SKIP = "pass", "FAIL", "skip"

OK, WARNING, CRITICAL, UNKNOWN = range(4)
"""Exit statuses as monitoring programs read them."""


@dataclass(frozen=True)
class Result:
    """One line of a report."""

    name: str
    expect: str
    answer: str
    verdict: str
    remedy: str = ""

    def dump(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def judged(name: str, expect: str, answer: str, good: bool, remedy: str) -> Result:
    """Return a result; the remedy is for a failure only."""
    return Result(name, expect, answer, PASS if good else FAIL, "" if good else remedy)


def skipped(name: str, expect: str, reason: str) -> Result:
    """Return a result that says nothing, and why."""
    return Result(name, expect, reason, SKIP)


def status(results: list[Result]) -> int:
    """Return the exit status: 0, 2 for a failure, 3 where nothing could be tried."""
    verdicts = {result.verdict for result in results}
    if FAIL in verdicts:
        return CRITICAL
    return OK if PASS in verdicts else UNKNOWN
