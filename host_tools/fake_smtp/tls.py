"""TLS on the server's side of one connection, over memory, so that each record can be handled."""

import ssl
from collections.abc import Iterator
from contextlib import suppress

HEADER = 5
"""Octets before the content of a TLS record (RFC 8446 section 5.1); its length is the last two."""


class Cipher:
    """Octets of the network in and out, octets of the conversation out and in.

    version: such as "TLSv1.3", None before the handshake is over
    """

    def __init__(self, context: ssl.SSLContext):
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    @property
    def version(self) -> str | None:
        """Tell which version the two have agreed on."""
        return self._tls.version()

    def feed(self, octets: bytes) -> None:
        """Take what came from the network."""
        self._incoming.write(octets)

    def shake_hands(self) -> bool:
        """Go on as far as can be; tell whether the handshake is over. Raises `ssl.SSLError`."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def records(self) -> Iterator[bytes]:
        """Yield the records that want to go to the network."""
        octets = self._outgoing.read()
        while octets:
            length = HEADER + int.from_bytes(octets[3:HEADER])
            yield octets[:length]
            octets = octets[length:]

    def decrypt(self) -> bytes | None:
        """Return what the client says, b"" at its end, None while no whole record is there."""
        try:
            return self._tls.read(65536)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError:
            return b""

    def encrypt(self, octets: bytes) -> bytes:
        """Return the octets as they go to the network."""
        self._tls.write(octets)
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """Return the close_notify that ends the server's side (RFC 8446 section 6.1)."""
        with suppress(ssl.SSLError):  # the client's own is not waited for
            self._tls.unwrap()
        return self._outgoing.read()
