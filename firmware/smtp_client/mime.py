"""Writes the parts of a mail (RFC 2045, RFC 2046, RFC 2183, RFC 2231); `parts.py` checks them.

Imported by the first mail that has them. A part is written while it is read: neither a file nor
its base64 is ever in memory as a whole.
"""

from binascii import b2a_base64

from .checks import bad
from .encode import plain, quoted_printable
from .message import BLOCK, put

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
_LINE = 57  # octets that are a line of 76 in base64 (RFC 2045 section 6.8)
_SIMPLE = "abcdefghijklmnopqrstuvwxyz0123456789-.+_ ()"  # what every reader takes in quotes
_OCTETS = (str, bytes, bytearray)


def check_unread(part):
    """Check that no part was used up by an attempt before."""
    for one in part.get("parts", ()):
        check_unread(one)
    if part.get("content", part) is None:
        raise bad("attachments", None, " was read by the attempt before: give a new Mail")


def write(out, part):
    """Append the content of a part; a generator that yields False when a block is full."""
    if "edge" in part:
        for one in part["parts"]:
            put(out, "\r\n--" + part["edge"] + "\r\n")
            _write_header(out, one)
            yield from write(out, one)
        put(out, "\r\n--" + part["edge"] + "--\r\n")
        return
    content = part["content"]
    if part["encoding"] == "7bit":
        yield from plain(out, content)
        return
    if callable(content):
        content = content()
    elif not isinstance(content, _OCTETS) and iter(content) is content:
        if hasattr(content, "seek"):
            content.seek(0)
        else:
            part["content"] = None  # an iterator gives its octets once
    if isinstance(content, _OCTETS):
        content = (content,)
    yield from (base64 if part["encoding"] == "base64" else quoted_printable)(out, content)
    if callable(part["content"]) and hasattr(content, "close"):
        content.close()


def _write_header(out, part):
    put(out, "Content-Type: " + part["type"] + "\r\n")
    if "edge" not in part:
        put(out, "Content-Transfer-Encoding: " + part["encoding"] + "\r\n")
    if "name" in part:
        put(out, "Content-Disposition: ")
        put(out, "inline" if part["cid"] else "attachment")
        file_name(out, part["name"])
        put(out, "\r\n")
        if part["cid"]:
            put(out, "Content-ID: <" + part["cid"] + ">\r\n")
    put(out, "\r\n")


def file_name(out, name):
    """Append the parameter filename, beyond ASCII or long as of RFC 2231."""
    octets = name.encode()
    odd = [sign for sign in name.lower() if sign not in _SIMPLE]
    if not odd and len(name) < 60 and name.strip() == name:
        put(out, ';\r\n filename="' + name + '"')
        return
    for at in range(0, len(octets), 18):
        put(out, ";\r\n filename*%d*=" % (at // 18) + ("" if at else "utf-8''"))
        for octet in octets[at : at + 18]:
            put(out, "%%%02X" % octet)


def base64(out, content):
    """Append octets, given in pieces, as lines of base64; yields False when a block is full."""
    held = b""  # less than a line
    for chunk in _chunks(content):
        if not chunk:
            yield False  # so that the deadline counts and the idle hook is called
        chunk = held + bytes(chunk)
        view = memoryview(chunk)
        whole = len(chunk) - len(chunk) % _LINE
        for at in range(0, whole, _LINE):
            if len(out) > BLOCK - 78:
                yield False
            put(out, b2a_base64(view[at : at + _LINE], newline=False))
            put(out, "\r\n")
        held = chunk[whole:]
    if held:
        put(out, b2a_base64(held))
        out[-1] = 13  # the LF that it ends with becomes CRLF
        out.append(10)


def _chunks(content):
    """Yield the octets of a file, or of an iterable, in pieces of a bounded size."""
    if hasattr(content, "readinto"):
        buffer = bytearray(_LINE * 8)
        view = memoryview(buffer)
        count = content.readinto(buffer)
        while count:
            yield view[:count]
            count = content.readinto(buffer)
        return
    for chunk in content:
        if not isinstance(chunk, _OCTETS):
            raise bad("attachments: content", chunk, " is no octets: let it give bytes")
        chunk = chunk.encode() if isinstance(chunk, str) else chunk
        for at in range(0, len(chunk), 512) or (0,):
            yield chunk[at : at + 512]
