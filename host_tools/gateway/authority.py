"""Throw-away certificates for a provider that is none."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """A certificate authority whose certificate is `ca_file`."""

    def __init__(self, folder: Path):
        self.authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca_file))

    def server(self, *names: str) -> ssl.SSLContext:
        """Return what a server with these names needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context
