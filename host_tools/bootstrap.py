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
from urllib.parse import urljoin

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
READY = VENV / "ready"
MINIMUM = (3, 11)
PIP = "https://pypi.org/pypi/pip/json"


def main() -> int:
    """Create or update `.venv` with the project and its test tools; return the exit status."""
    if sys.version_info < MINIMUM:
        print(
            f"alarmpost needs Python {'.'.join(map(str, MINIMUM))} or later, this is "
            f"{sys.version.split()[0]}: run make with PYTHON=/path/to/a/newer/python3",
            file=sys.stderr,
        )
        return 1
    try:
        if READY.exists():
            print(f"updating {VENV}", flush=True)
        else:
            print(f"setting up {VENV}: fetches 100 MB from PyPI, about a minute", flush=True)
            make_venv()
        install("--editable", f"{ROOT}[dev]")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"setting up {VENV} failed ({error}): is pypi.org in reach?", file=sys.stderr)
        return 1
    READY.touch()
    return 0


def install(*what: str) -> None:
    """Let the pip of the environment install something."""
    run(PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *what)


def run(*command: object) -> None:
    """Run a command; its last line of complaint becomes the message of an OSError."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError((done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1])


def make_venv() -> None:
    """Create the environment, with or without the `ensurepip` that Debian packages apart."""
    try:
        import ensurepip  # noqa: F401  (Debian has it in python3-venv only)
    except ImportError:
        venv.create(VENV, clear=True, symlinks=True)
        install_pip()
    else:
        venv.create(VENV, clear=True, symlinks=True, with_pip=True)


def install_pip() -> None:
    """Fetch pip's wheel from PyPI, check its hash, and let it install itself."""
    with urllib.request.urlopen(PIP, timeout=60) as answer:
        files = json.load(answer)["urls"]
    wheel = next(file for file in files if file["packagetype"] == "bdist_wheel")
    url = urljoin(PIP, wheel["url"])  # a mirror may give a relative one
    with urllib.request.urlopen(url, timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != wheel["digests"]["sha256"]:
        raise OSError(f"{wheel['filename']} does not have the hash that PyPI states")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, wheel["filename"])
        path.write_bytes(content)
        run(PYTHON, path / "pip", "install", "pip")


if __name__ == "__main__":
    sys.exit(main())
