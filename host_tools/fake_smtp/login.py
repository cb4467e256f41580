"""AUTH on the server's side: mechanisms and what they ask (RFC 4954); no I/O."""

import base64
import binascii
import hmac
from collections.abc import Generator, Mapping

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")
CHALLENGE = b"<1896.697170952@fake.alarmpost>"

TAKEN = "235 2.7.0 Welcome"
WRONG = "535 5.7.8 User or password is wrong"
CANCELLED = "501 5.7.0 Cancelled"
NOT_BASE64 = "501 5.5.2 That is no base64"
NO_MECHANISM = "504 5.5.4 Mechanism not offered"

Steps = Generator[bytes, bytes, bool]


class Login:
    """One AUTH command and the answers to its challenges.

    user: who has said who they are, None as long as that is not proved
    """

    def __init__(self, mechanism: str, accounts: Mapping[str, str]):
        self.user: str | None = None
        self._accounts = accounts
        self._steps = STEPS.get(mechanism.upper(), plain)(self)
        self._known = mechanism.upper() in STEPS

    def begin(self, response: str) -> str:
        """Return the reply to the command, given with its initial response or ""."""
        if not self._known:
            return NO_MECHANISM
        challenge = next(self._steps)
        if response and challenge != CHALLENGE:  # LOGIN takes one, too, as most servers do
            return self.answer(b"" if response == "=" else response.encode())
        return "334 " + base64.b64encode(challenge).decode()

    def answer(self, line: bytes) -> str:
        """Return the reply to a line that answers a challenge."""
        if line == b"*":
            return CANCELLED
        try:
            challenge = self._steps.send(base64.b64decode(line, validate=True))
        except binascii.Error:
            return NOT_BASE64
        except StopIteration as end:
            return TAKEN if end.value else WRONG
        return "334 " + base64.b64encode(challenge).decode()

    def prove(self, user: bytes, password: bytes) -> bool:
        """Tell whether user and password belong together, and remember who it is."""
        name = user.decode(errors="replace")
        if self._accounts.get(name, "").encode() != password or not password:
            return False
        self.user = name
        return True


def plain(login: Login) -> Steps:
    """Ask as RFC 4616 says."""
    _, user, password = ((yield b"") + b"\0\0").split(b"\0")[:3]
    return login.prove(user, password)


def words(login: Login) -> Steps:
    """Ask for user and password, as LOGIN does, which no RFC describes."""
    user = yield b"Username:"
    return login.prove(user, (yield b"Password:"))


def cram_md5(login: Login) -> Steps:
    """Ask as RFC 2195 says."""
    user, _, digest = (yield CHALLENGE).rpartition(b" ")
    password = login._accounts.get(user.decode(errors="replace"), "").encode()
    right = hmac.new(password, CHALLENGE, "md5").hexdigest().encode() == digest
    return right and login.prove(user, password)


def xoauth2(login: Login) -> Steps:
    """Ask for a token, and tell what is wrong with it before the refusal."""
    user, _, rest = (yield b"").removeprefix(b"user=").partition(b"\1auth=Bearer ")
    if login.prove(user, rest.removesuffix(b"\1\1")):
        return True
    yield b'{"status":"401","schemes":"bearer"}'
    return False


STEPS = {"PLAIN": plain, "LOGIN": words, "CRAM-MD5": cram_md5, "XOAUTH2": xoauth2}
