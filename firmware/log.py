"""The console: one line an event, with the uptime; no secret ever comes here."""

ERROR = 0
WARNING = 1
INFO = 2
DEBUG = 3


class Log:
    """Prints what is at most of a level; the text is not even built for others.

    clock: tells the uptime
    kept: the last warning or error, until upkeep.py has put it into the journal
    """

    level = INFO
    kept = ""

    def __init__(self, clock):
        self.clock = clock

    def __call__(self, level, text, *values):
        """Print a line: `text % values`."""
        if level <= self.level or level < INFO:
            now = self.clock.now()
            words = "error warning info debug"  # split here: each by itself would be a name
            word = words.split(" ")[level]
            text = "%d.%03d %s %s" % (self.clock.seconds(now), now % 1000, word, text % values)
            if level <= self.level:
                print(text)
            if level < INFO:
                self.kept = text
