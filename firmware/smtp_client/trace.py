"""The dialogue with a trace of its lines; imported by the first client that wants one."""

from .dialogue import Dialogue
from .errors import printable


class TracedDialogue(Dialogue):
    """A dialogue that shows each command it writes and each reply line it takes.

    client: the SMTPClient whose `trace` is called
    """

    def __init__(self, client):
        super().__init__(client.out, client.host)
        self._client = client

    def _show(self, state, direction, octets):
        client = self._client
        client.trace(state, direction, printable(octets), client.stream.elapsed())

    def command(self, state, text="", mail=None):
        """Write one command as `Dialogue.command` does, and show it."""
        start = len(self.out)
        if state == "BODY":
            self._show(state, ">", b"(the mail)")
        super().command(state, text, mail)
        self._show(state, ">", self.out[start:])

    def reply(self, mail):
        """Take a reply line as `Dialogue.reply` does, and show it whatever it leads to."""
        before = self.reader.next
        state = self.pending[0]
        try:
            return super().reply(mail)
        finally:
            if self.reader.next != before:
                self._show(state, "<", self.reader.data[before : self.reader.next])
