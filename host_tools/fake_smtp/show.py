"""Sessions and mails for people's eyes, as rich renderables.

Nothing that came over the wire reaches the terminal as it is: control characters, which could
move the cursor or worse, are escaped, and rich's markup is not interpreted.
"""

import unicodedata
from collections.abc import Iterator
from email.message import EmailMessage

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from host_tools.fake_smtp.mail import Mail
from host_tools.fake_smtp.session import Event, Session

HEADERS = ("From", "To", "Cc", "Bcc", "Date", "Subject")
REQUIRED = ("From", "Date")  # RFC 5322 section 3.6

SIGNS = {
    # kind: (sign, style, what is shown; {} is the data)
    "opened": ("*", "bold", "connection from {}"),
    "tls": ("*", "bold cyan", "{}"),
    ">": (">", "cyan", "{}"),
    "text": (">", "cyan", "(mail text, {})"),
    "mail": ("*", "bold green", "mail {}"),
    "<": ("<", "green", "{}"),
    "!": ("!", "bold magenta", "scenario: {}"),
    "fault": ("?", "bold yellow", "{}"),
    "ended": ("*", "bold", "ended: {}"),
}


def event_view(event: Event) -> Text:
    """Show one event: connection, milliseconds, stage, sign, then each line of it."""
    sign, style, form = SIGNS[event.kind]
    left = f"#{event.session.number} {event.seconds * 1000:8.1f} ms  {event.stage:8} {sign} "
    lines = [form.format(line) for line in event_lines(event)]
    return Text("\n").join(Text.assemble((left, "dim"), (line, style)) for line in lines)


def event_lines(event: Event) -> list[str]:
    """Tell what an event is about, in lines without control characters."""
    if event.mail is not None:
        return [f"{event.mail.number}, {len(event.mail.data)} octets: {envelope(event.mail)}"]
    if event.kind == "text":
        return [f"{len(event.data)} octets"]
    return [printable(line) for line in event.data.removesuffix(b"\r\n").split(b"\r\n")]


def session_view(session: Session) -> Group:
    """Show a whole session."""
    return Group(*(event_view(event) for event in list(session.events)))


def mail_view(mail: Mail) -> RenderableType:
    """Show a mail as a mail program does, between two rules."""
    return Group(Rule(Text(f"mail {mail.number}")), mail_text(mail), Rule())


def mail_text(mail: Mail) -> Text:
    """Return the envelope and the mail, as lines."""
    try:
        content = Text("\n").join(message_lines(mail.message))
    except Exception:
        content = Text(printable(mail.data.replace(b"\r\n", b"\n"), keep="\n\t"))
    return Text("\n").join((*envelope_lines(mail), content))


def envelope_lines(mail: Mail) -> Iterator[Text]:
    """Yield what a mail program does not show: the envelope and damaged line ends."""
    yield Text(f"Envelope: {envelope(mail)}", "dim")
    if mail.bare_cr or mail.bare_lf:
        text = f"damaged line ends: {mail.bare_cr} CR and {mail.bare_lf} LF stand alone"
        yield Text(text, "bold yellow")


def envelope(mail: Mail) -> str:
    """Tell from whom and to whom the mail went."""
    return printable(f"<{mail.sender}> to {', '.join(f'<{name}>' for name in mail.recipients)}")


def message_lines(message: EmailMessage) -> Iterator[Text]:
    """Yield the headers, the text, and a line for each attachment."""
    for name in HEADERS:
        if message[name] is not None:
            yield Text.assemble((f"{name}: ", "bold"), printable(str(message[name])))
        elif name in REQUIRED:
            yield Text.assemble((f"{name}: ", "bold"), ("(missing)", "bold yellow"))
    text, attachments = text_and_attachments(message)
    yield Text()
    yield Text(printable(decoded(text), keep="\n\t").rstrip("\n")) if text else Text("(no text)")
    for part in attachments:
        yield attachment_line(part)


def text_and_attachments(
    message: EmailMessage,
) -> tuple[EmailMessage | None, list[EmailMessage]]:
    """Return the part to read, plain text if there is one, and the other parts."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    texts = [
        part
        for part in parts
        if part.get_content_maintype() == "text" and not part.is_attachment()
    ]
    texts.sort(key=lambda part: part.get_content_subtype() != "plain")
    text = texts[0] if texts else None
    return text, [part for part in parts if part is not text]


def decoded(part: EmailMessage) -> str:
    """Return the text of a part; octets that do not fit its charset are marked, not hidden."""
    octets = content(part).replace(b"\r\n", b"\n")
    try:
        return octets.decode(part.get_content_charset("utf-8"), "surrogateescape")
    except (LookupError, UnicodeError):
        return octets.decode("ascii", "surrogateescape")


def content(part: EmailMessage) -> bytes:
    """Return the content of a part without its transfer encoding."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def attachment_line(part: EmailMessage) -> Text:
    """Name an attachment, its type and its size."""
    name = printable(part.get_filename() or "(no name)")
    kind = printable(part.get_content_type())
    return Text(f"Attachment: {name}, {kind}, {len(content(part))} octets", "bold")


def printable(text: str | bytes, keep: str = "") -> str:
    r"""Escape every character that is not printable, as \xNN or \uNNNN; those in `keep` stay."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    return "".join(
        character if character.isprintable() or character in keep else escaped(character)
        for character in text
    )


def escaped(character: str) -> str:
    """Spell out a character; an exotic blank becomes a blank, an undecodable octet its value."""
    if unicodedata.category(character) == "Zs":
        return " "
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # what "surrogateescape" makes of an octet
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
