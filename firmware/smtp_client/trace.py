"""The trace of a dialogue; imported by the first client that wants one."""

from .dialogue import TABLE
from .errors import STAGES
from .replies import printable
from .stream import ticks_diff, ticks_ms


def attach(client, trace):
    """Let `client` call `trace` for each command that it writes and each reply line that it takes.

    trace: called with (stage, ">" sent or "<" received, line, milliseconds since the call began)
    """
    command = client.command
    reply = client.reply

    def show(direction, state, octets):
        trace(
            STAGES[state], direction, printable(octets), ticks_diff(ticks_ms(), client.stream.time)
        )

    def traced_command(state, text="", end=""):
        if TABLE[state * 4] == ".":
            show(">", state, b"(the mail)")
        start = len(client.out)
        command(state, text, end)
        secret = TABLE[state * 4] == "" and len(end) > 1
        show(">", state, text.encode() + b" ***" if secret else client.out[start:])

    def traced_reply(mail):
        lines = client.data[client.next :].split(b"\n")
        if len(lines) > 1 and client.pending:
            show("<", client.pending[0], lines[0])
        return reply(mail)

    client.command = traced_command
    client.reply = traced_reply
