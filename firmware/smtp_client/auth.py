"""AUTH (RFC 4954): the mechanisms. Imported by the first client with a password.

Rules
1. No password without TLS, unless `auth_in_clear` is True.
2. `auth` names the mechanism, else the first of `_ORDER` that the server offers is taken. SCRAM is
   left out: its key derivation takes a board some ten seconds.
3. Neither trace nor errors show a secret, also where the server repeats it.
4. A server that asks on and on is told "*", once.
"""

from binascii import a2b_base64, b2a_base64

try:
    from micropython import const
except ImportError:
    from .cpython import const

_AUTH = const(4)  # the states as in dialogue.py
_MAIL = const(5)

_ORDER = ("PLAIN", "LOGIN", "CRAM-MD5")  # within TLS: the fewest round trips
_IN_CLEAR = ("CRAM-MD5", "PLAIN", "LOGIN")  # the password itself last
_TOKEN = ("XOAUTH2",)  # its password is another thing, so it must be asked for


def attach(client, options):
    """Let `client` say who it is before its first mail; raises ValueError naming an option."""
    _check(options)
    write = client.write
    reply = client.reply
    login = Login(options)

    def auth_write(mail):
        if client.state == _MAIL and login.session is not client.stream.socket:
            login.begin(client)
            return True
        if client.state == _AUTH:
            login.go_on(client)
            return True
        return write(mail)

    def auth_reply(mail):
        if client.pending and client.pending[0] == _AUTH:
            client.data = login.masked(client.data, client.next + 4)
        return reply(mail)

    client.write = auth_write
    client.reply = auth_reply


def _check(options):
    from .checks import bad, octets

    for name in ("username", "password"):
        value = options.get(name)
        if not isinstance(value, str) or not value or "\0" in value:
            raise bad(name, "..." if value else value, " is no text: give username and password")
        octets(name, value)
    if options.get("auth") not in (None,) + _ORDER + _TOKEN:
        known = ", ".join(_ORDER + _TOKEN)
        raise bad("auth", options["auth"], " is not known: there are " + known)


class Login:
    """The credentials, and how far the server has been told them.

    session: the connection in which they are
    secrets: what must not be shown
    """

    session = None

    def __init__(self, options):
        self.user = options["username"].encode()
        self.password = options["password"].encode()
        self.asked = options.get("auth")
        self.in_clear = options.get("auth_in_clear")

    def begin(self, client):
        """Choose a mechanism and write the command."""
        self.session = stream = client.stream.socket
        secure = stream is client.stream.poller
        if not secure and not self.in_clear:
            _refuse("no password without TLS: give tls, or auth_in_clear=True")
        self.mechanism = self.choose(bytes(client.features), secure)
        self.secrets = [self.password]
        self.count = 0
        first = self.answer(b"") if self.mechanism in ("PLAIN", "XOAUTH2") else b""
        client.state = _AUTH
        if first and len(first) < 480:  # else the line would be too long (RFC 4954 section 4)
            self.count = 1
            first = b" " + first
        else:
            first = b""
        client.command(_AUTH, "AUTH " + self.mechanism, first)

    def choose(self, features, secure):
        """Return the mechanism to use."""
        offered = []
        for line in features.split(b"\n")[1:]:
            if line[:5] in (b"AUTH ", b"AUTH="):
                offered += line[5:].decode().split()
        order = (self.asked,) if self.asked else _ORDER if secure else _IN_CLEAR
        for mechanism in order:
            if mechanism in offered:
                return mechanism
        return _refuse("the server offers " + (" ".join(offered) or "no AUTH"))

    def go_on(self, client):
        """Answer the challenge, or end a server's asking."""
        if self.count > 4:  # more than any mechanism has, and the "*" after them
            _refuse("the server asks without end")
        try:
            answer = self.answer(a2b_base64(client.challenge))
        except ValueError:
            answer = b"*"
        self.count = self.count + 1 if answer != b"*" else 5
        client.command(_AUTH, "", answer)

    def answer(self, challenge):
        """Return the next answer, in base64; "*" where there is none."""
        answers = self.answers(challenge)
        if self.count >= len(answers):
            return b"*"
        answer = b2a_base64(answers[self.count])[:-1]
        if answer:
            self.secrets.append(answer)
        return answer

    def answers(self, challenge):
        """Return all answers of the mechanism."""
        if self.mechanism == "PLAIN":  # RFC 4616
            return (b"\0" + self.user + b"\0" + self.password,)
        if self.mechanism == "LOGIN":
            return (self.user, self.password)
        if self.mechanism == "CRAM-MD5":
            from .cram_md5 import digest

            return (self.user + b" " + digest(self.password, challenge),)
        return (b"user=" + self.user + b"\1auth=Bearer " + self.password + b"\1\1", b"")

    def masked(self, data, start):
        """Return octets from the server in which no secret stands from `start` on."""
        for secret in self.secrets:
            if len(secret) > 3 and data.find(secret, start) >= 0:
                data = data[:start] + data[start:].replace(secret, b"***")
        return data


def _refuse(text):
    from .errors import insecure

    raise insecure(text, "AUTH")
