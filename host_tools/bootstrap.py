"""Make the project's own Python environment: `python3 host_tools/bootstrap.py`.

Uses the standard library only, because it runs before anything is installed. Everything lands in
`.venv/`; nothing outside the project's folder is touched.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MINIMUM = (3, 11)


def main() -> int:
    """Create `.venv` and install the project with its test tools; return the exit status."""
    if sys.version_info < MINIMUM:
        print(
            f"alarmpost needs Python {'.'.join(map(str, MINIMUM))} or later, this is "
            f"{sys.version.split()[0]}: run make with PYTHON=/path/to/a/newer/python3",
            file=sys.stderr,
        )
        return 1
    print(f"setting up {VENV}: downloads some 100 MB of Python packages, takes a minute", flush=True)
    try:
        make_venv()
        install("--editable", f"{ROOT}[dev]")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"setting up {VENV} failed: {error}", file=sys.stderr)
        return 1
    (VENV / "ready").touch()
    return 0


def make_venv() -> None:
    """Create the environment, with or without the `ensurepip` that Debian packages apart."""
    try:
        import ensurepip  # noqa: F401  (Debian has it in python3-venv only)
    except ImportError:
        venv.create(VENV, clear=True)
        install_pip()
    else:
        venv.create(VENV, clear=True, with_pip=True)


def install_pip() -> None:
    """Fetch pip's wheel from PyPI, check its hash, and let it install itself."""
    with urllib.request.urlopen("https://pypi.org/pypi/pip/json", timeout=60) as answer:
        files = json.load(answer)["urls"]
    wheel = next(file for file in files if file["packagetype"] == "bdist_wheel")
    with urllib.request.urlopen(wheel["url"], timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != wheel["digests"]["sha256"]:
        raise OSError(f"{wheel['filename']} does not have the hash that PyPI states")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, wheel["filename"])
        path.write_bytes(content)
        subprocess.run([PYTHON, path / "pip", "install", "--quiet", "pip"], check=True)


if __name__ == "__main__":
    sys.exit(main())
