"""What goes wrong at the provider and at the gateway: nothing is lost, nothing multiplies."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from email import message_from_bytes

import pytest

from host_tools.gateway import trial
from host_tools.gateway.authority import Authority
from host_tools.gateway.provider import Faults
from host_tools.gateway.render import facts_of
from host_tools.gateway.results import CRITICAL, OK
from host_tools.gateway.watch.daemon import Watch
from tests.gateway.boards import Board
from tests.gateway.plant import gateway, until

ALARMS = 3
HOUR = 3600


@dataclass
class Fault:
    """A fault: how to make it and to mend it, what mail says that waits, what the watch says."""

    make: Callable[[trial.Trial], None]
    reason: str
    finding: str
    urgent: bool = True
    mend: Callable[[trial.Trial], None] = lambda chain: None


def answer(**faults: str) -> Callable[[trial.Trial], None]:
    """Return what makes the provider answer so."""

    def make(chain: trial.Trial) -> None:
        chain.provider.faults = Faults(**faults)

    return make


def mend_provider(chain: trial.Trial) -> None:
    chain.provider.faults = Faults()


def wrong_name(chain: trial.Trial) -> None:
    chain.provider.context = chain.authority.server("elsewhere.example")


def right_name(chain: trial.Trial) -> None:
    chain.provider.context = chain.authority.server("localhost")


def other_authority(chain: trial.Trial) -> None:
    other = Authority(chain.postfix.folder)
    chain.postfix.adopt(ca_file=str(other.ca_file))


def right_authority(chain: trial.Trial) -> None:
    chain.postfix.adopt(ca_file=str(chain.authority.ca_file))


PASSWORD = "the provider refuses the password"
CERTIFICATE = "the provider's certificate is not the right one"
SENDER = "the provider refuses the sender"
REFUSES = "the provider refuses the mail for good"
PUTS_OFF = "the provider puts the mail off"
AWAY = "the provider cannot be reached"

FAULTS = {
    "down": Fault(
        lambda chain: chain.provider.stop(), "Connection refused", AWAY, False,
        lambda chain: chain.provider.start(),
    ),
    "wrong password": Fault(
        answer(password="another"), "535 5.7.8", PASSWORD, mend=mend_provider
    ),
    "certificate for another name": Fault(
        wrong_name, "Server certificate not verified", CERTIFICATE, mend=right_name
    ),
    "certificate of another authority": Fault(
        other_authority, "Server certificate not verified", CERTIFICATE, mend=right_authority
    ),
    "451": Fault(answer(data="451 4.3.0 later"), "451 4.3.0", PUTS_OFF, False, mend_provider),
    "550": Fault(answer(rcpt="550 5.1.1 no such user"), "550 5.1.1", REFUSES, mend=mend_provider),
    "553": Fault(
        answer(sender="somebody@else.example"), "553 5.7.1", SENDER, mend=mend_provider
    ),
    "552": Fault(answer(data="552 5.2.2 over quota"), "552 5.2.2", REFUSES, mend=mend_provider),
}  # fmt: skip


@contextmanager
def watch_of(chain: trial.Trial, **changes) -> Iterator[Watch]:
    """Watch a running gateway."""
    postfix = chain.postfix
    known = facts_of(postfix.gateway, postfix.system, postfix.port)
    known = replace(known, watch=replace(known.watch, **changes))
    with closing(Watch(known, tell=lambda severity, text: None)) as watch:
        yield watch


def waiting(chain: trial.Trial) -> list[str]:
    """Return the reasons of the mails that were tried, once all alarms were."""
    reasons = [
        to["delay_reason"]
        for mail in chain.postfix.queue()
        for to in mail["recipients"]
        if to.get("delay_reason")
    ]
    return reasons if len(reasons) >= ALARMS else []


@pytest.mark.parametrize("name", FAULTS)
def test_mail_waits_is_told_of_and_arrives_after_the_repair(chain, name):
    with watch_of(chain) as watch:
        fail_and_mend(chain, watch, FAULTS[name])


def fail_and_mend(chain: trial.Trial, watch: Watch, fault: Fault) -> None:
    fault.make(chain)
    Board(chain.postfix.port, "fault", ALARMS).finish()
    reasons = until(lambda: waiting(chain), "all mails have been tried")
    assert all(fault.reason in reason for reason in reasons)

    seen = watch.look()
    assert seen["queue"]["count"] == ALARMS
    texts = [finding["text"] for finding in seen["findings"]]
    assert any(text.startswith(fault.finding) for text in texts) == fault.urgent
    assert seen["status"] == (CRITICAL if fault.urgent else OK)
    later = watch.look(seen["time"] + HOUR)
    assert later["status"] == CRITICAL
    assert any(finding["text"].startswith(fault.finding) for finding in later["findings"])

    assert chain.provider.mails == []
    fault.mend(chain)
    chain.postfix.flush()
    mails = chain.provider.wait(ALARMS)
    until(lambda: not chain.postfix.queue(), "the queue is empty")
    identities = sorted(message_from_bytes(mail.content)["Message-ID"] for mail in mails)
    assert identities == [f"<fault.{number}@alarmpost.internal>" for number in range(ALARMS)]
    assert len(chain.provider.mails) == ALARMS
    assert watch.look()["status"] == OK


def test_a_full_disk_leaves_the_mail_with_the_board(chain):
    chain.postfix.extra = "queue_minfree = 1000000000000\nmessage_size_limit = 100000\n"
    chain.postfix.reload()
    board = Board(chain.postfix.port, "disk", ALARMS, each=True)
    until(lambda: "452 4.3.1 Insufficient system storage" in chain.postfix.log, "it is refused")
    with watch_of(chain, free_space=10**15) as watch:
        seen = watch.look()
    kinds = [finding["kind"] for finding in seen["findings"]]
    assert kinds == ["disk", "refused 127.0.0.1"]
    assert "452 4.3.1 Insufficient system storage" in seen["findings"][1]["text"]
    chain.postfix.extra = ""
    chain.postfix.reload()
    assert board.finish()["again"] > 0
    chain.provider.wait(ALARMS)
    until(lambda: not chain.postfix.queue(), "the queue is empty")
    assert len(chain.provider.mails) == ALARMS


def test_a_board_above_its_rate_is_put_off_and_loses_nothing():
    with trial.start(gateway({"gateway.limits.mails_per_minute": 2})) as chain:
        chain.postfix.extra = "anvil_rate_time_unit = 1s\n"
        chain.postfix.reload()
        counted = Board(chain.postfix.port, "rate", 5).finish()
        assert counted["again"] > 0
        assert len(chain.provider.wait(5)) == 5
        with watch_of(chain) as watch:
            (finding,) = watch.look()["findings"]
    assert finding["kind"] == "refused 127.0.0.1"
    assert "450 4.7.1" in finding["text"] or "limit exceeded" in finding["text"]


GIVE_UP = "maximal_queue_lifetime = 0\nbounce_queue_lifetime = 0\n"


def test_what_is_given_up_goes_to_the_operator_once(chain):
    chain.postfix.extra = GIVE_UP
    chain.postfix.reload()
    chain.provider.faults = Faults(refused_recipient="ops@example.com")
    Board(chain.postfix.port, "lost", ALARMS).finish()
    mails = chain.provider.wait(ALARMS)
    until(lambda: not chain.postfix.queue(), "the queue is empty")
    assert [(mail.sender, mail.recipients) for mail in mails] == [
        ("<>", ["operator@example.com"])
    ] * ALARMS
    assert all(b"PUMP_" in mail.content for mail in mails)
    with watch_of(chain) as watch:
        findings = watch.look()["findings"]
    assert [finding["kind"] for finding in findings] == ["given up"]
    assert findings[0]["text"].startswith(f"{ALARMS} mails were given up")


def test_what_nobody_takes_does_not_multiply(chain):
    chain.postfix.extra = GIVE_UP
    chain.postfix.reload()
    chain.provider.faults = Faults(rcpt="550 5.1.1 no such user")
    Board(chain.postfix.port, "storm", ALARMS).finish()
    until(lambda: chain.postfix.log.count("status=expired") >= ALARMS, "all are given up")
    until(lambda: not chain.postfix.queue(), "the queue is empty")
    assert chain.provider.attempts <= 2 * ALARMS  # each alarm, and the report of it
    assert chain.provider.mails == []
    with watch_of(chain) as watch:
        assert watch.look()["findings"][0]["kind"] == "given up"
