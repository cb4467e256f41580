"""Where Postfix and its files are, on each system that a gateway runs on."""

from dataclasses import dataclass

from host_tools.gateway.facts import Paths


@dataclass(frozen=True)
class System:
    """A kind of gateway.

    packages: what to install there
    libraries, meta: Postfix's shared libraries and its description of itself; "" for its own idea
    environment: names of variables that Postfix's daemons need
    """

    name: str
    paths: Paths
    daemons: str
    data: str
    packages: tuple[str, ...] = ()
    libraries: str = ""
    meta: str = ""
    environment: tuple[str, ...] = ()


DEBIAN = System(
    "debian",
    Paths(),
    daemons="/usr/lib/postfix/sbin",
    data="/var/lib/postfix",
    packages=("postfix", "libsasl2-modules", "ca-certificates", "python3", "nftables"),
)

OPENWRT = System(
    "openwrt",
    Paths(
        queue="/usr/var/spool/postfix", state="/etc/alarmpost", status="/var/run/alarmpost.json"
    ),
    daemons="/usr/libexec/postfix",
    data="/usr/var/lib/postfix",
    packages=("postfix", "ca-bundle"),
)
"""Its /var is memory: the queue and Postfix's data live below /usr/var, on flash."""

SYSTEMS = {system.name: system for system in (DEBIAN, OPENWRT)}
