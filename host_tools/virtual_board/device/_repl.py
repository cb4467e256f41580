"""The friendly and the raw REPL, and what comes before them: boot.py and main.py.

As on a board: Ctrl-A raw, Ctrl-B friendly, Ctrl-C stops, Ctrl-D runs or resets, Ctrl-E pastes.
"""

import gc
import io
import sys

import __main__
import ffi
import struct

import _stop
import layout
import machine
from _page import end, page, settings

_libc = ffi.open(None)
_tcgetattr = _libc.func("i", "tcgetattr", "ip")
_tcsetattr = _libc.func("i", "tcsetattr", "iip")

_MODES = bytearray(64)  # a struct termios; its second word holds the output modes
_OPOST = 1
_WINDOW = 128

BANNER = 'MicroPython v%s on 2025-01-01; %s\r\nType "help()" for more information.\r\n'
RAW = b"raw REPL; CTRL-B to exit\r\n>"

_byte = bytearray(1)
_globals = __main__.__dict__


def newlines(on):
    """Let the terminal turn LF into CR LF, or not."""
    _tcgetattr(0, _MODES)
    modes = struct.unpack_from("<I", _MODES, 4)[0]
    modes = modes | _OPOST if on else modes & ~_OPOST
    struct.pack_into("<I", _MODES, 4, modes)
    _tcsetattr(0, 0, _MODES)


def read():
    """Return the next octet from the console."""
    page.console = layout.PROMPT
    machine._was_stopped()
    while not sys.stdin.buffer.readinto(_byte):
        machine.idle()
    return _byte[0]


def write(data):
    """Write octets, as they are."""
    sys.stdout.buffer.write(data)


def soft_reset():
    """End this process; the supervisor starts the next one."""
    write(b"MPY: soft reboot\n")
    page.left = machine._left()
    end(layout.EXIT_SOFT)


def execute(source, mode="exec", name="<stdin>"):
    """Run source text; return "" or how it failed."""
    page.console = layout.PROGRAM
    try:
        if machine._was_stopped():  # between boot.py and main.py, say
            raise KeyboardInterrupt
        exec(compile(source, name, mode), _globals)
    except SystemExit:
        page.console = layout.BOOTING
        raise
    except BaseException as error:
        page.console = layout.BOOTING
        return traceback(error)
    finally:
        page.console = layout.BOOTING
        _stop.arm()
        newlines(True)
    return ""


def traceback(error):
    """Return the traceback of a program's error, without the lines of this file."""
    text = io.StringIO()
    sys.print_exception(error, text)
    lines = text.getvalue().split("\n")
    return "\n".join(line for line in lines if '/_repl.py"' not in line)


def run_file(name):
    """Run a file where it is there; return whether the friendly REPL may come next."""
    try:
        with open(name) as file:
            source = file.read()
    except OSError:
        return
    failure = execute(source, "exec", name)
    if failure:
        write(failure.encode())


def load():
    """Return so much of the heap that a program finds as much as on the board."""
    wanted = settings["heap"]
    ballast = [None] * 4096 if wanted else []
    count = 0
    gc.collect()
    while wanted and gc.mem_free() > wanted + 512:
        for _ in range((gc.mem_free() - wanted) // 256):
            ballast[count] = bytes(64)  # small, to fill the gaps first
            count += 1
    gc.collect()
    return ballast


def boot():
    """Run what a board runs before its REPL."""
    settings["ballast"] = load()
    run_file("boot.py")
    if not page.raw:
        run_file("main.py")


def loop():
    """Be a board, for ever."""
    resetting = True
    while True:
        try:
            if resetting:
                resetting = False
                boot()
                if not page.raw:
                    banner()
            if page.raw:
                raw()
            else:
                friendly()
        except SystemExit:  # noqa: PERF203
            soft_reset()
        except KeyboardInterrupt:
            pass  # it came a moment too late for the program that it was to stop


def banner():
    """Say hello."""
    release = ".".join(str(part) for part in sys.implementation.version[:3])
    write((BANNER % (release, settings["machine"])).replace("\r", "").encode())


def raw():
    """Take programs from a tool."""
    newlines(True)
    write(RAW.replace(b"\r", b""))
    source = bytearray()
    while True:
        key = read()
        if key == 1:
            source = bytearray()
            write(RAW.replace(b"\r", b""))
        elif key == 2:
            page.raw = 0
            write(b"\n")
            banner()
            return
        elif key == 3:
            source = bytearray()
        elif key == 4:
            if not source:
                write(b"OK\n")
                soft_reset()
            answer(source)
            source = bytearray()
        elif key == 5 and not source:
            pasted = paste(read())
            if pasted is not None:
                answer(pasted, b"")
        else:
            source.append(key)


def paste(kind):
    """Take a program by raw paste; return it, or None where it was given up."""
    if kind != 65:
        write(b"R\0" if kind < 32 else b"")
        return None
    read()
    write(b"R\1" + struct.pack("<H", _WINDOW) + b"\1")
    source = bytearray()
    count = 0
    while True:
        key = read()
        if key == 3:
            write(b"\4\4>")
            return None
        if key == 4:
            write(b"\4")
            return source
        source.append(key)
        count += 1
        if count % _WINDOW == 0:
            write(b"\1")


def answer(source, accepted=b"OK"):
    """Run a program and report as the raw REPL does."""
    write(accepted)
    gc.collect()
    try:
        text = bytes(source).decode()
    except UnicodeError:
        text = "raise UnicodeError"
    failure = execute(text)
    write(b"\4" + failure.encode() + b"\4>")


def friendly():
    """Take lines from a person."""
    line = prompt(">>> ")
    if line is None:
        return
    while wants_more(line):
        following = prompt("... ")
        if following is None:
            return
        line += "\n" + following
        if not following:
            break
    failure = execute(line, "single") if line.strip() else ""
    write(failure.encode())


def prompt(text):
    """Return a line, or None where something else came."""
    write(text.encode())
    line = ""
    while True:
        key = read()
        if key in (13, 10):
            write(b"\n")
            return line
        if key == 1:
            page.raw = 1
            write(b"\n")
            return None
        if key == 2:
            write(b"\n")
            banner()
            return None
        if key == 3:
            write(b"\n")
            return None
        if key == 4 and not line:
            write(b"\n")
            soft_reset()
        if key == 5 and not line:
            block()
            return None
        if key in (8, 127):
            if line:
                line = line[:-1]
                write(b"\b \b")
        elif key >= 32 or key == 9:
            line += chr(key)
            write(bytes((key,)))


def block():
    """Take several lines, until Ctrl-D."""
    write(b"\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\n=== ")
    text = ""
    while True:
        key = read()
        if key == 3:
            write(b"\n")
            return
        if key == 4:
            write(b"\n")
            write(execute(text).encode())
            return
        if key == 13:
            key = 10
        text += chr(key)
        write(b"\n=== " if key == 10 else bytes((key,)))


def wants_more(text):
    """Tell whether a statement goes on: open brackets, a block, a backslash."""
    depth = 0
    quote = ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "#":
            break
    last = text.split("\n")[-1]
    return depth > 0 or last.rstrip().endswith((":", "\\")) or last[:1] in (" ", "\t", "@")
