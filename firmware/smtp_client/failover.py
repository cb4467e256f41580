"""Several servers for one client: the next one when one fails. Imported by the first list of them.

Rules
1. The next server gets a mail only while it is certain that none before has it: after a transient
   refusal, or where no session came about; never after "unknown", nor after a permanent refusal.
2. The server that was the last to be tried is the first for the next mail.
3. The error of the last one tells what each said.
"""

from .checks import bad
from .errors import SMTPError

# pyright: reportGeneralTypeIssues=false


def attach(client, servers, port, options):
    """Let `client` use a list of servers, each a host or (host, port, a dict of options)."""
    if not servers:
        raise bad("host", servers, " is empty: give at least one server")
    clients = [_client(type(client), one, port, options) for one in servers]
    client.stream = sessions = Sessions(clients)

    def call(name, *args):
        client.start(name)
        try:
            return _first(clients, name, args)
        finally:
            client.busy = False

    def send(mail, next=None, last=False):  # noqa: A002
        try:
            return call("send", mail, next, last)
        finally:
            if last:
                sessions.close()

    client.send = send
    client.verify = lambda sender, recipients: call("verify", sender, recipients)


class Sessions:
    """The sessions with all servers: the stream of a client that has no connection of its own."""

    socket = True  # so that `SMTPClient.close` ends with close()

    def __init__(self, clients):
        self.clients = clients

    def close(self):
        """Say QUIT to all servers."""
        for client in self.clients:
            client.close()


def _client(kind, server, port, options):
    """Return the client for one server; its own options come before those for all."""
    given = [server] if isinstance(server, str) else server
    remedy = " is no server: give a host, or (host, port), or (host, port, a dict of options)"
    if not isinstance(given, (tuple, list)) or not 0 < len(given) < 4:
        raise bad("host", server, remedy)
    own = given[2] if len(given) > 2 else {}
    if not isinstance(own, dict) or not isinstance(given[0], str):
        raise bad("host", server, remedy)
    merged = options.copy()
    merged.update(own)
    return kind(given[0], given[1] if len(given) > 1 else port, **merged)


def _first(clients, name, args):
    """Call this method of one client after the other until one succeeds, which stays the first."""
    said = []
    last = None
    for _ in range(len(clients)):
        client = clients[0]
        try:
            return getattr(client, name)(*args)
        except SMTPError as error:
            said.append("%s port %d: " % client.server + str(error))
            if last:
                error.text = "; ".join(said)
            last = error
            if error.outcome == "unknown" or not error.transient:
                break
        except ValueError as error:  # the body was used up by the attempt before
            last = last or error
            break
        clients.append(clients.pop(0))
    raise last
