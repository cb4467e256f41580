"""A test mail, asked for on the console: each stage with its time, and each failure with a remedy.

The first gateway that takes the mail gets it. The others, which would only be tried after it, are
asked whether they would take one.
"""

import sys
from socket import SOCK_STREAM, getaddrinfo

from borrow import borrow

try:
    from micropython import const
    from time import ticks_diff, ticks_ms
except ImportError:  # CPython
    from smtp_client.cpython import const, ticks_diff, ticks_ms

_DEADLINE = const(60000)  # ms for each gateway

# Stages of the dialogue; how the error begins, behind its stage; what to do. The first counts.
REMEDIES = """\
CONNECT;name look-up;give the address in "gateways", or let the router know the name
CONNECT;refused;nothing listens there: start Postfix, or correct the port in "gateways"
CONNECT;unreachable;no way leads there: correct "gateways", or mask and router of the board
CONNECT;time-out;nobody answers: is the gateway on, its address right, no firewall between?
CONNECT EHLO HELO;5;it does not talk to the board: allow the address of the board there
MAIL;5;it does not take this sender: allow it there, or correct "sender"
RCPT;5;it does not take mail to there from the board: correct "recipients", or allow it there
CONNECT EHLO HELO MAIL RCPT DATA BODY;4;not now: try again, or look into the log of the gateway
CONNECT EHLO HELO MAIL RCPT DATA BODY;;look into the log of the gateway"""

LINKS = """\
no link;plug the cable in, and see whether the lamp of the switch is on
no address;let DHCP answer: look at the router, or at the port of the switch"""


def answer(app, words, say):
    """Send a test mail to lists or addresses, to the list `system` where none is given."""
    client = app.notifier.client
    if client and client.busy:
        raise ValueError("busy: a mail is on its way, try again in a minute")
    state = borrow("overview").link(app.board.link)
    say("link", state)
    for row in LINKS.split("\n"):
        why, remedy = row.split(";")
        if state == why:
            raise ValueError("%s: %s" % (why, remedy))
    say("address", app.board.link.address)
    trial = Trial(app, words[1:], say)
    app.notifier.connect()  # or the code of the client may be away
    known = list(sys.modules)
    try:
        return trial.run()
    finally:
        for name in list(sys.modules):
            if name.startswith("smtp_client.") and name not in known:
                borrow(name)  # for the last time: only this needed it


class Trial:
    """A test of all gateways.

    names: of lists of recipients, or their addresses
    """

    def __init__(self, app, names, say):
        settings = borrow("settings").Settings(app.folder[:-1])
        settings.generations = app.generations
        settings.at(app.outbox.boots)
        self.app = app
        self.say = say
        self.site = settings.read("site")
        self.to = self.recipients(names, settings.read("lists") or {})

    def recipients(self, names, lists):
        """Return the addresses; raise ValueError where a name is not known."""
        known = self.site["addresses"]
        mask = 0 if names else self.site["system"]
        for name in names:
            if name in known:
                mask |= 1 << known.index(name)
            elif name in lists:
                mask |= lists[name]
            else:
                choice = ", ".join(sorted(lists) + known)
                raise ValueError("%s: no such list or address: give one of %s" % (name, choice))
        return [known[bit] for bit in range(len(known)) if mask >> bit & 1]

    def run(self):
        """Try one gateway after another; return what is to be told in the end."""
        self.say("to", self.to)
        taken = ""
        failed = 0
        for host, port in self.site["gateways"]:
            self.name = "%s:%d" % (host, port)
            self.last = 0
            try:
                refused = self.offer(host, port, taken)
            except Exception as error:
                if not hasattr(error, "outcome"):
                    raise
                failed += 1
                self.fail(error)
                continue
            for address in refused:
                self.fail(refused[address], address + ": ")
            taken = taken or self.name
        if not taken:
            raise ValueError("no gateway takes it")
        return "taken by %s%s" % (taken, ", gateways that fail: %d" % failed if failed else "")

    def offer(self, host, port, taken):
        """Offer the mail to a gateway, or ask it; return the recipients refused."""
        from smtp_client import SMTPClient

        client = SMTPClient(self.find(host, port), port)
        client.deadline = _DEADLINE
        client.name = self.app.notifier.name
        client.stream.idle = self.app.watch
        borrow("smtp_client.trace").attach(client, self.trace)
        try:
            sender = self.site["sender"]
            if taken:
                return client.verify(sender, self.to)[0]
            return client.send(self.mail(sender), last=True)
        finally:
            client.close()

    def find(self, host, port):
        """Return the address of a name, and tell how long it took; where there is none, the name."""
        if host.replace(".", "").isdigit():
            return host
        start = ticks_ms()
        try:
            found = getaddrinfo(host, port, 0, SOCK_STREAM)[0][-1]
        except Exception:  # whatever the port's resolver raises; the client words it
            return host
        if not isinstance(found, tuple):
            return host
        self.tell("LOOKUP", ticks_diff(ticks_ms(), start), found[0])
        return found[0]

    def mail(self, sender):
        """Return the mail."""
        from smtp_client import Mail

        site = self.site
        last = site["plant"], site["device"], self.app.board.name, borrow("version").VERSION
        return Mail(
            sender,
            self.to,
            "[%s] %s TEST" % (site["plant"], site["device"]),
            "A test mail, asked for on the console.\n\n%s, %s, %s, alarmpost %s\n" % last,
        )

    def trace(self, stage, direction, line, ms):
        """Tell a reply that is complete."""
        if direction == "<" and line[3:4] != "-":
            self.tell(stage, ms - self.last, line)
            self.last = ms

    def tell(self, stage, ms, what):
        """Tell a stage, and how long it took."""
        self.say("%s %s" % (self.name, stage), [ms, what])

    def fail(self, error, address=""):
        """Tell a failure, and what to do."""
        code = str(error.code or "")
        for row in REMEDIES.split("\n"):
            stages, begin, remedy = row.split(";")
            if error.stage in stages.split(" ") and (code or error.text).startswith(begin):
                break
        else:
            remedy = "look into the log of the gateway"
        self.say(self.name + " failed", "%s%s; %s" % (address, error, remedy))
