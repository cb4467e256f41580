"""Runs the client under either interpreter: a call a line in, its outcome a line out.

Started as `python worker.py FIRMWARE` or `micropython worker.py FIRMWARE`; speaks JSON.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from smtp_client import Mail, SMTPClient, send_mail
from smtp_client.errors import SMTPError


def octets(value):
    """Return what a body or a chunk stands for: text, or bytes written as {"bytes": latin-1}."""
    return bytes([ord(c) for c in value["bytes"]]) if isinstance(value, dict) else value


def body(value):
    """Return a body: text, bytes, or an iterable of them written as a list or {"repeat": ...}."""
    if isinstance(value, dict) and "repeat" in value:
        chunk, count = value["repeat"]
        return (chunk for _ in range(count))
    if isinstance(value, list):
        return (octets(chunk) for chunk in value)
    return octets(value)


def options(given):
    """Return options with what JSON cannot say put right."""
    given = dict(given)
    if isinstance(given.get("date"), list):
        given["date"] = tuple(given["date"])
    if isinstance(given.get("attachments"), list):
        given["attachments"] = [attachment(one) for one in given["attachments"]]
    return given


def attachment(given):
    """Return an attachment with its content put right."""
    if isinstance(given, list) and len(given) > 1:
        return [given[0], body(given[1])] + list(given[2:])  # noqa: RUF005
    return given


def error_of(error):
    """Return an SMTPError as plain data."""
    refused = getattr(error, "recipients", {})
    return {
        "type": type(error).__name__,
        "stage": error.stage,
        "code": error.code,
        "enhanced": error.enhanced,
        "text": error.text,
        "transient": error.transient,
        "outcome": error.outcome,
        "message_id": error.message_id,
        "date": error.date and list(error.date),
        "str": str(error),
        "repr": repr(error),
        "recipients": refused_of(refused),
    }


def refused_of(refused):
    """Return a dict of refused recipients as plain data."""
    return {address: error_of(refused[address]) for address in refused}


def outcome(function, *args, **kwargs):
    """Call and return what came of it."""
    try:
        return {"refused": refused_of(function(*args, **kwargs))}
    except SMTPError as error:
        return {"error": error_of(error)}
    except ValueError as error:
        return {"value_error": str(error)}
    except Exception as error:
        return {"exception": type(error).__name__ + ": " + str(error)}


def op_send(host, port, sender, recipients, subject, text, more):
    """send_mail() as a user calls it."""
    more = options(more)
    lines = []
    if more.pop("trace", None):
        more["trace"] = lambda *line: lines.append(line)
    found: dict = outcome(send_mail, host, port, sender, recipients, subject, body(text), **more)
    found["trace"] = lines
    return found


def op_session(host, port, mails, look_ahead, until_ended=False):
    """Several mails in one session; returns the outcome of each.

    look_ahead: whether each call knows the next mail
    until_ended: whether to wait after each mail until the server ended the session
    """
    mails = [
        Mail(sender, recipients, subject, body(text), **options(more))
        for sender, recipients, subject, text, more in mails
    ]
    found = []
    with SMTPClient(host, port) as client:
        for at, mail in enumerate(mails):
            last = look_ahead and at + 1 == len(mails)
            following = None if last or not look_ahead else mails[at + 1]
            found.append(outcome(client.send, mail, following, last))
            if until_ended:
                client.stream.timeout = 30000
                client.stream.wait()
    return found


def op_reenter(host, port, event):
    """A mail whose idle hook calls send_mail() or close() of its own client."""
    seen = []

    def idle():
        if event == "send":
            seen.append(outcome(client.send_mail, "a@b", "c@d", "within", "x"))
        else:
            try:
                client.close()
            except SMTPError as error:
                seen.append({"error": error_of(error)})

    client = SMTPClient(host, port, idle=idle)
    found = outcome(client.send_mail, "a@b.lan", "c@d.lan", "around", "x")
    client.stream.idle = None
    client.close()
    return {"around": found, "within": seen[0], "count": len(seen)}


def op_interrupt(host, port, where):
    """A mail that an exception of the program interrupts, then another by the same client."""

    def fail(*_):
        raise KeyError(where)

    def chunks():
        yield "first\n" * 400
        fail()

    client = SMTPClient(host, port)
    text = chunks() if where == "body" else "x"
    if where == "idle":
        client.stream.idle = fail  # pyright: ignore[reportAttributeAccessIssue]
    first = outcome(client.send_mail, "a@b.lan", "c@d.lan", "one", text)
    client.stream.idle = None
    second = outcome(client.send_mail, "a@b.lan", "c@d.lan", "two", "x")
    client.close()
    return [first, second]


def op_written(text, mail_options):
    """The octets that a body puts on the wire, without a server: header, body."""
    mail = Mail("a@b.lan", "c@d.lan", "s", body(text), **options(mail_options))
    mail.start(b"\nPIPELINING\r\n\n8BITMIME\r\n")
    out = bytearray()
    whole = bytearray()
    for _ in mail.write(out):
        whole.extend(out)
        out[:] = b""
    whole.extend(out)
    return "".join([chr(octet) for octet in whole])


def op_exec(source):
    """Run a piece of source; returns what it leaves in `result`."""
    names = {}
    exec(source, names)
    return names["result"]


OPS = {name[3:]: function for name, function in globals().items() if name.startswith("op_")}


def main():
    """Serve until the input ends."""
    while True:
        line = sys.stdin.readline()
        if not line:
            break
        name, args = json.loads(line)
        print(json.dumps(OPS[name](*args)))
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()


main()
