"""Postfix for people who may not install it: Debian's packages, unpacked into `.cache/postfix/`.

Two wrappers, preloaded, make Postfix believe that it starts as root and that its users exist; all
that it does, it does as who runs it. apt checks every file against the distribution's signed
index, in a state of its own, so nothing of the system's is touched.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from host_tools.gateway.postfix import PostfixError, Programs
from host_tools.micropython import ROOT

CACHE = ROOT / ".cache" / "postfix"
WANTED = ("postfix", "libsasl2-modules", "libnss-wrapper", "libuid-wrapper")
ALWAYS = ("postfix", "libnss-wrapper", "libuid-wrapper")
"""Fetched even when they are installed: the installed ones have the set-group-id bit, and
programs with it ignore what is preloaded."""

REMEDY = "install the packages postfix and libsasl2-modules and run this as root, or use Debian 12"
INSTALLS = re.compile(r"^Inst (\S+)", re.MULTILINE)

USERS = """\
root:x:0:0:root:/:/bin/sh
postfix:x:{user}:{group}:postfix:/:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUPS = "root:x:0:\npostfix:x:{group}:\npostdrop:x:{drop}:\nnogroup:x:65534:\n"
DROP = 65432
"""A group id that nobody has."""


def programs() -> Programs:
    """Return the unpacked Postfix, fetching it on first use; raises `PostfixError`."""
    tree = CACHE / "tree"
    if not tree.exists():
        fetch(tree)
    return describe(tree)


def describe(tree: Path) -> Programs:
    """Return where things are in the tree, and the variables that make it work."""
    root = os.geteuid() == 0
    user = DROP if root else os.getuid()
    group = DROP if root else os.getgid()
    users = write(f"passwd-{user}", USERS.format(user=user, group=group))
    groups = write(f"group-{group}", GROUPS.format(group=group, drop=DROP + 1))
    libraries = str(tree / "usr/lib/postfix")
    places = [libraries, *(str(path.parent) for path in tree.glob("usr/lib/*/libnss_wrapper.so"))]
    wrappers = [find(tree, "libnss_wrapper.so")]
    environment = {
        "LD_LIBRARY_PATH": ":".join(places),
        "NSS_WRAPPER_PASSWD": users,
        "NSS_WRAPPER_GROUP": groups,
        "SASL_PATH": ":".join(str(path) for path in sasl_folders(tree)),
    }
    if not root:
        wrappers.append(find(tree, "libuid_wrapper.so"))
        environment |= {"UID_WRAPPER": "1", "UID_WRAPPER_ROOT": "1"}
    environment["LD_PRELOAD"] = ":".join(wrappers)
    return Programs(
        commands=str(tree / "usr/sbin"),
        daemons=str(tree / "usr/lib/postfix/sbin"),
        libraries=libraries,
        meta=str(tree / "etc/postfix"),
        environment=environment,
        owner=(user, group) if root else None,
        group=DROP + 1 if root else None,
    )


def write(name: str, text: str) -> str:
    """Write a small file into the cache and return its path."""
    path = CACHE / name
    if not path.exists():
        path.write_text(text)
    return str(path)


def find(tree: Path, name: str) -> str:
    """Return the path of a library."""
    return str(next(tree.glob(f"usr/lib/*/{name}")))


def sasl_folders(tree: Path) -> list[Path]:
    """Return where the ways to log in are: fetched, or the system's."""
    return [*tree.glob("usr/lib/*/sasl2"), *Path("/").glob("usr/lib/*-linux-gnu*/sasl2")]


def fetch(target: Path) -> None:
    """Unpack the packages, and the libraries that are missing here, into a folder."""
    for needed, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if not shutil.which(needed):
            raise PostfixError(f"{needed} ({package}) is not here to fetch Postfix: {REMEDY}")
    print(f"fetching Postfix into {CACHE}", file=sys.stderr)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        work = Path(folder)
        tree = work / "tree"
        for package in download(work):
            run("dpkg-deb", "-x", package, tree)
        try:
            tree.rename(target)
        except OSError:  # another process was faster; its tree is as good
            if not target.exists():
                raise


def download(work: Path) -> list[Path]:
    """Fetch the packages with an apt whose state is our own, from the system's sources."""
    (work / "lists" / "partial").mkdir(parents=True)
    (work / "archives" / "partial").mkdir(parents=True)
    (work / "apt.conf").write_text(
        f'Dir::State::Lists "{work}/lists";\nDir::Cache "{work}";\nAPT::Sandbox::User "";\n'
        'Acquire::Languages "none";\nAcquire::Retries "3";\nDebug::NoLocking "true";\n'
    )
    own = {"APT_CONFIG": str(work / "apt.conf")}
    run("apt-get", "-qq", "update", environment=own)
    plan = run(
        "apt-get", "-s", "--no-install-recommends", "install", *WANTED, environment=own
    )  # fmt: skip
    missing = [name for name in INSTALLS.findall(plan) if name not in ALWAYS]
    run("apt-get", "-qq", "download", *ALWAYS, *missing, environment=own, folder=work)
    return sorted(work.glob("*.deb"))


def run(*command: object, environment: dict | None = None, folder: Path | None = None) -> str:
    """Run a command and return what it prints; its complaint becomes a `PostfixError`."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        complaint = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[0]
        raise PostfixError(f"{command[0]} could not fetch Postfix ({complaint}): {REMEDY}")
    return done.stdout
