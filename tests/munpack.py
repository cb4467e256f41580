"""munpack, a MIME reader in C that shares nothing with Python's `email` nor with this project.

The one on PATH serves; otherwise Debian's package is unpacked beside MicroPython, in the same way.
"""

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from host_tools import micropython


def find() -> Path:
    """Return the path of munpack, fetching it on first use; raises `micropython.MissingError`."""
    if installed := shutil.which("munpack"):
        return Path(installed)
    architecture = micropython.ARCHITECTURES.get(platform.machine(), {}).get(64)
    if architecture is None:
        raise micropython.MissingError("install munpack (package mpack)")
    launcher = micropython.CACHE.parent / "mpack" / "munpack"
    if not launcher.exists():
        fetch(architecture, launcher.parent)
    return launcher


def fetch(architecture: str, target: Path) -> None:
    """Unpack Debian's package and its C library into the folder `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        tree = Path(folder).resolve() / "tree"
        for package in micropython.download(architecture, Path(folder), ("mpack", "libc6")):
            micropython.run("dpkg-deb", "-x", package, tree)
        micropython.write_launcher(tree, "munpack")
        try:
            tree.rename(target)
        except OSError:  # another process was faster; its tree is as good
            if not target.exists():
                raise


def unpack(mail: bytes, folder: Path) -> dict[str, bytes]:
    """Return the parts of a mail by name; those without one are part1, part2 and so on."""
    folder.mkdir()
    words = [str(find()), "-q", "-t"]
    subprocess.run(words, cwd=folder, input=mail, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}
