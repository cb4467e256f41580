"""Run in a network namespace of its own: a gateway that listens on every address; print its check.

Nothing outside can reach it there.
"""

import subprocess
import sys

from host_tools.gateway.check import Target, check, report
from host_tools.gateway.postfix import Postfix, private_folder
from host_tools.gateway.render import facts_of
from host_tools.gateway.trial import LOOPBACK
from tests.gateway.plant import gateway


def main() -> int:
    """Check it."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    model = gateway({"gateway.listen": ["127.0.0.1"], "gateway.networks": [LOOPBACK]})
    with private_folder() as folder:
        postfix = Postfix(folder / "postfix", model)
        postfix.host = "0.0.0.0"
        postfix.extra = "inet_interfaces = all\n"
        with postfix:
            known = facts_of(model, postfix.system, postfix.port)
            results = list(check(Target("127.0.0.1", postfix.port, here=True), known))
    print(report("127.0.0.1", results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
