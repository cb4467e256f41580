"""A test mail through each gateway, asked for on the console; each stage is told with its time.

The mail goes past the outbox, by the notifier's own client, whose session ends for it. While the
notifier itself is within a session there is no test.
"""

import sys
from socket import SOCK_STREAM, getaddrinfo

from borrow import borrow

try:
    from time import ticks_diff, ticks_ms
except ImportError:  # CPython
    from smtp_client.cpython import ticks_diff, ticks_ms


def answer(app, words, say):
    """Send a test mail to lists or addresses, to the list `system` where none is given."""
    client = app.notifier.client
    if client and client.busy:
        raise ValueError("busy: a mail is on its way, try again in a minute")
    state = borrow("overview").link(app.board.link)
    say("link", state)
    if state != "up":
        raise ValueError("%s: %s" % (state, borrow("advice").LINK[state]))
    say("address", app.board.link.address)
    app.notifier.connect()
    client = app.notifier.client
    known = list(sys.modules)
    idle = client.stream.idle
    server = client.server
    client.stream.idle = app.watch  # no other command meanwhile
    client.close()
    app.notifier.client = None  # or who lacks memory lets it go meanwhile
    try:
        return Trial(app, words[1:], say).run(client)
    finally:
        client.server = server
        client.stream.idle = idle
        app.notifier.client = client
        for name in list(sys.modules):
            if name.startswith("smtp_client.") and name not in known:
                borrow(name)  # for the last time: an error, say, that only this had


class Trial:
    """A test of all gateways.

    names: of lists of recipients, or their addresses
    """

    def __init__(self, app, names, say):
        settings = borrow("settings").Settings(app.folder[:-1])
        settings.generations = app.generations
        settings.at(app.outbox.boots)
        self.site = settings.read("site")
        self.to = recipients(self.site, names, settings.read("lists") or {})
        self.board = app.board.name
        self.say = say

    def run(self, client):
        """Try one gateway after the other; return what is to be told in the end."""
        self.say("to", self.to)
        gateways = self.site["gateways"]
        taken = 0
        for host, port in gateways:
            self.name = "%s:%d" % (host, port)
            try:
                client.server = self.find(host, port), port
                taken += self.send(client)
            except Exception as error:
                if not hasattr(error, "outcome"):
                    raise
                self.fail(error)
        told = "%d of %d gateways take it" % (taken, len(gateways))
        if not taken:
            raise ValueError(told)
        return told

    def find(self, host, port):
        """Return the address of a name, and tell how long it took."""
        if host.replace(".", "").isdigit():
            return host
        start = ticks_ms()
        try:
            found = getaddrinfo(host, port, 0, SOCK_STREAM)[0][-1][0]
        except Exception:  # whatever the port's resolver raises: the client puts it into words
            return host
        self.tell("LOOKUP", ticks_diff(ticks_ms(), start), found)
        return found

    def send(self, client):
        """Send the mail through a gateway; tell whether all recipients were taken."""
        from smtp_client import Mail

        site = self.site
        subject = "[%s] %s TEST" % (site["plant"], site["device"])
        last = self.name, site["plant"], site["device"], self.board, borrow("version").VERSION
        text = "A test mail by way of %s.\n\n%s, %s, %s, alarmpost %s\n" % last
        self.last = ticks_ms()
        client.reply = self.listen(client)
        try:
            refused = client.send(Mail(site["sender"], self.to, subject, text), last=True)
        finally:
            del client.reply
        for address in refused:
            self.fail(refused[address], address + ": ")
        return not refused

    def listen(self, client):
        """Return what stands for `client.reply`: it tells each reply, by its last line."""
        from smtp_client.dialogue import TABLE

        reply = client.reply

        def take(mail):
            lines = client.data[client.next :].split(b"\n")
            if len(lines) > 1 and client.pending and lines[0][3:4] != b"-":
                now = ticks_ms()
                stage = (TABLE[4 * client.pending[0]] or "CONNECT").split(" ")[0]
                text = bytes([o if 32 <= o < 127 else 63 for o in lines[0].strip()]).decode()
                if stage != "QUIT":  # whether its reply comes in time tells nothing
                    self.tell("BODY" if stage == "." else stage, ticks_diff(now, self.last), text)
                self.last = now
            return reply(mail)

        return take

    def tell(self, stage, took, text):
        """Tell a stage, how many ms it took, and what came of it."""
        self.say("%s %s" % (self.name, stage), [took, text])

    def fail(self, error, address=""):
        """Tell a failure, and what to do."""
        remedy = borrow("advice").explain(error)
        self.say("%s %s" % (self.name, "failed"), "%s%s; %s" % (address, error, remedy))


def recipients(site, names, lists):
    """Return the addresses that names stand for; raise ValueError where one is not known."""
    known = site["addresses"]
    mask = 0 if names else site["system"]
    for name in names:
        if name in known:
            mask |= 1 << known.index(name)
        elif name in lists:
            mask |= lists[name]
        else:
            choice = ", ".join(sorted(lists) + known)
            raise ValueError("%s: no such list or address: give one of %s" % (name, choice))
    return [known[bit] for bit in range(len(known)) if mask >> bit & 1]
