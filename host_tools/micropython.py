"""The MicroPython interpreter that the demo, the tests and the virtual board run on.

`micropython` on PATH serves when it is new enough. Otherwise the Debian package is unpacked into
`.cache/micropython/` together with the C library it was built for: no root, nothing installed,
and apt checks every file against Debian's signed index. The 32-bit build has pointers as wide as
a board's, so memory figures are taken on it.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "micropython"
MINIMUM = (1, 24)
"""The oldest MicroPython that the firmware supports."""

SUITE = "trixie"
VERSION = "1.25.0+ds-1"
"""The package of Debian's stable release; its libraries follow the release's security updates."""

LIBRARIES = ("libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = "http://deb.debian.org/debian"  # apt verifies content by signature, not by transport
ARCHITECTURES = {"x86_64": {64: "amd64", 32: "i386"}, "aarch64": {64: "arm64", 32: "armhf"}}

REMEDY = (
    f"install MicroPython {MINIMUM[0]}.{MINIMUM[1]} or later so that `micropython` is on PATH, "
    "or run on Debian 12 or later, where it is fetched by itself"
)


class MissingError(Exception):
    """MicroPython is neither on PATH nor to be had; the message says what to do."""


def find(bits: int = 64) -> Path:
    """Return the path of a MicroPython interpreter, fetching it on first use.

    `bits` is the width of its pointers, 64 or 32. Raises `MissingError`.
    """
    if bits == 64 and (installed := shutil.which("micropython")) and new_enough(installed):
        return Path(installed)
    architecture = ARCHITECTURES.get(platform.machine(), {}).get(bits)
    if architecture is None:
        raise MissingError(f"no {bits}-bit MicroPython for {platform.machine()}: {REMEDY}")
    launcher = CACHE / f"{SUITE}-{VERSION}-{architecture}" / "micropython"
    if not launcher.exists():
        fetch(architecture, launcher.parent)
    return launcher


def new_enough(path: str) -> bool:
    """Tell whether the interpreter at `path` starts and is not older than `MINIMUM`."""
    ask = "import sys; print(*sys.implementation.version[:2])"
    answer = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and tuple(map(int, answer.stdout.split())) >= MINIMUM


def fetch(architecture: str, target: Path) -> None:
    """Unpack Debian's package and its libraries into the folder `target`."""
    for needed, why in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if not shutil.which(needed):
            raise MissingError(f"{needed} ({why}) is not here to fetch MicroPython: {REMEDY}")
    if not KEYRING.exists():
        raise MissingError(f"{KEYRING} is missing (package debian-archive-keyring): {REMEDY}")
    print(f"fetching MicroPython {VERSION} ({architecture}) into {target.parent}", file=sys.stderr)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        work = Path(folder)
        tree = work / "tree"
        for package in download(architecture, work, (f"micropython={VERSION}", *LIBRARIES)):
            run("dpkg-deb", "-x", package, tree)
        write_launcher(tree)
        if not new_enough(str(tree / "micropython")):
            raise MissingError(f"MicroPython for {architecture} does not start here: {REMEDY}")
        try:
            tree.rename(target)
        except OSError:  # another process was faster; its tree is as good
            if not target.exists():
                raise


def download(architecture: str, work: Path, wanted: tuple[str, ...]) -> list[Path]:
    """Fetch the packages with an apt of our own that knows one suite and one architecture."""
    (work / "lists" / "partial").mkdir(parents=True)
    (work / "archives" / "partial").mkdir(parents=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {SUITE} main\n")
    (work / "apt.conf").write_text(
        f"""\
        Dir::State "{work}";
        Dir::State::Lists "{work}/lists";
        Dir::State::status "{work}/status";
        Dir::Cache "{work}";
        Dir::Etc::SourceList "{work}/sources.list";
        Dir::Etc::SourceParts "/dev/null";
        APT::Architecture "{architecture}";
        APT::Architectures {{ "{architecture}"; }};
        APT::Sandbox::User "";
        APT::Update::Error-Mode "any";
        Acquire::Languages "none";
        Acquire::Retries "3";
        """
    )
    own = {"APT_CONFIG": str(work / "apt.conf")}
    run("apt-get", "-qq", "update", environment=own)
    run("apt-get", "-qq", "download", *wanted, environment=own, folder=work)
    return sorted(work.glob("*.deb"))


def write_launcher(tree: Path, program: str = "micropython") -> None:
    """Write a script that starts the interpreter with the C library beside it."""
    (loader,) = {path.resolve() for path in tree.glob("usr/lib/*/ld-linux*.so.*")}
    launcher = tree / program
    launcher.write_text(
        "#!/bin/sh\n"
        'here=$(dirname "$(readlink -f "$0")")\n'
        f'exec "$here/{loader.relative_to(tree)}"'
        f' --library-path "$here/{loader.parent.relative_to(tree)}"'
        f' "$here/usr/bin/{program}" "$@"\n'
    )
    launcher.chmod(0o755)


def run(*command: object, environment: dict | None = None, folder: Path | None = None) -> None:
    """Run a command; its first line of complaint becomes the message of a `MissingError`."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        complaint = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[0]
        raise MissingError(f"{words[0]} could not fetch MicroPython ({complaint}): {REMEDY}")


def main() -> int:
    """Print the interpreters' paths: `python -m host_tools.micropython [64] [32]`."""
    try:
        for bits in sys.argv[1:] or ["64"]:
            print(find(int(bits)))
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
