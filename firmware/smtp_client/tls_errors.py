"""What TLS fails of, in the words of MicroPython's mbedTLS and of CPython's OpenSSL, named alike.

Imported by the first failure.
"""

from .errors import SMTPSecurityError

# (what the library says or its code, what it means); the first that fits counts
_CAUSES = (
    (("expired",), "the certificate has expired, or the clock is wrong"),
    (("future", "not yet valid"), "the certificate is not valid yet, or the clock is wrong"),
    (("expected CN", "mismatch"), "the certificate is not for %s"),
    (
        ("trusted CA", "self-signed", "self signed", "issuer", "-30336"),
        "the certificate is signed by none of ca",
    ),
    (("invalid cert",), "the certificate cannot be read"),
    (
        ("-29184", "-29056", "WRONG_VERSION", "RECORD_LAYER", "HTTP_REQUEST"),
        "the server does not speak TLS here",
    ),
    (("-28288", "PROTOCOL", "-26368"), "no version of TLS in common"),
    (("-29312", "UNEXPECTED_EOF", "EOF occurred"), "the server ended the handshake"),
    (("-30592", "ALERT"), "the server refused the handshake"),
    (("-28160", "-26112", "-30208"), "the handshake cannot be understood"),
    (("-32512", "ENOMEM"), "out of memory: it takes some 20 kB in one piece"),
)


def named(error, socket):
    """Return the error for one of the library, before or after the handshake; or raise it."""
    words = _words(error)
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if socket.ready and code == -29312:
        socket.stream.throw("closed")
    if code and abs(code) < 256 and code != 12 and not hasattr(error, "reason"):
        socket.stream.throw(error)  # of the socket beneath, not of TLS
    for signs, meaning in _CAUSES:
        if [sign for sign in signs if sign in words]:
            words = (meaning % socket.name if "%" in meaning else meaning) + ": " + words
            break
    return SMTPSecurityError("TLS: " + words, "" if socket.ready else socket.stage)


def _words(error):
    """Return what the library says, in one line: CPython's verdict, or the code and its name."""
    said = getattr(error, "verify_message", "") or " ".join([str(arg) for arg in error.args])
    return "; ".join([line for line in said.split("\n") if line])
