"""What the README shows is true: its programs run, its commands exist."""

import re
import subprocess
import sys

import pytest

from host_tools.fake_smtp import FakeSMTP
from host_tools.micropython import ROOT, find
from tests import tls

README = (ROOT / "README.md").read_text()
PROGRAMS = [
    block
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    if "smtp_client" in block.split("send_mail")[0] and not block.startswith("except")
]
INTERPRETERS = {"cpython": lambda: sys.executable, "micropython": find}


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_the_readme_sends_a_mail(program, interpreter, tmp_path):
    (tmp_path / "ca.pem").write_text(tls.ca())
    with FakeSMTP(tls=tls.context(), accounts={"plc7@example.com": "secret"}) as server:
        here = program.replace("/ca.pem", str(tmp_path / "ca.pem"))
        here = here.replace('"mail.example.com", 587', f'"{server.host}", {server.port}')
        here = here.replace('"192.168.1.1", 25', f'"{server.host}", {server.port}')
        here = here.replace('"192.168.1.1"', f'"{server.host}", {server.port}')
        path = tmp_path / "program.py"
        path.write_text(f"import sys\nsys.path.insert(0, {str(ROOT / 'firmware')!r})\n{here}")
        done = subprocess.run(
            [INTERPRETERS[interpreter](), path], capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("", "")
        assert len(server.mails) == 1


def test_the_readme_has_programs():
    assert len(PROGRAMS) == 6


def test_make_help_lists_every_target_of_the_readme():
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in set(re.findall(r"^(?:`)?make ([a-z-]+)|`make ([a-z-]+)", README, re.MULTILINE)):
        name = next(filter(None, target))
        assert re.search(rf"^make {name}\s+\w", listed, re.MULTILINE), name


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(([\w/]+)\)", README))))
def test_the_links_of_the_readme_lead_somewhere(name):
    assert (ROOT / name).exists()
