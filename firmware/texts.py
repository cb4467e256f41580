"""The texts of mails, in English, and the fields that each may use; NOTICES.md explains them.

A configuration may have other texts. Nothing here is needed to render a mail: the texts of a
configuration are complete.
"""

_ALL = "plant device board firmware address boot when active shelved flood "
_SUBJECT = _ALL + "priority tag description event time count "
_NOTE = _SUBJECT + "value limit since duration state response "

_END = """
{plant}, {device}, {board}, alarmpost {firmware}"""

TEXTS = {
    # the name: its default, and the fields that it may use
    "subject": ("[{plant} {priority}] {flood} {tag} {description} {event} {time}", _SUBJECT),
    "body": (
        """{flood} {tag} {description} {event}
{text}
{when}
{note}

Value: {value}
Limit: {limit}
Since: {since}
Now: {state}
Priority: {priority}

What to do: {response}

{table}

Also active: {active}
"""
        + _END,
        _NOTE + "note text table",
    ),
    "digest": (
        """{count} events: {priorities}
From {first}
to {last}

{table}

{rest} without a line of their own:
{counts}

Active now: {active}
"""
        + _END,
        _ALL + "priority count priorities first last table rest counts",
    ),
    "overflow": (
        """The queue was full: {count} events are counted only.
{when}

{counts}

Active now: {active}
"""
        + _END,
        _ALL + "priority time count counts",
    ),
    "boot": (
        """{device} {event}
{when}

Boot: {boot}
Reset cause: {cause}
Problem: {problems}
Address: {address}

Active: {active}
Shelved: {shelved}
"""
        + _END,
        _ALL + "event time cause problems",
    ),
    "heartbeat": (
        """{device} {event}
{when}

Uptime: {uptime}
Boot: {boot}
Reset cause: {cause}
Address: {address}

Mails sent: {sent}
Deferred: {deferred}
Parked: {parked}
Refused by: {refused}
Waiting: {queued}
Oldest of them: {oldest}
Failures caught: {failures}
Free heap: {heap} octets

Active: {active}
Shelved: {shelved}

Next mail like this: {next}
Where it does not come, look after the board.
"""
        + _END,
        _ALL
        + "event time uptime cause sent deferred parked refused queued oldest failures heap next",
    ),
    "event RAISE": ("RAISED", ""),
    "event CLEAR": ("CLEARED", ""),
    "event unseen": ("CLEARED WHILE OFF", ""),
    "event BOTH": ("RAISED AND CLEARED", ""),
    "event FAULT": ("FAULT", ""),
    "event GOOD": ("FAULT GONE", ""),
    "event ESCALATE": ("NOT ACKNOWLEDGED", ""),
    "event REMIND": ("STILL ACTIVE", ""),
    "event CHATTER": ("CHATTERING", ""),
    "event CHATTER_END": ("CHATTERED {count} TIMES", "count"),
    "event SHELVE": ("SHELVED", ""),
    "event UNSHELVE": ("UNSHELVED", ""),
    "event OUT": ("OUT OF SERVICE", ""),
    "event RETURN": ("BACK IN SERVICE", ""),
    "event FLOOD": ("ALARM FLOOD OF {count}, FIRST", "count"),
    "event FLOOD_END": ("END OF ALARM FLOOD OF {count}, FIRST", "count"),
    "event TEXT": ("", ""),
    "event BOOT": ("STARTED", ""),
    "event HEARTBEAT": ("ALIVE", ""),
    "event OVERFLOW": ("{count} EVENTS COUNTED ONLY:", "count"),
    "event BUNDLE": ("{count} EVENTS:", "count"),
    "note CLEAR": ("Was active for {duration}.", _NOTE),
    "note GOOD": ("Was bad for {duration}.", _NOTE),
    "note FAULT": ("The process value is bad: a broken wire or a short circuit?", _NOTE),
    "note REMIND": ("Active for {duration}.", _NOTE),
    "note ESCALATE": ("Not acknowledged for {duration}.", _NOTE),
    "note CHATTER": ("Comes and goes: from now on it is counted only.", _NOTE),
    "note CHATTER_END": ("It came {count} times more; now quiet for 5 min.", _NOTE),
    "note SHELVE": ("For {duration}.", _NOTE),
    "note FLOOD": ("{count} alarms in 10 min. This was the first of them.", _NOTE),
    "note FLOOD_END": ("{count} alarms in all. This was the first of them.", _NOTE),
    "note first": ("First-out: no other alarm within 10 min before.", _NOTE),
    "note unseen": ("Cleared between last alive and boot {boot}.", _NOTE),
    "state NORM": ("normal", ""),
    "state UNACK": ("active", ""),
    "state ACKED": ("active, acknowledged", ""),
    "state RTNUN": ("cleared, not acknowledged", ""),
    "state LATCHED": ("latched until reset", ""),
    "state SHLVD": ("shelved", ""),
    "state OOSRV": ("out of service", ""),
    "state FAULT": ("fault", ""),
    "priorities": ("diagnostic low medium high", ""),
    "flood": ("FLOOD:", ""),
    "clock": ("clock not set, uptime {uptime}", "uptime"),
    "earlier": ("boot {boot}, uptime {uptime}", "boot uptime"),
    "others": ("others", ""),
    "more": ("and {count} more", "count"),
    "none": ("none", ""),
}
