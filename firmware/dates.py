"""The calendar: borrowed to render a mail, and to set the board's own clock.

Unix seconds count from 1970 on every port; nothing here asks the port's calendar, whose epoch is
2000 on some and whose 32 bits end in 2038 on others.
"""


def utc(seconds):
    """Return what time.gmtime() does for Unix seconds, less the day of the year; until 2100."""
    days = seconds // 86400
    seconds -= days * 86400
    day = days + 671  # since 1 March 1968, so that a leap day ends its year
    year = (4 * day + 3) // 1461
    day -= 1461 * year // 4
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 1968 + month // 10
    month = (month + 2) % 12 + 1
    return year, month, day + 1, seconds // 3600, seconds // 60 % 60, seconds % 60, (days + 3) % 7


def text(seconds):
    """Return Unix seconds in words."""
    return "%d-%02d-%02d %02d:%02d:%02d UTC" % utc(seconds)[:6]
