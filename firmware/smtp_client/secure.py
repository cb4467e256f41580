"""TLS: its options, and where it begins in the dialogue. Imported by the first client that has it.

Rules
1. The certificate is verified (authority, name, dates) unless `tls_unverified` is True.
2. With "starttls" nothing but EHLO, STARTTLS and QUIT is sent in clear. A server that does not
   offer it, or refuses, gets neither the password nor a mail.
3. What the server said before the handshake is forgotten after it (RFC 3207 section 4.2), and an
   octet that came after its 220 in clear ends the session.
4. The handshake never blocks: it is part of the first read or write, which wait as any other. One
   step of it, the check of a signature say, is a single call that takes a board up to a second;
   the idle hook is called between them.
"""

import gc
from binascii import a2b_base64
from time import gmtime

try:
    import tls
    from micropython import const
except ImportError:
    from .cpython import const, tls

NAMES = ("tls", "ca", "server_hostname", "tls_unverified")

_CONNECT = const(0)  # the states as in dialogue.py
_EHLO = const(1)
_STARTTLS = const(3)
_MAIL = const(5)


def attach(client, options):
    """Let `client` speak TLS as its `options` say; raises ValueError naming one."""
    context = _context(options)
    name = options.get("server_hostname") or client.server[0]
    begin = _starttls if options["tls"] == "starttls" else _implicit
    verified = not options.get("tls_unverified")

    def secure(stage):
        """Begin TLS on the connection; the handshake comes with the first octets."""
        if client.data:
            from .replies import junk

            raise junk(client)
        if verified and gmtime()[0] < 2025:  # where a clock begins that nobody set
            from .errors import insecure

            raise insecure("TLS: set the clock first: certificates have dates", stage)
        gc.collect()  # 17 kB in one piece, on boards whose TLS lives in this heap
        from .tls_socket import TLSSocket

        stream = client.stream
        stream.socket = stream.poller = TLSSocket(context, stream, name, stage)

    begin(client, secure)


def _implicit(client, secure):
    """Begin with TLS, before the first reply is heard."""
    reply = client.reply

    def secure_reply(mail):
        stream = client.stream
        if stream.socket and stream.socket is not stream.poller:
            secure("CONNECT")
        return reply(mail)

    client.reply = secure_reply


def _starttls(client, secure):
    """Ask for TLS after the first EHLO, and say EHLO again after it."""
    write = client.write

    def secure_write(mail):
        stream = client.stream
        if client.state == _STARTTLS:
            secure("STARTTLS")
            client.features = bytearray()
            client.state = _EHLO
        elif client.state == _MAIL and stream.socket is not stream.poller:
            if b"\nSTARTTLS" not in client.features:
                from .errors import insecure

                raise insecure("the server does not offer STARTTLS", "STARTTLS")
            client.command(_STARTTLS)
            return True
        return write(mail)

    client.write = secure_write


def _context(options):
    """Check the options and return what every handshake of the client is made with."""
    from .checks import bad, text

    for name in options:
        if options[name] is not None and options.get("tls") not in ("starttls", "implicit"):
            raise bad("tls", options.get("tls"), ' is no way: give "starttls" or "implicit"')
    if options.get("server_hostname") is not None:
        text("server_hostname", options["server_hostname"])
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if options.get("tls_unverified"):
        context.verify_mode = tls.CERT_NONE  # pyright: ignore[reportAttributeAccessIssue]
        return context
    context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue]
    _trust(context, options.get("ca"))
    return context


def _trust(context, ca):
    """Check the option `ca` and let its certificates prove servers."""
    from .checks import bad

    ca = _octets(ca)
    blocks = ca.split(b"-----BEGIN CERTIFICATE-----")[1:]
    try:
        for block in blocks:  # not every board reads PEM
            context.load_verify_locations(a2b_base64(block.split(b"-----END")[0]))
        if not blocks:
            context.load_verify_locations(ca)
    except (ValueError, OSError):
        raise bad("ca", ca, " is no certificate: give PEM, DER or a file name")


def _octets(ca):
    """Return what the option `ca` holds or names."""
    from .checks import bad

    if not ca or not isinstance(ca, (str, bytes)):
        raise bad("ca", ca, " proves no server: give the certificate of its authority")
    if isinstance(ca, str) and "\n" not in ca:
        try:
            with open(ca, "rb") as file:
                ca = file.read()
        except OSError:
            raise bad("ca", ca, " cannot be read: give PEM, DER or the name of a file with them")
    return ca.encode() if isinstance(ca, str) else ca
