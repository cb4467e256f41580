"""The close look at arguments: whatever cannot be sent safely raises a ValueError.

It names the argument, the value and the remedy, and comes before a connection is made, so nothing
that could smuggle a command, a parameter or a header line reaches the wire. Imported by the first
mail that is not plain (see `message.plain`) or has options.
"""

SESSION = ("timeout", "deadline", "local_hostname", "idle", "trace")
TLS = ("tls", "ca", "server_hostname", "tls_unverified")
AUTH = ("username", "password", "auth", "auth_in_clear")
MAIL = ("cc", "bcc", "headers", "message_id", "date")
FIELDS = ("reply_to", "priority", "in_reply_to", "references")
PARTS = ("html", "attachments")
ANY = MAIL + FIELDS + PARTS + ("dsn",)

_ALNUM = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOCAL = b"!#$%&'*+-/=?^_`{|}~"  # RFC 5322 section 3.2.3, atext
_DOMAIN = b"-_"  # the underscore is no host name's, but stands in many a plant's names

# Fields that are written from arguments, each once; a caller's own must have other names.
_WRITTEN = (
    "from",
    "to",
    "cc",
    "bcc",
    "date",
    "message-id",
    "subject",
    "mime-version",
    "auto-submitted",
    "return-path",
    "content-type",
    "content-transfer-encoding",
)
MAILBOXES = ("reply-to", "sender")  # fields of a caller that hold an address
# RFC 5322 section 3.3: year, month, day, hour, minute, second; and the weekday of time.gmtime()
_DATE = ((2000, 2099), (1, 12), (1, 31), (0, 23), (0, 59), (0, 60), (0, 6))


def bad(name, value, remedy):
    """Return the ValueError for argument `name`: one line with the field, value and remedy."""
    shown = repr(value)
    return ValueError(name + " " + (shown if len(shown) < 64 else shown[:60] + "...") + remedy)


def known(given, names):
    """Check that each option given is one of `names`."""
    for name in given:
        if name not in names:
            raise bad("option", name, " is unknown: there are " + ", ".join(names))


def split(client, options):
    """Set those of send_mail()'s options that are an SMTPClient's and return the others."""
    known(options, SESSION + TLS + AUTH + ANY)
    session(client, _some(options, SESSION + TLS + AUTH))
    return _some(options, ANY)


def _some(options, names):
    """Return those of the options that are among `names`."""
    return {name: options[name] for name in options if name in names}


def session(client, options):
    """Check the server and the options of an SMTPClient and set them."""
    known(options, SESSION + TLS + AUTH)
    host, port = client.server
    if isinstance(host, (tuple, list)):
        from .failover import attach

        attach(client, host, port, options)
        return
    text("host", host)
    if not host or " " in host:
        raise bad("host", host, " is no name or address of a server: give one like 192.168.1.1")
    if not isinstance(port, int) or not 0 < port < 65536:
        raise bad("port", port, " is no TCP port: give one from 1 to 65535, mostly 25")
    if "timeout" in options:
        client.timeout = _timeouts(options["timeout"])
    if "deadline" in options:
        client.deadline = _milliseconds("deadline", options["deadline"])
    if "local_hostname" in options:
        client.name = _hostname("local_hostname", options["local_hostname"])
    client.stream.idle = _function("idle", options.get("idle"))
    if _function("trace", options.get("trace")):
        from .trace import attach

        attach(client, options["trace"])
    # Each goes around those before: TLS comes before the password, and no secret into the trace.
    if [1 for name in AUTH if options.get(name)]:
        from .auth import attach

        attach(client, _some(options, AUTH))
    if [1 for name in TLS if options.get(name)]:
        from .secure import attach

        attach(client, _some(options, TLS))


def _timeouts(value):
    """Return the milliseconds by state for the option timeout, given by stage or for all."""
    from .dialogue import TABLE
    from .errors import STAGES

    if not isinstance(value, dict):
        value = dict.fromkeys(STAGES, value)
    for stage in value:
        if stage not in STAGES:
            raise bad("timeout", stage, " is no stage: there are " + ", ".join(STAGES))
    found = [TABLE[at] for at in range(3, len(TABLE), 4)]
    for stage in value:
        found[STAGES.index(stage)] = _milliseconds("timeout", value[stage])
    return found


def _milliseconds(name, value):
    if not isinstance(value, (int, float)) or not 0 < value <= 86400:
        raise bad(name, value, " is no time: give seconds, above 0 and at most 86400")
    return max(1, int(value * 1000))


def _function(name, value):
    if value is not None and not callable(value):
        raise bad(name, value, " cannot be called: give a function")
    return value


def _hostname(name, value):
    text(name, value)
    if not _host(value.encode(), 0) or len(value) != len(value.encode()):
        raise bad(name, value, " is no host name: give one like plc7.plant.lan")
    return value


def text(name, value):
    """Check that `value` is a str without control characters (RFC 5322 section 2.2)."""
    if not isinstance(value, str):
        raise bad(name, value, " is no text: give a str")
    for octet in octets(name, value):
        if octet < 32 or octet == 127:
            raise bad(name, value, " has a control character: give one line of printable text")


def octets(name, value):
    """Return the UTF-8 of a str, or what is bytes already."""
    try:
        return value.encode() if isinstance(value, str) else value
    except UnicodeError:
        raise bad(name, value, " has half a character: give whole ones")


def address(name, value, more=0):
    """Check "user@host" or "Display name <user@host>" and return the part user@host.

    Beyond ASCII it may be anything: the server must offer SMTPUTF8 for it.

    Limits: RFC 5321 section 4.5.3.1. Quoted local parts are refused: no alarm needs one, and
    they have carried parameters past careless servers. `more` octets may be added to the limits.
    """
    text(name, value)
    spec = value[value.rfind("<") + 1 : -1] if "<" in value and value.endswith(">") else value
    spelt = spec.encode()
    at = spelt.rfind(b"@")
    name_ends = len(value) - len(spec) - 2
    if (
        at > 64 + more
        or len(spelt) > 254 + more
        or not (_dotted(spelt, 0, at, _LOCAL) and _host(spelt, at + 1))
        or [sign for sign in "<>" if value.find(sign, 0, max(0, name_ends)) >= 0]
    ):
        raise bad(name, value, " cannot be used: give one like ops@example.com")
    return spec


def _host(spelt, start):
    """Tell whether spelt[start:] is a domain or an address literal (RFC 5321 section 4.1.2)."""
    end = len(spelt)
    if spelt[start : start + 1] == b"[":
        return spelt[end - 1] == 93 and _dotted(spelt, start + 1, end - 1, b":")
    return end - start <= 255 and _dotted(spelt, start, end, _DOMAIN)


def _dotted(spelt, start, end, signs):
    """Tell whether spelt[start:end] is words of letters, digits and `signs` between dots."""
    before = 46  # "."
    for at in range(start, end):
        octet = spelt[at]
        if octet == 46:
            if before == 46:
                return False
        elif octet < 128 and octet not in _ALNUM and octet not in signs:
            return False
        before = octet
    return before != 46


def check(mail, given):
    """Check a mail with the options `given`; set its envelope, and in `options` its header."""
    known(given, ANY)
    text("subject", mail.subject)
    options = {"sender": mail.sender, "headers": given.get("headers", {})}
    mail.sender = address("sender", mail.sender)
    found = []
    for name, value in (
        ("recipients", mail.envelope),
        ("cc", given.get("cc", ())),
        ("bcc", given.get("bcc", ())),
    ):
        options[name] = value = tuple(_addresses(name, value))
        for one in value:
            one = address(name, one)
            if one not in found:
                found.append(one)
    if not options["recipients"]:
        raise bad("recipients", mail.envelope, " is empty: give at least one address")
    mail.envelope = found
    if given.get("message_id") is not None:
        mail.id = address("message_id", given["message_id"], 18)  # as Mail makes them
        if len(mail.id) != len(mail.id.encode()):
            raise bad("message_id", given["message_id"], " is beyond ASCII: give one in ASCII")
    if given.get("date") is not None:
        mail.date = _date(given["date"])
    _headers(options["headers"])
    options["headers"] = options["headers"].copy()
    _body(mail)
    mail.options = options
    _more(mail, given)


def _more(mail, given):
    """Check the options that have modules of their own, and what is beyond ASCII."""
    if [1 for name in FIELDS if given.get(name) is not None]:
        from .fields import add

        add(mail.options["headers"], given)
    if given.get("html") is not None or given.get("attachments"):
        from .parts import check

        check(mail, given)
    if [1 for one in [mail.sender] + mail.envelope if len(one) != len(one.encode())]:
        mail.options["utf8"] = True
        if not isinstance(mail.id, str):  # which is made from the sender
            mail.id = "".join([chr(97 + octet % 26) for octet in mail.id]) + "@smtputf8.invalid"
    if given.get("dsn") is not None:
        from .extensions import check

        check(mail, given["dsn"])


def _addresses(name, value):
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (tuple, list)):
        raise bad(name, value, " is no address: give a str or a list of them")
    return value


def _date(date):
    good = isinstance(date, tuple) and len(date) > 6
    for at, (least, most) in enumerate(_DATE):
        good = good and isinstance(date[at], int) and least <= date[at] <= most
    if not good:
        raise bad("date", date, " is no date: give UTC as time.gmtime() does")
    return date


def _headers(headers):
    if not isinstance(headers, dict):
        raise bad("headers", headers, " is no dict of header fields")
    seen = []
    for name in headers:
        text("headers", name)
        lower = name.lower()
        if not name or [1 for octet in name.encode() if not 33 <= octet <= 126 or octet == 58]:
            raise bad("headers", name, " is no field name: give one like X-Plant")
        if len(name) > 60:
            raise bad("headers", name, " is too long for a field name: give at most 60 letters")
        if lower in _WRITTEN:
            raise bad("headers", name, " is written from the other arguments: use those")
        if lower in seen:
            raise bad("headers", name, " is given twice: give it once")
        seen.append(lower)
        (address if lower in MAILBOXES else text)("headers: " + name, headers[name])


def _body(mail):
    """Find the encoding of the body; one whose lines are not known travels in any case."""
    body = mail.body
    mail.encoding = "quoted-printable"
    mail.size = 0
    if isinstance(body, (str, bytes, bytearray)):
        body = octets("body", body)
        mail.size = 400 + len(body)  # with the header, about
        mail.encoding = _survey(body)
        return
    try:
        iter(body)
    except TypeError:
        raise bad("body", body, " is no text: give str, bytes or an iterable of them")


def _survey(body):
    """Return the simplest encoding that carries `body` (RFC 2045 section 2)."""
    line = 0
    encoding = "7bit"
    for octet in body:
        line += 1
        if octet == 10 or octet == 13:
            line = 0
        elif line > 998 or octet < 9:
            return "quoted-printable"
        elif octet > 127:
            encoding = "8bit"
    return encoding
