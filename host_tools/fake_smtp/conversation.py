"""The server's side of one connection: commands in, replies or misbehaviour out.

Theory of operation. Octets from the `Wire` gather in `buffer`. `step()` takes one command line or
one mail text from it, has `Protocol` give the normal reply, and asks the scenario what to do
instead. Whole replies gather in `out` and leave in one write when no complete command is left in
the buffer: so a pipelining server treats a group. Any other manner of reply first sends what is
in `out`, and then goes its own way.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Protocol as Interface

from host_tools.fake_smtp.mail import Mail, end_of_text
from host_tools.fake_smtp.protocol import (
    LAST_IN_GROUP,
    Answer,
    Envelope,
    Protocol,
    severity,
    take_line,
)
from host_tools.fake_smtp.script import (
    FOR_EVER,
    OF_A_CONNECTION,
    OF_A_MAIL,
    Action,
    Moment,
    Scenario,
)
from host_tools.fake_smtp.tls import Cipher
from host_tools.fake_smtp.wire import Wire

NORMAL = Action()
ENDS = {"drop": "dropped", "reset": "aborted"}
NO_ROOM = b"451 4.3.0 The mail could not be kept\r\n"


class MailRoom(Interface):
    """Where the mails of all connections go."""

    def next_number(self) -> int:
        """Return the number that the next mail gets if it is taken."""
        ...

    def take(self, mail: Mail) -> None:
        """Keep the mail; raises `OSError` when that fails."""
        ...


class OverError(Exception):
    """The server ends the connection; the argument becomes `Session.ended`."""


@dataclass
class Text:
    """The mail text that is coming in.

    envelope: what MAIL and RCPT have said about it
    begun: its first octets have come
    searched: octets in which its end is not
    early: the reply given before its end
    """

    envelope: Envelope
    begun: bool = False
    searched: int = 0
    early: bytes = b""


class Conversation:
    """One connection from its accept to its close.

    reply_delay: seconds before each write of whole replies
    """

    def __init__(
        self,
        wire: Wire,
        scenario: Scenario,
        keywords: tuple[str, ...],
        reply_delay: float,
        room: MailRoom,
    ):
        self.wire = wire
        self.session = wire.session
        self.scenario = scenario
        self.protocol = Protocol(keywords if scenario.keywords is None else scenario.keywords)
        self.reply_delay = reply_delay
        self.room = room
        self.counts: Counter[str] = Counter()
        self.buffer = bytearray()
        self.out = bytearray()
        self.text: Text | None = None
        self.tls: ssl.SSLContext | None = None
        self.implicit = False

    def guard(
        self, tls: ssl.SSLContext | None, implicit: bool, accounts: Mapping[str, str]
    ) -> None:
        """Let the server have TLS, from the beginning or by STARTTLS, and accounts."""
        self.tls = tls
        self.implicit = implicit and tls is not None
        self.protocol.tls = tls is not None
        self.protocol.accounts = accounts

    async def run(self) -> None:
        """Hold the conversation and close the connection, whatever happens."""
        ended = "stopped"
        try:
            self.session.note("opened", "CONNECT", self.session.peer.encode())
            ended = await self.outcome()
            await self.hang_up(ended)
        finally:
            self.wire.sock.close()
            self.session.close(ended)

    async def outcome(self) -> str:
        """Hold the conversation; tell how it ended."""
        try:
            await self.converse()
        except OverError as over:
            return str(over)
        except OSError:
            return "reset"
        return "eof"

    async def hang_up(self, ended: str) -> None:
        """End the server's side as the way of ending wants it."""
        if ended == "aborted":
            self.wire.abort()
        elif ended in ("quit", "dropped"):
            await self.wire.finish()

    async def converse(self) -> None:
        """Greet, then answer until the client ends the connection."""
        await self.obey(Answer("CONNECT", b""))
        if self.implicit:
            await self.shake_hands()
        await self.obey(Answer("BANNER", self.protocol.banner()))
        await self.flush()
        while chunk := await self.wire.hear():
            self.buffer += chunk
            while await self.step():
                pass
            await self.flush()

    async def step(self) -> bool:
        """Deal with one command or mail text; tell whether there was a whole one."""
        return await (self.read_command() if self.text is None else self.read_text(self.text))

    async def read_command(self) -> bool:
        """Take one command line from the buffer and answer it."""
        line = take_line(self.buffer, self.protocol.line_limit())
        if line is None:
            return False
        self.session.commands.append(line)
        answer = self.protocol.answer(line)
        self.session.note(">", answer.stage, line)
        self.check_group(answer.stage)
        await self.obey(answer)
        return True

    def check_group(self, stage: str) -> None:
        """Note when the client did not wait for a reply that it must wait for."""
        if not self.buffer:
            return
        if not self.protocol.offers("PIPELINING"):
            self.fault(f"did not wait for the reply to {stage}: PIPELINING is not offered")
        elif stage in LAST_IN_GROUP:
            self.fault(f"did not wait for the reply to {stage}, which ends a group (RFC 2920)")

    def fault(self, words: str) -> None:
        """Record a breach of the protocol."""
        self.session.faults.append(words)
        self.session.note("fault", data=words.encode())

    async def obey(self, answer: Answer) -> None:
        """Reply to a command as the scenario says, and move on accordingly."""
        action, reply = self.choose(answer)
        if not answer.wrong:
            self.protocol.settle(answer, reply)
        if answer.stage == "DATA" and severity(reply) == b"3" and self.protocol.envelope:
            self.text = Text(self.protocol.envelope)
        await self.perform(action, answer.stage, reply)
        if answer.stage == "STARTTLS" and severity(reply) == b"2":
            await self.shake_hands()
        self.session.user = self.protocol.user
        if answer.stage == "QUIT" and severity(reply) == b"2":
            await self.flush()
            raise OverError("quit")

    async def shake_hands(self) -> None:
        """Begin TLS; each record that the server sends is a stage that the scenario may alter."""
        await self.flush()
        if self.tls is None:
            return
        cipher = Cipher(self.tls)
        numbers = count(1)
        over = False
        while not over:
            chunk = bytes(self.buffer) or await self.wire.hear_raw()
            self.buffer.clear()
            if not chunk:
                raise OverError("eof")
            cipher.feed(chunk)
            over, failure = self.go_on(cipher)
            for record in cipher.records():
                moment = Moment("TLS", self.session.number, next(numbers))
                await self.perform(self.scenario.action(moment) or NORMAL, "TLS", record)
            await self.flush()
            if failure:
                raise OverError("tls")
        self.begin_tls(cipher)

    def go_on(self, cipher: Cipher) -> tuple[bool, bool]:
        """Go on with the handshake; tell whether it is over, and whether it failed."""
        try:
            return cipher.shake_hands(), False
        except ssl.SSLError as error:
            self.session.note("tls", "TLS", str(error).encode())
            return False, True

    def begin_tls(self, cipher: Cipher) -> None:
        """Go on within TLS."""
        self.wire.cipher = cipher
        self.protocol.begin_tls()
        self.session.tls = cipher.version
        self.session.note("tls", "TLS", str(cipher.version).encode())

    def choose(self, answer: Answer) -> tuple[Action, bytes]:
        """Return what to do, and the reply that counts even if it never gets out."""
        if answer.wrong:
            return NORMAL, answer.reply
        action = self.scenario.action(self.moment(answer)) or NORMAL
        return action, answer.reply if action.text is None else action.text

    def moment(self, answer: Answer) -> Moment:
        """Tell the script where the session is."""
        stage = answer.stage
        self.counts[stage] += 1
        time = self.counts["MAIL" if stage in OF_A_MAIL else stage]
        if stage in OF_A_CONNECTION:
            time = self.session.number
        envelope = self.protocol.envelope
        recipient = envelope.asked + 1 if envelope and stage == "RCPT" else 0
        return Moment(stage, time, recipient, answer.address)

    async def read_text(self, text: Text) -> bool:
        """Take a mail text from the buffer and answer it."""
        if self.buffer and not text.begun:
            text.begun = True
            await self.begin_text(text)
        end = end_of_text(self.buffer, text.searched)
        text.searched = len(self.buffer)
        if end < 0:
            return False
        raw = bytes(self.buffer[:end])
        del self.buffer[:end]
        self.text = None
        await self.finish_text(raw, text)
        return True

    async def begin_text(self, text: Text) -> None:
        """Do what the scenario wants while the mail text still comes."""
        action, reply = self.choose(Answer("BODY", b""))
        text.early = reply
        await self.perform(action, "BODY", reply)
        await self.flush()

    async def finish_text(self, raw: bytes, text: Text) -> None:
        """Take or refuse a mail, and say so unless a reply was given early."""
        self.session.note("text", "DOT", raw)
        self.check_group("DOT")
        mail = self.envelop(raw, text.envelope)
        normal = Answer("DOT", self.protocol.verdict(len(mail.data), mail.number))
        action, reply = (NORMAL, text.early) if text.early else self.choose(normal)
        self.protocol.envelope = None
        if severity(reply) == b"2":
            reply = self.take(mail, reply)
        if not text.early:
            await self.perform(action, "DOT", reply)

    def envelop(self, raw: bytes, envelope: Envelope) -> Mail:
        """Make a mail of its text and its envelope."""
        return Mail(
            self.room.next_number(),
            envelope.sender,
            tuple(envelope.recipients),
            raw,
            envelope.parameters,
        )

    def take(self, mail: Mail, reply: bytes) -> bytes:
        """Keep the mail before anybody is told so; return the reply that is now true."""
        try:
            self.room.take(mail)
        except OSError as error:
            self.fault(f"the mail could not be kept: {error}")
            return NO_ROOM
        self.session.mails.append(mail)
        self.session.note("mail", "DOT", mail=mail)
        return reply

    async def perform(self, action: Action, stage: str, reply: bytes) -> None:
        """Send the reply in the manner of the action."""
        if action is not NORMAL:
            self.session.note("!", stage, action.words.encode())
        if action.delay:
            await self.flush()
            await asyncio.sleep(action.delay)
        await self.speak(action, stage, reply)
        if action.then:
            await self.flush()
            raise OverError(ENDS[action.then])

    async def speak(self, action: Action, stage: str, reply: bytes) -> None:
        """Send the reply in one of the manners of `script.MANNERS`."""
        if action.manner == "whole":
            self.reply(stage, reply + action.extra)
            return
        await self.flush()
        pieces = action.pieces(reply)
        if action.manner == "deaf":
            await self.wire.be_deaf()
        elif action.manner in FOR_EVER:
            await self.wire.pour_for_ever(pieces, action.pace)
            raise OverError("eof")
        elif action.manner != "nothing":
            self.note_reply(stage, reply)
            await self.wire.pour(pieces, action.pace)

    def reply(self, stage: str, octets: bytes) -> None:
        """Put a whole reply into the next write."""
        self.note_reply(stage, octets)
        self.out += octets

    def note_reply(self, stage: str, octets: bytes) -> None:
        """Record a reply, if there is one; records of a handshake are no reply."""
        if octets and stage != "TLS":
            self.session.note("<", stage, octets)

    async def flush(self) -> None:
        """Send the replies that have gathered, in one write."""
        if self.out:
            out, self.out = bytes(self.out), bytearray()
            await asyncio.sleep(self.reply_delay)
            await self.wire.say(out)
