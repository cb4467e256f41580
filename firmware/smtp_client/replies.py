"""The bounded reply reader (RFC 5321 sections 4.2 and 4.5.3.1.5); it does no I/O.

Contract: `feed()` gives it octets in any portions; `line()` takes one reply line from them and
returns True, or returns False when it needs more octets, or raises SMTPProtocolError. It holds one
unfinished line and what the last `feed()` brought, whatever the server sends.
"""


class ReplyReader:
    """Reply lines out of octets.

    data: the octets at hand; `next` is where in them the next line begins
    code: the reply code of the line taken last; its text is data[text:next]
    count: which line of its reply it was, from 1
    more: whether its reply goes on
    said: what the lines of a refusal (4xx, 5xx) said so far
    """

    def __init__(self):
        self.data = self.said = b""
        self.next = self.text = self.code = self.count = 0
        self.more = False

    def feed(self, data):
        """Add octets that came from the server."""
        self.data = self.data[self.next :] + data if self.waiting() else data
        self.next = 0

    def waiting(self):
        """Return how many octets are here that no `line()` has taken."""
        return len(self.data) - self.next

    def line(self):
        """Take one line and return True, or False when it needs more octets."""
        data = self.data
        start = self.next
        end = data.find(b"\n", start) + 1
        if not end and self.waiting() <= 512:
            return False
        code = 0
        if 4 <= end - start <= 512:  # RFC 5321, with CRLF
            for index in range(start, start + 3):
                digit = data[index] - 48
                code = code * 10 + digit if 0 <= digit <= 9 else 999
        if (
            not 200 <= code <= 599
            or data[start + 3] not in b" -\r\n"
            or (self.more and code != self.code)
            or self.count > 99  # ours: an EHLO reply has some twenty lines
        ):
            from .errors import not_a_reply

            raise not_a_reply(self)
        if not self.more:
            self.count = 0
            self.said = b""
        self.count += 1
        self.more = data[start + 3] == 45  # "-"
        self.code = code
        self.text = start + 4
        self.next = end
        if code > 399 and len(self.said) < 256:  # ours: the first lines tell why
            self.said += data[start + 4 : end]
        return True
