"""The watch: heartbeats, the log over rotations, what it tells and where, and its page."""

import json
import os
import shutil
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from host_tools.gateway.facts import Board, Facts, Paths
from host_tools.gateway.facts import Watch as Settings
from host_tools.gateway.postfix import free_port
from host_tools.gateway.render import facts_of
from host_tools.gateway.results import CRITICAL, OK, UNKNOWN, WARNING
from host_tools.gateway.watch import daemon, look
from host_tools.gateway.watch.daemon import Watch
from host_tools.gateway.watch.log import Log, moment, parse
from host_tools.gateway.watch.page import serve
from host_tools.gateway.watch.signs import SPARE, Signs, load
from tests.gateway import boards
from tests.gateway.plant import need, until

HOUR = 3600
DAILY = Board("plc7", "plc7@plant.lan", 24 * HOUR)
NEVER = Board("plc8", "plc8@plant.lan", 0)


def written(now, text):
    """Return a line of the log."""
    return time.strftime("%b %d %H:%M:%S ", time.localtime(now)) + f"mail postfix/{text}\n"


def mail(now, name, sender="plc7@plant.lan"):
    """Return the lines of a mail that is taken."""
    return written(now, f"smtpd[1]: {name}: client=unknown[192.168.1.50]") + written(
        now, f"qmgr[2]: {name}: from=<{sender}>, size=5, nrcpt=1 (queue active)"
    )


@pytest.fixture
def known(tmp_path):
    """Facts of a gateway that is not there: only its log is."""
    paths = Paths(
        config=str(tmp_path),
        queue=str(tmp_path),
        log=str(tmp_path / "postfix.log"),
        commands=str(tmp_path),
        state=str(tmp_path / "state"),
        status=str(tmp_path / "run" / "status.json"),
    )
    (tmp_path / "postqueue").write_text("#!/bin/sh\n")
    (tmp_path / "postqueue").chmod(0o755)
    return Facts(boards=[DAILY, NEVER], paths=paths)


@pytest.fixture(autouse=True)
def answering(request, monkeypatch):
    """Where no Postfix runs, take it that one answers."""
    if "chain" not in request.fixturenames:
        monkeypatch.setattr(look, "answers", lambda facts: "")


def add(known, text):
    with Path(known.paths.log).open("a") as log:
        log.write(text)


@contextmanager
def watching(known, told=None):
    tell = (lambda *_: None) if told is None else (lambda *what: told.append(what))
    with closing(Watch(known, tell)) as watch:
        yield watch


def kinds(status):
    return [finding["kind"] for finding in status["findings"]]


def test_a_board_is_silent_when_its_heartbeat_is_overdue(known):
    now = time.time()
    due = 24 * HOUR * 1.1 + SPARE
    with watching(known) as watch:
        add(known, mail(now, "A1"))
        assert kinds(watch.look(now + due - 5)) == []
        seen = watch.look(now + due + 5)
        assert kinds(seen) == ["silent plc7"]
        assert seen["status"] == CRITICAL
        assert seen["findings"][0]["text"] == "plc7 is silent: it was heard last 1 d 2 h ago"
        add(known, mail(now + due + 60, "A2"))
        assert kinds(watch.look(now + due + 65)) == []


def test_a_board_that_was_never_heard_counts_from_the_beginning(known):
    with watching(known) as watch:
        assert kinds(watch.look()) == []
        seen = watch.look(time.time() + 48 * HOUR)
    assert seen["findings"][0]["text"] == "plc7 is silent: it has not been heard for 2 d"


def test_on_a_second_gateway_silence_means_nothing(known):
    second = replace(known, watch=Settings(heartbeats=False))
    with watching(second) as watch:
        assert kinds(watch.look(time.time() + 48 * HOUR)) == []


def test_a_mail_that_is_tried_again_is_no_sign_of_life(known):
    now = time.time()
    again = written(now + 48 * HOUR, "qmgr[2]: A1: from=<plc7@plant.lan>, size=5 (queue active)")
    with watching(known) as watch:
        add(known, mail(now, "A1"))
        watch.look(now)
        add(known, again)
        assert kinds(watch.look(now + 48 * HOUR)) == ["silent plc7"]


def test_it_remembers_over_a_restart(known):
    now = time.time()
    add(known, mail(now, "A1"))
    with watching(known) as watch:
        watch.look(now)
        position = watch.log.position
    with watching(known) as watch:
        assert watch.signs.heard == {"plc7@plant.lan": pytest.approx(now, abs=1)}
        watch.look(now)
        assert watch.log.position == position


@pytest.mark.parametrize("broken", ["", "{", '{"signs": {}}', '{"signs": 1, "log": 2}'])
def test_a_broken_memory_begins_anew(known, broken):
    state = Path(known.paths.state)
    state.mkdir()
    (state / "watch.json").write_text(broken)
    with watching(known) as watch:
        assert watch.signs.heard == {}


def test_the_log_is_followed_over_a_rotation(known):
    now = time.time()
    path = Path(known.paths.log)
    with closing(Log(path)) as log:
        assert list(log.read(now)) == []
        add(known, written(now, "smtpd[1]: one"))
        assert [line.text for line in log.read(now)] == ["one"]
        add(known, written(now, "smtpd[1]: two"))
        path.rename(path.with_suffix(".1"))
        assert [line.text for line in log.read(now)] == ["two"]
        add(known, written(now, "smtpd[1]: three"))
        assert [line.text for line in log.read(now)] == ["three"]
        path.write_text(written(now, "smtpd[1]: 4"))  # cut, and begun anew
        assert [line.text for line in log.read(now)] == ["4"]


def test_half_a_line_waits_for_its_end(known):
    now = time.time()
    with closing(Log(Path(known.paths.log))) as log:
        add(known, written(now, "smtpd[1]: one")[:-5])
        assert list(log.read(now)) == []
        add(known, written(now, "smtpd[1]: one")[-5:])
        assert [line.text for line in log.read(now)] == ["one"]


def test_a_date_without_a_year_is_of_this_one_or_the_last():
    new_year = time.mktime((2027, 1, 1, 0, 10, 0, 0, 0, -1))
    assert moment("Dec 31 23:59:59", new_year) == new_year - 601
    assert moment("Jan  1 00:09:00", new_year) == new_year - 60
    assert moment("Feb 29 00:00:00", new_year) == new_year  # there was none
    assert parse("something else", new_year) is None


def test_the_memory_reads_what_it_wrote():
    signs = Signs(5.0)
    now = time.time()
    lines = [
        *mail(now, "A1").splitlines(),
        *written(now, "smtpd[1]: A2: client=unknown[10.0.0.1]").splitlines(),
        *written(now, "smtpd[1]: NOQUEUE: reject: RCPT from x[10.0.0.1]: 554 no").splitlines(),
        *written(now, "qmgr[1]: A1: from=<a@b>, status=expired, returned to sender").splitlines(),
        *written(now, "smtp[1]: fatal: out of memory").splitlines(),
    ]
    signs.follow(line for text in lines if (line := parse(text, now)))
    assert list(signs.heard) == ["plc7@plant.lan"]
    assert signs.refused["10.0.0.1"].text == "554 no"
    assert (signs.given_up.count, signs.error.text) == (1, "smtp: fatal: out of memory")
    assert load(json.loads(json.dumps(signs.dump()))) == signs


def test_it_tells_once_then_each_hour_then_that_it_is_over(known):
    told = []
    now = time.time()
    with watching(known, told) as watch:
        late = now + 48 * HOUR
        for moment_ in (late, late + 30, late + HOUR - 1):
            watch.look(moment_)
        assert [(severity, text[:14]) for severity, text in told] == [(CRITICAL, "plc7 is silent")]
        watch.look(late + HOUR)
        assert len(told) == 2
        add(known, mail(late + HOUR, "A1"))
        watch.look(late + HOUR)
    assert told[2:] == [(OK, "over: silent plc7")]


def test_syslog_gets_a_line(known, monkeypatch):
    lines = []
    monkeypatch.setattr(daemon.syslog, "syslog", lambda *what: lines.append(what))
    with closing(Watch(known)) as watch:
        watch.look(time.time() + 48 * HOUR)
    ((priority, text),) = lines
    assert priority == daemon.syslog.LOG_CRIT
    assert text.startswith("plc7 is silent: ")


def test_the_status_is_a_file_and_an_exit_code(known, capsys):
    with watching(known) as watch:
        watch.look()
    assert json.loads(Path(known.paths.status).read_text())["name"] == "OK"
    assert daemon.last(known) == OK
    assert capsys.readouterr().out == (
        "OK: 0 mails wait, all boards were heard | queue=0 oldest=0s\n"
    )
    with watching(known) as watch:
        add(known, written(time.time(), "smtpd[1]: NOQUEUE: reject: RCPT from x[10.0.0.9]: 554 |"))
        watch.look()
    assert daemon.last(known) == WARNING
    assert capsys.readouterr().out.count("|") == 1


def test_a_watch_that_does_not_run_is_no_good_news(known, capsys):
    assert daemon.last(known) == UNKNOWN
    with watching(known) as watch:
        watch.look(time.time() - HOUR)
    assert daemon.last(known) == CRITICAL
    assert "has not looked for 1 h" in capsys.readouterr().out


def test_a_queue_that_nobody_can_read_is_critical(known):
    Path(known.paths.commands, "postqueue").write_text("#!/bin/sh\necho no >&2; exit 69\n")
    with watching(known) as watch:
        seen = watch.look()
    assert kinds(seen) == ["queue"]
    assert seen["findings"][0]["text"] == "the queue cannot be read: no"


def test_a_postfix_that_is_dead_is_critical(chain):
    postfix = chain.postfix
    known = facts_of(postfix.gateway, postfix.system, postfix.port)
    assert daemon.once(known) == OK
    postfix.stop()
    with watching(known) as watch:
        seen = watch.look()
    assert kinds(seen)[:1] == ["server"]
    assert seen["status"] == CRITICAL


def test_a_real_log_gives_signs_of_life(chain):
    postfix = chain.postfix
    boards.Board(postfix.port, "alive", 2).finish()
    chain.provider.wait(2)
    with watching(facts_of(postfix.gateway, postfix.system, postfix.port)) as watch:
        (plc7, plc8) = watch.look()["boards"]
    assert time.time() - plc7["heard"] < 60
    assert plc8["heard"] is None


def test_a_board_with_a_wrong_sender_shows(chain):
    postfix = chain.postfix
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.ehlo()
        assert client.mail("plc9@plant.lan")[0] == 554
    with watching(facts_of(postfix.gateway, postfix.system, postfix.port)) as watch:
        (finding,) = watch.look()["findings"]
    assert finding["kind"] == "refused 127.0.0.1"
    assert "<plc9@plant.lan>: Sender address rejected" in finding["text"]


EVIL = "said: 550 <script>document.title='owned'</script>"


def evil_status(known):
    """Return a status in which a provider's words are HTML."""
    queue = look.Queue(3, 4000.0, {EVIL: 3})
    signs = Signs(time.time() - 48 * HOUR, heard={"plc7@plant.lan": time.time() - 40 * HOUR})
    status = look.status(known, signs, time.time())
    findings = [vars(finding) for finding in look.judge(known, signs, queue, time.time())]
    return {**status, "status": CRITICAL, "name": "CRITICAL", "queue": vars(queue),
            "findings": findings}  # fmt: skip


def get(url):
    """Return code, headers and text of a page."""
    try:
        answer = urllib.request.urlopen(url, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read().decode()


@pytest.fixture
def page(known):
    """A page that shows a bad day; its URL."""
    status = evil_status(known)
    server = serve(lambda: status, 0)
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_the_page_says_what_is_wrong(page):
    code, headers, text = get(page)
    assert code == 503
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "CRITICAL – mail gateway" in text
    assert "3 waiting, the oldest for 1 h 6 min" in text
    assert "<script" not in text
    code, _, text = get(page + "status.json")
    assert (code, json.loads(text)["queue"]["count"]) == (503, 3)
    assert get(page + "nothing")[0] == 404


def test_the_page_listens_on_loopback_only(known):
    server = serve(lambda: evil_status(known), 0)
    assert server.server_address[0] == "127.0.0.1"
    server.shutdown()
    server.server_close()


def test_a_browser_shows_the_page(page, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    need(browser, "chromium", "the watch's page in a browser")
    shot = tmp_path / "page.png"
    words = [browser, "--headless=new", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
             "--no-first-run", "--disable-extensions", "--disable-background-networking",
             *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--screenshot={shot}",
             "--window-size=900,700", "--dump-dom", page]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=True)
    assert "<title>CRITICAL – gateway</title>" in done.stdout
    assert '<td class="t2">1 d 16 h ago – silent</td>' in " ".join(done.stdout.split())
    assert "&lt;script&gt;" in done.stdout


def test_the_daemon_serves_its_page_and_ends_when_told(chain):
    postfix = chain.postfix
    known = facts_of(postfix.gateway, postfix.system, postfix.port)
    known = replace(known, watch=replace(known.watch, port=free_port()))
    facts = postfix.folder / "gateway.json"
    facts.write_text(known.dump())
    process = subprocess.Popen(
        [sys.executable, "-m", "host_tools.gateway.remote", "--facts", facts, "watch"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert "http://127.0.0.1" in process.stdout.readline()
        url = f"http://127.0.0.1:{known.watch.port}/"
        code, _, text = until(lambda: reached(url), "the page answers")
        assert (code, "Nothing is wrong." in text) == (200, True)
        assert daemon.last(known) == OK
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(30) == 0


def reached(url):
    try:
        return get(url)
    except OSError:
        return None
