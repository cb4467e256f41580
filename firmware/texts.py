"""The texts of mails: their default wording, and which fields each may use.

A template is text with fields in braces, {tag}; "{{" and "}}" are the braces themselves. A line of
a template that has fields is left out where all of them are empty, so one template serves many
kinds of mail. Only a text whose default has several lines may have several.

Borrowed by config.py, which checks the texts of a configuration and fills in these.
"""

_NOTICE = "plant device priority tag description event time"
_SYSTEM = "plant device board firmware address boot uptime reset time active shelved"

TEXTS = {
    # name: (default, the fields that it may use)
    "subject": ("[{plant} {priority}] {tag} {description} {event} {time}", _NOTICE),
    "body": (
        """\
{tag} {description}
{event} {time}

Priority: {priority}
Value: {value}
Limit: {limit}
Since: {since}
Duration: {duration}
To do: {response}
{detail}
Also active: {active}

{device}, {board}, firmware {firmware}
{clock}
""",
        _NOTICE + " value limit since duration response detail active board firmware clock",
    ),
    "digest": (
        """\
{count} events from {since} to {time}

{table}

Active now: {active}
""",
        "plant device count since time table active",
    ),
    "boot": (
        """\
{device} started {time}

Reset cause: {reset}
Boot: {boot}
Problems: {problems}
Active: {active}
Shelved: {shelved}
Address: {address}
{board}, firmware {firmware}
""",
        _SYSTEM + " problems",
    ),
    "heartbeat": (
        """\
{device} is alive {time}

Up: {uptime}, boot {boot}, {reset}
Queue: {queued}, the oldest {oldest}
Mails: {sent} sent, {deferred} deferred, {parked} parked
Failures: {failures}
Active: {active}
Shelved: {shelved}
Next: {next}
{board}, firmware {firmware}
""",
        _SYSTEM + " queued oldest sent deferred parked failures next",
    ),
    "priorities": ("diagnostic low medium high", ""),
    "event OVERFLOW": ("NOTICES COUNTED", ""),
    "event RAISE": ("RAISED", ""),
    "event CLEAR": ("CLEARED", ""),
    "event FAULT": ("FAULT", ""),
    "event GOOD": ("FAULT GONE", ""),
    "event ESCALATE": ("NOT ACKNOWLEDGED", ""),
    "event REMIND": ("STILL ACTIVE", ""),
    "event CHATTER": ("CHATTERING", ""),
    "event CHATTER_END": ("CHATTERED", ""),
    "event SHELVE": ("SHELVED", ""),
    "event UNSHELVE": ("UNSHELVED", ""),
    "event OUT": ("OUT OF SERVICE", ""),
    "event RETURN": ("IN SERVICE", ""),
    "event FLOOD": ("ALARM FLOOD", ""),
    "event FLOOD_END": ("ALARM FLOOD OVER", ""),
    "event TEXT": ("", ""),
    "event BOOT": ("STARTED", ""),
    "event HEARTBEAT": ("ALIVE", ""),
    "event BOTH": ("RAISED AND CLEARED", ""),
    "event DIGEST": ("{count} EVENTS", "count"),
}
