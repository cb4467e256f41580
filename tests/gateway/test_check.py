"""The check: ours passes whole, others fail by name; and it leaves no mail behind."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from host_tools.gateway import check as module
from host_tools.gateway import trial
from host_tools.gateway.authority import Authority
from host_tools.gateway.check import Target, check
from host_tools.gateway.facts import Facts
from host_tools.gateway.postfix import private_folder
from host_tools.gateway.probes import Place, inside
from host_tools.gateway.provider import PASSWORD, Faults, Provider
from host_tools.gateway.render import facts_of
from host_tools.gateway.results import CRITICAL, FAIL, OK, PASS, SKIP, UNKNOWN, status
from host_tools.micropython import ROOT
from tests.gateway.boards import Board
from tests.gateway.other import ARTICLE, AS_WRITTEN, OPEN, Other
from tests.gateway.plant import gateway, need, until

PROBES, LOOKS = 27, 6


def facts(postfix):
    return facts_of(postfix.gateway, postfix.system, postfix.port)


def run(postfix, smuggling=False, here=True):
    target = Target("127.0.0.1", postfix.port, smuggling=smuggling, here=here)
    return list(check(target, facts(postfix)))


def named(results, verdict):
    return [result.name for result in results if result.verdict == verdict]


@contextmanager
def other(text, **attributes):
    """Run a gateway that is configured in another way."""
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        authority = Authority(folder)
        provider = stack.enter_context(Provider(authority.server("localhost")))
        model = trial.on_loopback(gateway(), provider, authority)
        postfix = Other(folder / "postfix", model, PASSWORD)
        postfix.text = text
        for name, value in attributes.items():
            setattr(postfix, name, value)
        yield stack.enter_context(postfix), provider


def test_ours_passes_everything(chain):
    results = run(chain.postfix)
    assert named(results, FAIL) == named(results, SKIP) == []
    assert len(named(results, PASS)) == PROBES + LOOKS
    assert status(results) == OK
    assert chain.postfix.queue() == []
    assert chain.provider.mails == []


def test_no_mail_can_hide_in_another(chain):
    results = run(chain.postfix, smuggling=True)
    assert named(results, FAIL) == []
    smuggled = [result for result in results if result.name.startswith("smuggling")]
    assert [result.answer for result in smuggled] == ["1 queued"] * 6
    assert len(chain.provider.wait(6)) == 6


UNGUARDED = """\
smtpd_forbid_bare_newline = no
smtpd_forbid_unauth_pipelining = no
smtpd_data_restrictions =
"""


def test_one_that_lets_mail_hide_is_found(chain):
    chain.postfix.extra = UNGUARDED
    chain.postfix.reload()
    failed = named(run(chain.postfix, smuggling=True), FAIL)
    assert failed[0] == "dialogue in one write"
    assert "smuggling LF.LF" in failed


def test_the_article_as_it_is_written_takes_no_mail_at_all():
    with other(ARTICLE, networks=AS_WRITTEN) as (postfix, _):
        results = run(postfix)
    (mail,) = [result for result in results if result.name == "allowed mail"]
    assert (mail.verdict, mail.answer[:3]) == (FAIL, "451")


def test_the_article_as_it_was_meant_fails_where_it_is_unsafe():
    with other(ARTICLE) as (postfix, provider):
        results = run(postfix)
        assert postfix.queue() == []
        assert provider.mails == []
    assert named(results, FAIL) == [
        "EHLO keywords",
        "foreign recipient",
        "neighbour of a recipient",
        "recipient a%b@host",
        "recipient @host:a@b",
        "recipient root@[address]",
        "recipient root",
        "foreign sender",
        "empty sender",
        "sender without domain",
        "ETRN",
        "BDAT",
        "announced size",
        "recipient number 31",
        "dialogue in one write",
        "outside: connect",
        "outside: any command",
        "outside: RCPT TO:<postmaster>",
        "outside: relaying",
    ]
    assert named(results, SKIP) == ["large mail"]
    assert status(results) == CRITICAL


def test_an_open_relay_is_called_one():
    with other(OPEN) as (postfix, _):
        results = {result.name: result for result in run(postfix)}
    assert results["outside: relaying"].verdict == FAIL
    assert results["outside: relaying"].remedy.startswith("THIS IS AN OPEN RELAY")
    assert results["foreign recipient"].verdict == FAIL


def test_one_that_listens_on_every_address_fails():
    need(os.geteuid() == 0 and shutil.which("ip"), "root and iproute2", "listening everywhere")
    words = ["unshare", "--net", sys.executable, "-m", "tests.gateway.everywhere"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.stderr
    results = json.loads(done.stdout)["results"]
    (look,) = [result for result in results if result["name"] == "listening addresses"]
    assert (look["verdict"], look["answer"]) == (FAIL, "0.0.0.0")
    provider = [result for result in results if result["name"].startswith("provider ")]
    assert [result["verdict"] for result in provider] == [FAIL]


def test_a_mode_a_queue_and_a_log_that_are_wrong_are_found(chain):
    chain.provider.faults = Faults(password="another")
    Board(chain.postfix.port, "look", 1).finish()
    until(lambda: "535" in chain.postfix.log, "the provider has refused")
    Path(chain.postfix.paths.passwords).chmod(0o644)
    with Path(chain.postfix.paths.log).open("a") as log:
        log.write("Nov 22 13:22:16 mail postfix/smtp[1]: fatal: no mechanism\n")
    known = facts(chain.postfix)
    strict = module.Facts(
        **{**vars(known), "watch": type(known.watch)(critical_after=0, free_space=10**15)}
    )
    results = {result.name: result for result in module.local(strict)}
    failed = [name for name, result in results.items() if result.verdict == FAIL]
    assert failed[:-1] == [
        "password file", "oldest mail in the queue", "free space for the queue", "log"
    ]  # fmt: skip
    assert "535" in results["oldest mail in the queue"].remedy
    login = results[failed[-1]]
    assert login.answer.startswith("535")
    assert "app password" in login.remedy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda chain: setattr(chain.provider, "context", chain.authority.server("b.example")),
         "certificate is for another name"),
        (lambda chain: chain.provider.stop(), "nobody listens there"),
    ],
    ids=["wrong certificate", "down"],
)  # fmt: skip
def test_a_wrong_provider_is_told_apart(chain, change, said):
    change(chain)
    result = run(chain.postfix)[-1]
    assert result.verdict == FAIL
    assert said in result.remedy


def test_from_a_pc_it_says_what_could_not_be_tried(chain):
    results = run(chain.postfix, here=False)
    assert named(results, SKIP) == ["outside"]
    assert len(named(results, PASS)) == PROBES - 4


def test_from_outside_only_what_is_refused_is_probed(chain):
    target = Target("127.0.0.1", chain.postfix.port, "127.0.0.2", here=False)
    results = list(check(target, facts(chain.postfix)))
    assert named(results, PASS) == [
        "outside: connect",
        "outside: any command",
        "outside: RCPT TO:<postmaster>",
        "outside: relaying",
    ]


def test_without_a_file_it_probes_what_it_can(chain):
    target = Target("127.0.0.1", chain.postfix.port, here=False)
    results = list(check(target, Facts(port=chain.postfix.port)))
    assert named(results, FAIL) == []
    assert "allowed mail" in named(results, SKIP)
    assert "VRFY" in named(results, PASS)


def test_where_nobody_answers_nothing_is_claimed(chain):
    chain.postfix.stop()
    results = run(chain.postfix, here=False)
    assert [result.answer for result in results] == ["Connection refused"]
    assert status(results) == CRITICAL
    assert status([]) == UNKNOWN


def test_a_limit_that_is_reached_is_no_verdict():
    slow = gateway({"gateway.limits.mails_per_minute": 1})
    with trial.start(slow) as chain:
        results = run(chain.postfix)
    assert named(results, FAIL) == []
    limited = [result for result in results if "wait a minute" in result.answer]
    assert limited
    assert {result.verdict for result in limited} == {SKIP}


def test_one_that_takes_connections_and_says_nothing_is_told_at_once(chain):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Place(facts(chain.postfix), *silent.getsockname(), timeout=0.01)
        with pytest.raises(TimeoutError, match=r"^connected, then silent for 0\.01 s$"):
            list(inside(place))


@pytest.mark.parametrize("text", [OPEN, ARTICLE])
def test_no_setting_is_written_twice(text):
    with other(text, extra="mynetworks = 127.0.0.1/32\n") as (postfix, _):
        assert "overriding" not in postfix.log
        written = (postfix.folder / "etc" / "main.cf").read_text()
    assert re.findall(r"^mynetworks.*", written, re.MULTILINE) == ["mynetworks = 127.0.0.1/32"]
