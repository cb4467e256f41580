"""Tell which modules of the client one plain mail loads: `loaded PORT`."""

import json
import sys

import plain  # noqa: F401  (sends the mail)

print(json.dumps([name for name in sys.modules if name.startswith("smtp_client.")]))
