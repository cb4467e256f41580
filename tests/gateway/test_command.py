"""The commands as a user types them."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from host_tools import micropython
from host_tools.gateway.trial import start
from tests.gateway.plant import gateway

ASK = "import sys; from host_tools.cli import main; sys.exit(main())"


def alarmpost(*words, folder, prefix=()):
    """Run the command; return status, output, complaint."""
    done = subprocess.run(
        [*prefix, sys.executable, "-c", ASK, "gateway", *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(micropython.ROOT), "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def file(tmp_path):
    """A folder with a file as `new` writes it, and its password."""
    assert alarmpost("new", folder=tmp_path)[0] == 0
    password = tmp_path / "provider.password"
    password.write_text("secret\n")
    password.chmod(0o600)
    return tmp_path / "gateway.toml"


def test_new_does_not_write_over_a_file(file):
    status, output, complaint = alarmpost("new", folder=file.parent)
    assert (status, output) == (2, "")
    assert "gateway.toml exists; choose another name" in complaint


def test_render_writes_a_folder_and_says_how_to_install_it(file):
    status, output, _ = alarmpost("render", "--for", "debian", "--out", "gw", folder=file.parent)
    assert status == 0
    assert "scp -r gw root@GATEWAY:" in output
    assert "secret" not in output
    assert (file.parent / "gw" / "sasl_passwd").read_text().endswith(":secret\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--for", "windows"), "windows: choose debian or openwrt"),
        (("--for", "debian", "nothing.toml"), "`alarmpost gateway new` makes one"),
        (("--for", "debian", "--password-file", "x"), "write the password into it, one line"),
        (("--for", "debian", "--out", "gateway.toml/x"), "choose a folder that you may write to"),
    ],
)
def test_render_refuses_in_one_line(file, words, said):
    status, output, complaint = alarmpost("render", *words, folder=file.parent)
    assert (status != 0, output) == (True, "")
    assert said in complaint
    assert len(complaint.splitlines()) == 1


def test_without_a_password_and_a_terminal_it_says_what_to_do(file):
    text = file.read_text()
    file.write_text(re.sub("password_file = .*", "", text))
    _, _, complaint = alarmpost("render", "--for", "debian", folder=file.parent)
    assert "name one, or run this at a terminal, or give --no-password" in complaint
    assert alarmpost("render", "--for", "debian", "--no-password", folder=file.parent)[0] == 0
    assert not (file.parent / "gateway" / "sasl_passwd").exists()


def test_try_shows_a_mail_and_a_check(file):
    status, output, complaint = alarmpost("try", folder=file.parent)
    assert (status, complaint) == (0, "")
    assert "from <alarms@example.com> for ops@example.com" in output
    assert "33 passed, 0 failed, 0 skipped" in output
    assert "nothing was installed" in output


def test_try_leaves_nothing_behind_when_it_is_ended(file):
    words = [sys.executable, "-c", ASK, "gateway", "try", "--keep"]
    environment = {**os.environ, "PYTHONPATH": str(micropython.ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        words, cwd=file.parent, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        first = process.stdout.readline()
        port = int(first.split()[-1])
        while "Ctrl-C ends" not in process.stdout.readline():
            assert process.poll() is None
        process.terminate()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


UNPRIVILEGED = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""Nobody in particular: no capability, and nothing may be given to another user."""


def test_try_needs_no_root(file):
    status, output, complaint = alarmpost("try", folder=file.parent, prefix=UNPRIVILEGED)
    assert (status, complaint.replace("fetching", "")[:1]) in ((0, ""), (0, " "))
    assert "33 passed, 0 failed, 0 skipped" in output


def test_try_tells_all_that_is_wrong_with_the_file(file):
    text = file.read_text()
    file.write_text(text.replace("port = 587", "port = 25000000").replace('"192.168.1.1"', '"::"'))
    status, output, complaint = alarmpost("try", folder=file.parent)
    assert (status, output) == (1, "")
    assert [line.split(":")[1].strip() for line in complaint.splitlines()] == [
        "gateway.listen.0",
        "gateway.provider.port",
    ]


def test_check_prints_json_for_monitoring(tmp_path):
    with start(gateway()) as chain:
        words = ("check", "127.0.0.1", "--port", chain.postfix.port, "--json",
                 "--sender", "plc7@plant.lan", "--recipient", "ops@example.com")  # fmt: skip
        status, output, complaint = alarmpost(*words, folder=tmp_path)
    assert complaint == ""
    report = json.loads(output)
    assert report["status"] == status == 0
    assert (report["passed"], report["failed"], report["skipped"]) == (27, 0, 0)


def test_check_where_nobody_answers(tmp_path):
    status, output, _ = alarmpost("check", "127.0.0.1", "--port", "1", "--source", "127.0.0.1",
                                  folder=tmp_path)  # fmt: skip
    assert status == 2
    assert "Connection refused" in output
    assert "is the gateway on, at this address and port" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "127.0.0.1", "--source", "home"), "home: give an IP address of this computer"),
        (("check", "127.0.0.1", "--config", "no.json"), "no.json: "),
        (("watch", "--facts", "no.json"), "give the file that was rendered"),
        (("check",), "Missing argument 'host'"),
    ],
)
def test_bad_use_is_one_line(tmp_path, words, said):
    status, output, complaint = alarmpost(*words, folder=tmp_path)
    assert (status != 0, output) == (True, "")
    assert said in complaint
    assert len(complaint.splitlines()) == 1
