"""CRAM-MD5 (RFC 2195). Imported when it is used."""

from hashlib import md5


def digest(key, text):
    """Return HMAC-MD5 (RFC 2104) in hexadecimal."""
    if len(key) > 64:
        key = md5(key).digest()
    key += bytes(64 - len(key))
    inner = md5(bytes([octet ^ 0x36 for octet in key]) + text).digest()
    outer = md5(bytes([octet ^ 0x5C for octet in key]) + inner).digest()
    return b"".join([b"%02x" % octet for octet in outer])
