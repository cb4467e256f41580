"""The folder to install: its files, their modes, and that Postfix and others understand them."""

import json
import re
import shutil
import stat
import subprocess
import sys
from itertools import pairwise

import pytest

from host_tools.gateway import facts
from host_tools.gateway.postfix import Postfix, find, private_folder
from host_tools.gateway.render import PROGRAM, render
from host_tools.gateway.settings import main_cf, master_cf
from host_tools.gateway.systems import DEBIAN, OPENWRT, SYSTEMS
from tests.gateway.plant import gateway, need

SECRET = "p4ss: w{or}d"

BOTH = {"main.cf", "master.cf", "sasl_passwd", "gateway.json", PROGRAM, "install.sh"}
FILES = {
    "debian": BOTH
    | {"alarmpost-gateway.service", "alarmpost-firewall.service", "firewall.nft", "logrotate"},
    "openwrt": BOTH | {"alarmpost-gateway.init"},
}


@pytest.fixture(params=SYSTEMS)
def rendered(request, tmp_path):
    """A rendered folder for each system."""
    render(gateway({"gateway.outside": "eth1"}), SYSTEMS[request.param], SECRET, tmp_path)
    return request.param, tmp_path


def test_the_files_are_there_with_their_modes(rendered):
    system, folder = rendered
    assert {path.name for path in folder.iterdir()} == FILES[system]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes["sasl_passwd"] == 0o600
    assert modes["install.sh"] == 0o755
    assert modes["main.cf"] == 0o644


def test_the_password_is_in_its_file_only(rendered):
    _, folder = rendered
    holding = [path.name for path in folder.iterdir() if SECRET.encode() in path.read_bytes()]
    assert holding == ["sasl_passwd"]
    assert (folder / "sasl_passwd").read_text() == (
        f"[smtp.example.com]:587 alarms@provider.example:{SECRET}\n"
    )


def test_without_a_password_none_is_left_from_before(rendered):
    system, folder = rendered
    render(gateway(), SYSTEMS[system], "", folder)
    assert not (folder / "sasl_passwd").exists()


def test_each_line_says_why_it_is_there():
    for text in (main_cf(gateway(), DEBIAN), master_cf()):
        lines = [line for line in text.splitlines() if not line.startswith(" ")]
        for before, line in pairwise(lines):
            if line and not line.startswith("#"):
                assert before.startswith("# "), line


@pytest.mark.parametrize("changes", [{}, {"gateway.provider.rewrite": ["plant.lan"]}])
def test_postfix_knows_each_setting_and_reads_it_as_it_is_written(changes):
    programs = find()
    with private_folder() as folder:
        postfix = Postfix(folder / "postfix", gateway(changes))
        postfix.make_folders()
        postfix.configure()
        words = [f"{programs.commands}/postconf", "-c", postfix.paths.config]
        done = subprocess.run([*words, "-n"], capture_output=True, text=True, check=True,
                              env=postfix.environment)  # fmt: skip
        text = main_cf(postfix.gateway, postfix.system)
    assert done.stderr == ""
    read = dict(re.split(r" =\s*", line, maxsplit=1) for line in done.stdout.splitlines())
    lines = re.sub(r"\n +", " ", text).splitlines()
    ours = [re.split(r" =\s*", line, maxsplit=1) for line in lines if re.match(r"\w", line)]
    del read["config_directory"]  # the one that is asked about
    assert {name: " ".join(value.split()) for name, value in ours} == read


def test_a_setting_is_written_once():
    text = main_cf(gateway(), DEBIAN)
    names = [line.split(" =")[0] for line in text.splitlines() if re.match(r"\w", line)]
    assert (
        len(names)
        == len(set(names))
        == text.count("\n# ")
        - text.count("\n# Postfix would")
        - (text.count("\n# the empty sender"))
    )


def test_on_openwrt_nothing_lives_in_memory():
    text = main_cf(gateway(), OPENWRT)
    assert "\nqueue_directory = /usr/var/spool/postfix\n" in text
    assert "\ndata_directory = /usr/var/lib/postfix\n" in text
    assert "\ndaemon_directory = /usr/libexec/postfix\n" in text


def test_the_scripts_are_plain_shell(rendered):
    system, folder = rendered
    scripts = ["install.sh"] + (["alarmpost-gateway.init"] if system == "openwrt" else [])
    for script in scripts:
        subprocess.run(["sh", "-n", folder / script], check=True)


def test_the_firewall_rules_are_rules(tmp_path):
    need(shutil.which("nft"), "nftables", "the firewall rules")
    render(gateway({"gateway.outside": "eth1"}), DEBIAN, "", tmp_path)
    words = ["unshare", "--user", "--map-root-user", "--net"]
    rules = tmp_path / "firewall.nft"
    script = f"nft -f {rules} && nft -f {rules} && nft list table inet alarmpost"
    words = [*words, "sh", "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("drop") == 2
    assert 'iifname "eth1"' in done.stdout
    assert "192.168.1.0/24" in done.stdout


def test_systemd_takes_the_units(tmp_path):
    need(shutil.which("systemd-analyze"), "systemd", "the units")
    render(gateway(), DEBIAN, "", tmp_path)
    for unit in ("alarmpost-gateway.service", "alarmpost-firewall.service"):
        text = (tmp_path / unit).read_text()
        for program in re.findall(r"Exec\w+=(\S+)", text):
            text = text.replace(program, "/bin/true")
        (tmp_path / unit).write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", tmp_path / unit],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        complaints = [line for line in done.stderr.splitlines() if unit in line]
        assert complaints == []


def test_the_program_needs_nothing_but_python(rendered, tmp_path):
    _, folder = rendered
    words = [sys.executable, "-I", "-S", folder / PROGRAM]
    done = subprocess.run([*words, "--help"], capture_output=True, text=True, check=True)
    assert "check" in done.stdout
    done = subprocess.run([*words, "answers"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("no connection: ")


def test_a_gateway_that_knows_nothing_says_what_to_give(rendered):
    _, folder = rendered
    (folder / "gateway.json").write_text('{"boards": [{"nme": 1}]}')
    words = [sys.executable, folder / PROGRAM, "check"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("alarmpost-gateway: ")
    assert "render it anew" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_facts_come_back(rendered):
    _, folder = rendered
    known = facts.load(folder / "gateway.json")
    assert facts.build(json.loads(known.dump())) == known
    assert known.networks == ["192.168.1.0/24"]
    assert [board.heartbeat for board in known.boards] == [43200, 0]
    assert not any("password" in str(value) for value in vars(known.provider).values())


def test_rendered_again_it_is_the_same(rendered):
    system, folder = rendered
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    render(gateway({"gateway.outside": "eth1"}), SYSTEMS[system], SECRET, folder)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
