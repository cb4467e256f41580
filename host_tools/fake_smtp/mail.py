"""A mail as it came over the wire."""

import email
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from pathlib import Path

END_OF_TEXT = b"\r\n.\r\n"


@dataclass(frozen=True)
class Mail:
    r"""A mail that the server has taken.

    number: which mail of the server this is, from 1
    sender, recipients: the envelope; the recipients are those accepted
    raw: the octets on the wire after the 354 up to and with the final CRLF.CRLF
    parameters: those of MAIL, such as {"SIZE": "600"}; those of RCPT are in the session
    received: when its last octet came
    """

    number: int
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    parameters: dict[str, str] = field(default_factory=dict)
    received: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def data(self) -> bytes:
        """The mail text: without the final dot and the stuffed ones, every line end as it came."""
        lines = b"\r\n" + self.raw.removesuffix(b".\r\n")
        return lines.replace(b"\r\n.", b"\r\n").removeprefix(b"\r\n")

    @cached_property
    def message(self) -> EmailMessage:
        """The mail text as `email` reads it."""
        return email.message_from_bytes(self.data, policy=default)

    @property
    def bare_cr(self) -> int:
        """Count the CRs without an LF after them."""
        return len(re.findall(rb"\r(?!\n)", self.raw))

    @property
    def bare_lf(self) -> int:
        """Count the LFs without a CR before them."""
        return len(re.findall(rb"(?<!\r)\n", self.raw))

    @property
    def file_name(self) -> str:
        """A name under which mails sort by time, in UTC so that no clock change reorders them."""
        return f"{self.received:%Y%m%dT%H%M%S.%fZ}-{self.number:04}.eml"


def end_of_text(text: bytes | bytearray, start: int = 0) -> int:
    """Return the length of a mail text with its final dot, -1 when it is not there yet.

    The CRLF that ends the DATA command counts as the one before the dot (RFC 5321 section
    4.1.1.4), and nothing but CRLF.CRLF ends a text. `start` is how much has been searched before.
    """
    if text.startswith(END_OF_TEXT[2:]):
        return len(END_OF_TEXT) - 2
    found = text.find(END_OF_TEXT, max(0, start - len(END_OF_TEXT)))
    return found if found < 0 else found + len(END_OF_TEXT)


def keep(mail: Mail, folder: Path) -> Path:
    """Write the mail into the folder in one step, so that no reader sees half a file."""
    path = folder / mail.file_name
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as part:
        part.write(mail.data)
    Path(part.name).chmod(0o644)
    return Path(part.name).replace(path)
