"""install.sh, on a copy of this system: once, twice, with a change, with a bad configuration."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from host_tools.gateway.render import render
from host_tools.gateway.systems import DEBIAN, OPENWRT
from tests.gateway.plant import gateway, need

SANDBOX = Path(__file__).parent / "sandbox.sh"


@pytest.fixture
def folder(tmp_path):
    """A rendered folder."""
    installed = os.geteuid() == 0 and all(map(shutil.which, ("postfix", "ip", "unshare", "nft")))
    need(installed, "root, postfix, iproute2 and nftables", "installing a gateway")
    render(gateway(), DEBIAN, "secret", tmp_path)
    return tmp_path


def run(folder, script):
    """Run a shell script in the folder, on a copy of this system; return what it says."""
    done = subprocess.run(
        ["sh", SANDBOX, "sh", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


def test_it_installs_a_gateway_that_passes_its_check(folder):
    script = """
        sh install.sh || exit 1
        stat -c '%a %U %n' /etc/postfix/sasl_passwd /etc/postfix/main.cf
        cmp main.cf /etc/postfix/main.cf && echo same
        nft list table inet alarmpost | grep -c drop
        python3 /usr/local/lib/alarmpost/alarmpost-gateway.pyz check | grep -v ^pass
        python3 /usr/local/lib/alarmpost/alarmpost-gateway.pyz watch --once
    """
    said = run(folder, script)
    assert "install: done; the old files are in /var/backups/alarmpost/" in said
    assert "600 root /etc/postfix/sasl_passwd\n644 root /etc/postfix/main.cf\nsame\n1\n" in said
    failures = [line for line in said.splitlines() if line.startswith("FAIL")]
    assert [line.split(":")[0] for line in failures] == ["FAIL  provider smtp.example.com"]
    assert "OK: 0 mails wait" in said


def test_run_twice_it_changes_nothing(folder):
    said = run(folder, """
        sh install.sh >/dev/null && echo first
        sleep 1; touch /run/mark
        sh install.sh
        find /etc /usr/local /var/backups -newer /run/mark | grep -v dynamicmaps | head
    """)  # fmt: skip
    assert said.startswith("first\n")
    assert said.endswith("install: nothing to change\n")


def test_a_dry_run_changes_nothing_at_all(folder):
    said = run(folder, """
        touch /run/mark; sh install.sh --dry-run
        find /etc /usr/local /var/backups /var/spool/postfix -newer /run/mark
    """)  # fmt: skip
    assert said.startswith("install: changes: /etc/postfix/main.cf ")
    assert len(said.splitlines()) == 1


def test_a_wrong_mode_is_mended(folder):
    said = run(folder, """
        sh install.sh >/dev/null
        chmod 644 /etc/postfix/sasl_passwd
        sh install.sh; stat -c %a /etc/postfix/sasl_passwd
    """)  # fmt: skip
    assert "install: changes: /etc/postfix/sasl_passwd\n" in said
    assert said.endswith("\n600\n")


BREAK = """
    sh install.sh >/dev/null || exit 9
    cp /etc/postfix/main.cf /run/before
    {bad}
    sh install.sh && echo WRONG
    cmp /etc/postfix/main.cf /run/before && echo restored
    python3 /usr/local/lib/alarmpost/alarmpost-gateway.pyz answers | grep -c ^pass
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("sed -i 's/^smtpd_delay_reject = no/smtpd_delay_reject = perhaps/' main.cf",
         "install: the new configuration does not answer as it shall; the old one is back"),
        ("sed -i 's/^mynetworks = .*/mynetworks = 127.0.0.1\\/8/' main.cf",
         "install: the new configuration does not answer as it shall; the old one is back"),
        (("sed -i 's/^smtpd_recipient_restrictions.*/smtpd_recipient_restrictions =/; "
         "/ops@example.com = OK/,/reject$/d' main.cf"),
         "install: the new configuration does not answer as it shall; the old one is back"),
        ("sed -i 's/ smtpd$/ smtpdd/' master.cf",
         "install: the new configuration does not answer as it shall; the old one is back"),
        ("echo '25 inet' >>master.cf", "install: Postfix does not understand the configuration: "),
    ],
    ids=["value", "host bits", "open", "program", "line"],
)  # fmt: skip
def test_a_configuration_that_does_not_work_is_taken_back(folder, bad, said):
    output = run(folder, BREAK.format(bad=bad))
    assert said in output
    assert "WRONG" not in output
    assert "restored\n6\n" in output


def test_without_a_password_it_says_how_to_give_one(folder):
    (folder / "sasl_passwd").unlink()
    said = run(folder, "sh install.sh </dev/null")
    assert "no password: render with one, or run this at a terminal to be asked" in said


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sh install.sh --fast", "unknown option --fast: sh install.sh [--dry-run]"),
        (
            "cp -r . /run/x; chmod 755 /run/x; cd /run/x; setpriv --reuid=nobody sh install.sh",
            "run this as root: sudo sh install.sh",
        ),
    ],
)
def test_bad_use_is_told(folder, script, said):
    assert said in run(folder, script)


def test_openwrts_script_is_not_for_debian(folder):
    render(gateway(), OPENWRT, "secret", folder)
    assert "this is for OpenWrt: render --for debian?" in run(folder, "sh install.sh")
