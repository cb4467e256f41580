"""What a board gets: package.json names every file of the client, and only board files."""

import json
from pathlib import Path

CLIENT = Path(__file__).parent.parent.parent / "firmware" / "smtp_client"


def test_package_json_names_the_files_of_a_board():
    package = json.loads((CLIENT / "package.json").read_text())
    files = {path.name for path in CLIENT.glob("*.py")} - {"cpython.py"}
    assert package["urls"] == [[f"smtp_client/{name}", name] for name in sorted(files)]


def test_package_json_has_the_version_of_the_project():
    project = (CLIENT.parent.parent / "pyproject.toml").read_text()
    version = json.loads((CLIENT / "package.json").read_text())["version"]
    assert f'\nversion = "{version}"\n' in project


def test_a_board_does_without_cpython(device):
    source = "import sys\nresult = 'smtp_client.cpython' in sys.modules"
    device.call("exec", "import smtp_client, smtp_client.encode, smtp_client.trace\nresult = 0")
    assert device.call("exec", source) == (device.name == "cpython")
