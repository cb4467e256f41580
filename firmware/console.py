"""What is typed on the console: a line is a command, and so is one that a tool on a PC sends.

Borrowed with the first octet of a line, and let go when that has been answered. The program goes
on all the while: `App.listen()` hands over an octet each time, so nothing that is on the line, be
it noise, can hold the board up.

The answer is lines of a mark, a name, a colon and JSON, for people and tools alike; the last has
the name `ok` or `error`. The mark is "=", or the word that the line began with where that begins
with "=": so a tool knows its own answer among all else that is on the console.

    =17 ack PUMP_2
    =17 PUMP_2: "ACKED"
    =17 ok: "done"

Ctrl-C never comes here: it stops the program, as always under MicroPython.
"""

import gc
import sys
from json import dumps

from borrow import borrow

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_LONGEST = const(80)  # octets of a line

# Commands, and the module whose answer() does them.
MODULES = """\
status overview
outbox listing
ack orders
reset orders
shelve orders
unshelve orders
out orders
return orders
send-test trial
logs journal
help manual"""


class Line:
    """A line that is being typed.

    since: the time in ms of its last octet
    """

    def __init__(self, app):
        self.app = app
        self.text = b""
        self.mark = "="

    def take(self, stdin, key):
        """Take an octet from where it was typed; return the line, or None when that is done."""
        self.since = self.app.clock.now()
        if not key:  # the end of a file or a pipe, on a PC: there is no more
            self.app.poller.unregister(stdin)
            return None
        if key in b"\r\n":
            self.end(key)
            return None
        if key in b"\b\x7f":
            if self.text:
                self.text = self.text[:-1]
                self.echo(b"\b \b")
        elif key >= b" " and len(self.text) <= _LONGEST:
            self.text += key if key < b"\x7f" else b"?"
            self.echo(self.text[-1:])
        return self

    def echo(self, octets):
        """Show what is typed, to people: tools know it."""
        if self.text[:1] != b"=":
            sys.stdout.buffer.write(octets)

    def end(self, key):
        """Do what the line says; a blank one tells how to go on, but not within CR LF."""
        if self.text or key == b"\r":
            self.echo(b"\r\n")
        if self.text:
            self.answer()
        elif key == b"\r":
            self.say("alarmpost", "help tells what can be typed here")

    def answer(self):
        """Answer the line; a failure is told, counted, and disturbs nothing else."""
        app = self.app
        gc.collect()
        try:
            self.say("ok", self.do())
        except ValueError as error:
            self.say("error", str(error))
        except Exception as error:
            self.say("error", "failure: %s: %s" % (type(error).__name__, error))
            app.fail(error)

    def do(self):
        """Do what the line says; return what is to be told in the end.

        Raises ValueError where it says nothing that can be done.
        """
        words = str(self.text, "utf-8").split()
        if words and words[0].startswith("="):
            self.mark = words.pop(0)
        if len(self.text) > _LONGEST:
            raise ValueError("longer than %d octets: help tells what there is" % _LONGEST)
        if not words:
            raise ValueError("no command: help tells what there is")
        for row in MODULES.split("\n"):
            command, module = row.split(" ")
            if words[0] == command:
                return borrow(module).answer(self.app, words, self.say)
        raise ValueError("%s: unknown: help tells what there is" % words[0])

    def say(self, name, value):
        """Give a line of the answer; the inputs are read, for each may take its time."""
        print("%s %s: %s" % (self.mark, name, dumps(value)))
        self.app.watch()
