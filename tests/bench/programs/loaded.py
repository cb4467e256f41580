"""Tell which modules of the client one plain mail loads: `loaded PORT SLOWNESS`.

SLOWNESS is how many milliseconds the client dawdles before it looks at the network: with enough of
them the server has said all that it will say, and may have ended the connection.
"""

import json
import sys
from time import sleep_ms, ticks_ms

import smtp_client.stream

slowness = int(sys.argv[2])


def dawdle():
    """Return the time, after a while."""
    sleep_ms(slowness)
    return ticks_ms()


if slowness:
    smtp_client.stream.ticks_ms = dawdle
import plain  # noqa: E402, F401  (sends the mail)

print(json.dumps([name for name in sys.modules if name.startswith("smtp_client.")]))
