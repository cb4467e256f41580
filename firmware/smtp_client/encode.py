"""What a plain mail does without: display names, encoded words, folding, quoted-printable.

Imported by the first mail that needs one of them, so that the others do not pay for it.
"""

from binascii import b2a_base64

from .message import BLOCK, put, write_header, write_text

try:
    from micropython import const
except ImportError:
    from .cpython import const

_HEX = const(b"0123456789ABCDEF")
_TEXT = (str, bytes, bytearray)


def fit(mail, features):
    """Fit a mail that is large or not ASCII to the lines of the EHLO reply.

    8BITMIME (RFC 6152) and SIZE (RFC 1870) are declared where they are offered; a mail that is
    larger than the server takes is refused here.

    Raises ValueError for a body that an attempt before has used up.
    """
    if mail.body is None:
        from .checks import bad

        raise bad("body", None, " was read by the attempt before: give a new Mail")
    mail.parameters = ">"
    if "tree" in mail.options:
        from .mime import check_unread

        check_unread(mail.options["tree"])
    if mail.encoding == "8bit":
        if b"\n8BITMIME" in features:
            mail.parameters = "> BODY=8BITMIME"
        else:
            mail.encoding = "quoted-printable"
    offered = bytes(features).split(b"\nSIZE")
    if len(offered) > 1 and mail.options and mail.size > BLOCK:
        mail.parameters += " SIZE=%d" % mail.size
        limit = offered[1].split(b"\r")[0].strip()
        if limit.isdigit() and 0 < int(limit) < mail.size:
            from .replies import too_big

            mail.error = too_big(mail.size, int(limit))
    if "dsn" in mail.options or "utf8" in mail.options:
        from .extensions import start

        start(mail, features)


def write(out, mail):
    """Append `mail` to `out` as `Mail.write` does."""
    if mail.options:
        _write_header(out, mail, mail.options)
    else:
        write_header(out, mail, mail.sender, mail.envelope, put, put)
    put(out, "\r\n")
    if "tree" in mail.options:
        from .mime import write

        return write(out, mail.options["tree"])
    if mail.encoding != "quoted-printable":
        return plain(out, mail.body)
    body = (mail.body,) if isinstance(mail.body, _TEXT) else iter(mail.body)
    if body is mail.body:
        mail.body = None  # an iterator gives its text once
    return quoted_printable(out, body)


def plain(out, body):
    """Append `body` as it is, but for line ends and dots, and end its last line."""
    data = body.encode() if isinstance(body, str) else body
    before = 10
    for start in range(0, len(data), 256):
        before = write_text(out, data[start : start + 256], before)
        if len(out) > BLOCK:
            yield False
    if before != 10 and before != 13:
        put(out, "\r\n")


def _write_header(out, mail, options):
    from .checks import MAILBOXES

    write_header(out, mail, options["sender"], options["recipients"], mailbox, subject)
    before = b"Cc: "
    for one in options["cc"]:
        put(out, before)
        mailbox(out, one)
        before = b",\r\n "
    if options["cc"]:
        put(out, "\r\n")
    for name, value in options["headers"].items():
        put(out, name)
        put(out, ": ")
        if name.lower() in MAILBOXES:
            mailbox(out, value)
        else:
            unstructured(out, len(name) + 2, value)
        put(out, "\r\n")


def subject(out, value):
    """Append a subject, folded or encoded."""
    unstructured(out, 9, value)


def mailbox(out, value):
    """Append an address with its display name (RFC 5322 section 3.4, RFC 2047 section 5)."""
    at = value.rfind("<")
    if at < 0:
        put(out, value)
        return
    name = value[:at].strip()
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        name = name[1:-1]
    if not _ascii(name) or len(name) > 450:
        words(out, 15, name)  # column: no field name before it is longer
        put(out, b"\r\n ")
    elif name:
        put(out, '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '" ')
    put(out, value[at:])


def unstructured(out, column, value):
    """Append free text to a field whose value begins at `column`, folded or encoded."""
    pieces = value.split(" ")
    if not _ascii(value) or ("" in pieces and value) or max([len(p) for p in pieces]) > 900:
        words(out, column, value)
        return
    for at, piece in enumerate(pieces):
        if at:
            if column + 1 + len(piece) > 78:  # RFC 5322 section 2.1.1
                put(out, "\r\n")
                column = 0
            put(out, " ")
        put(out, piece)
        column += 1 + len(piece)


def _ascii(value):
    return len(value) == len(value.encode()) and "=?" not in value


def words(out, column, value):
    """Append `value` as encoded words (RFC 2047): lines of at most 76, no character split."""
    gathered = bytearray()
    for character in value:
        octets = character.encode()
        # 12 octets around the base64, in words of at most 75
        if column + 12 + (len(gathered) + len(octets) + 2) // 3 * 4 > 76:
            word(out, gathered)
            put(out, b"\r\n ")
            gathered = bytearray()
            column = 1
        gathered += octets
    word(out, gathered)


def word(out, octets):
    """Append octets as one encoded word, none where there are none."""
    if octets:
        put(out, b"=?utf-8?B?")
        put(out, b2a_base64(octets)[:-1])
        put(out, b"?=")


def quoted_printable(out, body):
    """Append `body` as quoted-printable (RFC 2045 section 6.7), yielding False when full.

    A dot that begins a line is encoded too, so the text needs no stuffing. Every CR, LF and CRLF
    of the body becomes a line end, and the last line is ended.
    """
    column = 0
    before = 10  # the octet before; a blank waits for the next, as it must not end a line
    blank = False
    for chunk in body:
        if not isinstance(chunk, _TEXT):
            from .checks import bad

            raise bad("body", chunk, " is no text: let it give str or bytes")
        if not chunk:
            yield False  # so that the deadline counts and the idle hook is called
        for octet in chunk.encode() if isinstance(chunk, str) else chunk:
            if blank:
                column = _quote(out, before, column, octet != 13 and octet != 10)
            blank = octet == 32 or octet == 9
            if octet == 13 or (octet == 10 and before != 13):
                put(out, "\r\n")
                column = 0
            elif octet != 10 and not blank:
                plain = 33 <= octet <= 126 and octet != 61 and (column or octet != 46)
                column = _quote(out, octet, column, plain)
            before = octet
            if len(out) >= BLOCK:
                yield False
    if blank:
        column = _quote(out, before, column, False)
    if column:
        put(out, "\r\n")


def _quote(out, octet, column, plain):
    """Append one octet of a line and return the column after it."""
    if column > 72:
        put(out, b"=\r\n")
        column = 0
        plain = plain and octet != 46
    if plain:
        out.append(octet)
        return column + 1
    out.append(61)
    out.append(_HEX[octet >> 4])
    out.append(_HEX[octet & 15])
    return column + 3
