"""The named scenarios: what can go wrong with a mail server, one row each.

`script.py` explains the language of the third column.
"""

from host_tools.fake_smtp.script import Scenario, read_script

SCENARIOS = {
    # name: (what the server does, script)
    "default": ("takes every mail", ""),
    # What it offers
    "no-pipelining": (
        "does not offer PIPELINING",
        "KEYWORDS=SIZE 10485760, 8BITMIME, ENHANCEDSTATUSCODES",
    ),
    "no-8bitmime": (
        "does not offer 8BITMIME",
        "KEYWORDS=PIPELINING, SIZE 10485760, ENHANCEDSTATUSCODES",
    ),
    "no-size": ("does not offer SIZE", "KEYWORDS=PIPELINING, 8BITMIME, ENHANCEDSTATUSCODES"),
    "helo-only": ("knows HELO only", "EHLO=502 Command not implemented"),
    "size-too-small": (
        "takes mails of up to 100 octets",
        "KEYWORDS=PIPELINING, SIZE 100, 8BITMIME, ENHANCEDSTATUSCODES",
    ),
    # Before the first mail
    "slow-accept": ("greets after one second", "CONNECT=delay 1s"),
    "busy": ("is too busy (421) and hangs up", "BANNER=then-drop 421 fake.alarmpost Too busy"),
    "go-away": ("offers no service (554)", "BANNER=554 fake.alarmpost No SMTP service here"),
    "silent-banner": ("accepts the connection and says nothing", "BANNER=silence"),
    # The envelope
    "reject-sender": ("refuses every sender (550)", "MAIL=550 5.7.1 Sender not allowed"),
    "unknown-recipient": ("knows no recipient (550)", "RCPT=550 5.1.1 No such user"),
    "one-refused": (
        "refuses the recipients that begin with bad (550), takes the others",
        "RCPT bad*=550 5.1.1 No such user",
    ),
    "greylist": ("wants every recipient later (450)", "RCPT=450 4.2.0 Greylisted, try later"),
    "mailbox-full": ("has no room at the moment (452)", "RCPT=452 4.2.2 Mailbox full"),
    "over-quota": ("has no room for good (552)", "RCPT=552 5.2.2 Mailbox over quota"),
    # The mail
    "data-refused": ("refuses to read the mail text (554)", "DATA=554 5.5.1 No mail text today"),
    "mail-refused": ("reads the mail, then refuses it (554)", "DOT=554 5.7.1 Content refused"),
    "try-later": ("reads the mail, then wants it later (451)", "DOT=451 4.3.0 Try again later"),
    "early-refusal": (
        "refuses while the mail text still comes (552)",
        "BODY=552 5.3.4 Too much mail text",
    ),
    "deaf-body": ("stops reading when the mail text begins", "BODY=deaf"),
    "lost-before-dot": ("ends the connection in the mail text", "BODY=drop"),
    "lost-after-dot": ("takes the mail, ends the connection before its 250", "DOT=drop"),
    "reset-after-dot": ("takes the mail, resets the connection before its 250", "DOT=reset"),
    "silent-dot": ("takes the mail and never says so", "DOT=silence"),
    # The session
    "shutting-down": ("shuts down (421) at MAIL", "MAIL=then-drop 421 4.3.2 Shutting down"),
    "one-mail-only": (
        "takes one mail a session, then shuts down (421)",
        "MAIL@2=then-drop 421 4.7.0 One mail a session",
    ),
    "silent-quit": ("never answers QUIT", "QUIT=silence"),
    # Replies that are none
    "malformed": ("answers MAIL without a reply code", "MAIL=say OK, go on"),
    "mixed-codes": (
        "answers RCPT with two codes in one reply",
        r"RCPT=250-2.1.5 OK\r\n550 5.1.1 No such user",
    ),
    "extra-reply": ("sends a reply to MAIL that nobody asked for", "MAIL=extra"),
    "drip": ("answers MAIL octet by octet, for ever", "MAIL=drip"),
    "endless-line": ("answers MAIL with a line that never ends", "MAIL=endless-line"),
    "endless-lines": ("answers EHLO with lines that never end", "EHLO=endless-lines"),
    "split": ("sends every reply octet by octet", "ALL=split"),
    "split-crlf": ("sends CR and LF apart", "ALL=split-crlf"),
}


def find_scenario(scenario: str | Scenario) -> Scenario:
    """Return the scenario of this name or script; raises `ValueError` with one clear line."""
    if isinstance(scenario, Scenario):
        return scenario
    return read_script(scenario, SCENARIOS)
