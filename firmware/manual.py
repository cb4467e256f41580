"""What can be typed on the console."""

TABLE = """\
status;how the board does
outbox;what waits to be mailed, and what was refused for good
outbox park KEY;mail it no more, but keep it; the end of a key is enough
outbox retry KEY|all;mail again what is parked
ack TAG|all;acknowledge an alarm
reset TAG|all;end an alarm that is latched
shelve TAG [MINUTES];hide an alarm, for 8 h at most
unshelve TAG;show it again
out TAG;take it out of service
return TAG;put it back into service
send-test [LIST|ADDRESS ...];send a test mail through each gateway, and tell each stage
logs;the last boots, warnings and errors
help;this"""


def answer(_app, _, say):
    """Tell it."""
    for row in TABLE.split("\n"):
        usage, _, meaning = row.partition(";")
        say(usage, meaning)
    return "Ctrl-C stops the program"
