"""Count the socket calls of mails and their waits for a reply: `calls PORT RECIPIENTS MAILS`.

MAILS 0 is one mail by send_mail(); else so many in one session, each sent with the next in sight.

Between the client and the network stand a socket and a poller that count. A wait for a reply is a
poll that may block until the server speaks, the first one after connecting or writing.
"""

import json
import sys

import smtp_client.stream
from sample import BODY, HOST, SENDER, SUBJECT, recipients
from smtp_client import Mail, SMTPClient, send_mail

READS = ("recv", "recv_into", "recvfrom", "read", "readinto", "readline")
WRITES = ("write", "send", "sendall", "sendto")
POLLIN = 1

counts = {"waits": 0, "reads": 0, "writes": 0}
asked = [False]  # whether the client has spoken since its last wait
real_socket = smtp_client.stream.socket
real_poll = smtp_client.stream.poll


class Socket:
    """A socket that counts reads and writes."""

    def __init__(self, *arguments):
        self.real = real_socket(*arguments)

    def __getattr__(self, name):
        method = getattr(self.real, name)
        if name in READS:
            return counted("reads", method)
        if name in WRITES:
            return counted("writes", method)
        if name == "connect":
            asked[0] = True
        return method


def counted(kind, method):
    """Return `method` so that each call counts."""

    def call(*arguments):
        counts[kind] += 1
        if kind == "writes":
            asked[0] = True
        return method(*arguments)

    return call


class Poller:
    """A poller of one `Socket` that counts waits for a reply."""

    def __init__(self):
        self.real = real_poll()

    def register(self, tcp, event):
        """Watch the socket for an event."""
        self.event = event
        self.real.register(tcp.real, event)

    def modify(self, tcp, event):
        """Watch the socket for another event."""
        self.event = event
        self.real.modify(tcp.real, event)

    def ipoll(self, timeout):
        """Wait so many milliseconds."""
        if asked[0] and timeout and self.event == POLLIN:
            asked[0] = False
            counts["waits"] += 1
        return self.real.ipoll(timeout)


def session(port, to, number):
    """Send so many mails in one session."""
    client = SMTPClient(HOST, port)
    mails = [Mail(SENDER, to, SUBJECT, BODY) for _ in range(number)] + [None]
    for at in range(number):
        client.send(mails[at], mails[at + 1], at + 1 == number)


smtp_client.stream.socket = Socket
smtp_client.stream.poll = Poller
port, to, number = int(sys.argv[1]), recipients(int(sys.argv[2])), int(sys.argv[3])
if number:
    session(port, to, number)
else:
    send_mail(HOST, port, SENDER, to, SUBJECT, BODY)
print(json.dumps(counts))
