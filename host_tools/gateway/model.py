"""The plant's TOML file, as far as the gateway needs it -> a checked model.

A file of its own has the same shape as the plant's: `[gateway]`, `recipients`, `[devices.NAME]`.
What else the plant's file holds is not looked at.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from host_tools.gateway.facts import MEBIBYTE
from host_tools.toml_file import (
    NO_PASSWORD,
    BadFileError,
    devices_of,
    dotted,
    read_secret,
    read_toml,
)

LOCAL_PART = r"[A-Za-z0-9_+~-]+(?:\.[A-Za-z0-9_+~-]+)*"
"""Less than RFC 5322's dot-atom: the rest, as = and %, means something to Postfix."""

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})+")
ADDRESS = re.compile(rf"({LOCAL_PART})@({LABEL}(?:\.{LABEL})*)")
TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
DURATION = re.compile(r"(\d+)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DAY = SECONDS["d"]

HARMFUL = re.compile(r"[\x00-\x1f\x7f{}$\\\"]")
"""What has a meaning of its own in main.cf, or ends a line of it."""

SUBMISSION, SUBMISSIONS = 587, 465
"""RFC 6409: STARTTLS. RFC 8314: TLS from the first octet."""


def harmless(value: Any) -> Any:
    """Refuse what would break out of its line in Postfix's configuration."""
    if isinstance(value, str) and (found := HARMFUL.search(value)):
        raise ValueError(f"remove {found[0]!r}: it has a meaning in Postfix's configuration")
    if isinstance(value, str) and not value.isascii():
        raise ValueError("use ASCII only; write a domain in its xn-- form")
    return value


def mail_address(value: str) -> str:
    """Check a plain address; Postfix compares them in lower case."""
    if not ADDRESS.fullmatch(value):
        raise ValueError("give a plain address, as ops@example.com")
    return value.lower()


def domain(value: str) -> str:
    """Check a fully qualified name."""
    if is_address(value):
        raise ValueError("give a name, not an IP address: certificates are made for names")
    if not DOMAIN.fullmatch(value):
        raise ValueError("give a full name with at least one dot, as mail.plant.lan")
    return value.lower()


def rewritten(value: str) -> str:
    """Check a domain whose senders are rewritten: each is named, there is no catch-all."""
    if not DOMAIN.fullmatch(value):
        raise ValueError(
            "name each domain, as plant.lan: a catch-all rewrites the empty sender of bounces and "
            "the recipients, too"
        )
    return value.lower()


def is_address(value: str) -> bool:
    """Tell whether a text is an IP address, with or without brackets."""
    try:
        ip_address(value.strip("[]"))
    except ValueError:
        return False
    return True


def listening(value: str) -> str:
    """Check an address to listen on: one of the LAN, never all of them."""
    try:
        address = IPv4Address(value)
    except ValueError:
        raise ValueError("give an IPv4 address of the gateway, as 192.168.1.1") from None
    if address.is_unspecified:
        raise ValueError("name the address in the LAN; this one means every interface")
    if not inner(IPv4Network(address)):
        raise ValueError("this is a public address; listen on the one in the LAN only")
    return value


def lan(value: str) -> str:
    """Check a network, or one address, of boards."""
    try:
        interface = IPv4Interface(value)
    except ValueError:
        raise ValueError("give an IPv4 network or address, as 192.168.1.0/24") from None
    network = interface.network
    if interface.ip != network.network_address:
        raise ValueError(
            f"has bits set behind /{network.prefixlen}; give {network} for the network or "
            f"{interface.ip}/32 for one board"
        )
    if not inner(network):
        raise ValueError("is not a private network; everybody in it could send mail through you")
    return str(network)


PRIVATE = tuple(
    IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
)
"""RFC 1918 and RFC 3927. What ipaddress calls private holds more, as nets for documentation."""

LOOPBACK = IPv4Network("127.0.0.0/8")


def inner(network: IPv4Network) -> bool:
    """Tell whether a network cannot be reached from the Internet."""
    return any(network.subnet_of(private) for private in (*PRIVATE, LOOPBACK))


def seconds(value: Any) -> Any:
    """Read a duration: 90s, 15m, 12h, 2d."""
    if isinstance(value, str) and (parts := DURATION.fullmatch(value)):
        return int(parts[1]) * SECONDS[parts[2]]
    raise ValueError('give a number and a unit, as "90s", "15m", "12h" or "2d"')


def interval(value: Any) -> Any:
    """Read how often a board gives a sign of life: a duration, or the time of a daily mail."""
    if value == "":
        return 0
    if isinstance(value, str) and TIME_OF_DAY.fullmatch(value):
        return DAY
    try:
        return seconds(value)
    except ValueError:
        raise ValueError(
            'give the time of the daily mail, as "07:00", or how often it comes, as "12h"; '
            '"" for a board that sends none'
        ) from None


def one_or_more(value: Any) -> Any:
    """Take one text for a list of one, and a table of lists for all that is in them."""
    if isinstance(value, dict):
        lists = [one_or_more(part) for part in value.values()]
        return [address for part in lists if isinstance(part, list) for address in part]
    return [value] if isinstance(value, str) else value


def unique(values: list[str]) -> list[str]:
    """Drop repetitions."""
    return list(dict.fromkeys(values))


Text = Annotated[str, BeforeValidator(harmless)]
Address = Annotated[Text, AfterValidator(mail_address)]
Domain = Annotated[Text, AfterValidator(domain)]
Duration = Annotated[int, BeforeValidator(seconds)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Table(BaseModel):
    """A table of the file: types as written, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Device(BaseModel):
    """A board: who it says it is, and how often it says that it is alive.

    In a plant's file it has more fields, which are others' to check.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    sender: Address
    heartbeat: Annotated[int, BeforeValidator(interval)] = DAY


class Provider(Table):
    """Who takes the mail: host, port, and what it wants."""

    host: Annotated[Text, AfterValidator(domain)]
    port: Port = SUBMISSION
    security: Literal["starttls", "tls"] = Field("starttls", validate_default=True)
    user: Text
    password_file: str | None = None
    sender: Annotated[Address | None, Field(alias="from")] = None
    rewrite: Annotated[
        list[Annotated[Text, AfterValidator(rewritten)]], BeforeValidator(one_or_more)
    ] = []
    ca_file: Text = "/etc/ssl/certs/ca-certificates.crt"

    @field_validator("security")
    @classmethod
    def fits_port(cls, value: str, info: ValidationInfo) -> str:
        """Refuse the two pairs of port and security that never work."""
        port = info.data.get("port")
        if (port, value) == (SUBMISSIONS, "starttls"):
            raise ValueError('port 465 takes TLS from the start: security = "tls", or port = 587')
        if (port, value) == (SUBMISSION, "tls"):
            raise ValueError('port 587 takes STARTTLS: security = "starttls", or port = 465')
        return value

    @field_validator("user")
    @classmethod
    def without_colon(cls, value: str) -> str:
        """A colon ends the name in the password table."""
        if not value or ":" in value or " " in value:
            raise ValueError("give the account's name, without colons and blanks")
        return value

    @field_validator("ca_file")
    @classmethod
    def absolute(cls, value: str) -> str:
        """The path is one of the gateway."""
        if not value.startswith("/"):
            raise ValueError("give the full path that the file has on the gateway")
        return value


class Limits(Table):
    """What one board may do."""

    connections: Annotated[int, Field(ge=1, le=50)] = 5
    connections_per_minute: Annotated[int, Field(ge=10, le=10000)] = 120
    mails_per_minute: Annotated[int, Field(ge=1, le=10000)] = 120
    recipients: Annotated[int, Field(ge=1, le=100)] = 30
    message_size: Annotated[int, Field(ge=16384, le=50 * MEBIBYTE)] = MEBIBYTE
    processes: Annotated[int, Field(ge=5, le=100)] = 20


class Queue(Table):
    """How long and how often the gateway tries; seconds."""

    lifetime: Duration = 2 * DAY
    retry_last: Duration = 900
    retry_first: Duration = 60

    @field_validator("lifetime")
    @classmethod
    def long_enough(cls, value: int) -> int:
        """A provider may be down for hours; 0 would bounce at the first try."""
        if value < SECONDS["h"]:
            raise ValueError('give at least "1h": what is older is given up')
        return value

    @field_validator("retry_first")
    @classmethod
    def not_a_storm(cls, value: int, info: ValidationInfo) -> int:
        """Providers block who asks too often; pauses grow."""
        if not 10 <= value <= SECONDS["h"]:
            raise ValueError('give from "10s" to "1h"')
        if value > info.data.get("retry_last", value):
            raise ValueError("must not be longer than retry_last: the pauses grow up to that")
        return value


class Watch(Table):
    """When the watch calls a person; seconds and octets."""

    port: Port = 8025
    interval: Duration = 30
    warn_after: Duration = 5 * 60
    critical_after: Duration = 30 * 60
    free_space: Annotated[int, Field(ge=MEBIBYTE)] = 50 * MEBIBYTE
    heartbeats: bool = True


class Gateway(Table):
    """The table `[gateway]`, with the plant's recipients and devices beside it."""

    devices: Annotated[dict[str, Device], Field(min_length=1)]
    hostname: Domain
    listen: Annotated[
        list[Annotated[Text, AfterValidator(listening)]],
        BeforeValidator(one_or_more),
        Field(min_length=1),
    ]
    networks: Annotated[
        list[Annotated[Text, AfterValidator(lan)]],
        BeforeValidator(one_or_more),
        Field(min_length=1),
    ]
    outside: Annotated[Text, Field(pattern=r"^[A-Za-z0-9_.-]{0,15}$")] = ""
    provider: Provider
    recipients: Annotated[
        list[Address], BeforeValidator(one_or_more), Field(min_length=1, max_length=200)
    ]
    operator: Address
    limits: Limits = Limits()
    queue: Queue = Queue()
    watch: Watch = Watch()

    @field_validator("devices")
    @classmethod
    def senders_differ(cls, value: dict[str, Device]) -> dict[str, Device]:
        """The watch tells boards apart by their senders."""
        senders = [device.sender for device in value.values()]
        for sender in senders:
            if senders.count(sender) > 1:
                raise ValueError(f"{sender} is used by two boards: give each its own sender")
        return value

    @field_validator("recipients")
    @classmethod
    def all_arrive(cls, value: list[str], info: ValidationInfo) -> list[str]:
        """Several lists may share an address."""
        return [arrives(address, info) for address in unique(value)]

    @field_validator("operator")
    @classmethod
    def one_arrives(cls, value: str, info: ValidationInfo) -> str:
        """The operator gets what could not be delivered."""
        return arrives(value, info)

    @property
    def senders(self) -> list[str]:
        """The addresses that may send."""
        return [device.sender for device in self.devices.values()]

    @property
    def rewritten(self) -> list[str]:
        """The domains whose addresses become the provider's account."""
        return rewritten_domains(self.devices, self.hostname, self.provider)


def arrives(address: str, info: ValidationInfo) -> str:
    """Refuse an address in a domain that is rewritten: such maps know no sender from recipient."""
    devices, hostname = info.data.get("devices", {}), info.data.get("hostname", "")
    if address.partition("@")[2] in rewritten_domains(
        devices, hostname, info.data.get("provider")
    ):
        raise ValueError(
            f"mail to {address} would never arrive: its domain is rewritten to the provider's "
            "account; give an address elsewhere"
        )
    return address


def rewritten_domains(
    devices: dict[str, Device], hostname: str, provider: Provider | None
) -> list[str]:
    """Name the domains that are rewritten; none where the provider takes any sender."""
    if provider is None or provider.sender is None:
        return []
    own = [device.sender.partition("@")[2] for device in devices.values()]
    return unique([*(provider.rewrite or own), hostname])


MAKER = "alarmpost gateway new"
SHARED = ("recipients", "devices")
"""What stands beside `[gateway]`, because the plant's boards use it, too."""

INHERITED = "heartbeat"
"""What may stand there for all boards."""


def read_gateway(path: Path) -> Gateway:
    """Read the file and check it; raises `BadFileError`, whose lines tell all that is wrong."""
    return check_gateway(read_toml(path, MAKER))


def check_gateway(data: dict[str, Any]) -> Gateway:
    """Check what the file holds."""
    table = data.get("gateway")
    if not isinstance(table, dict):
        raise BadFileError(
            ["gateway: missing: write a table [gateway] with hostname, listen and so on"]
        )
    shared = {name: data[name] for name in SHARED if name in data}
    if "devices" in shared:
        shared["devices"] = devices_of(data, INHERITED)
    try:
        return Gateway.model_validate({**shared, **table})
    except ValidationError as error:
        raise BadFileError([line(detail) for detail in error.errors()]) from None


def line(detail: Any) -> str:
    """Say in one line what is wrong with a field: field, value, remedy."""
    steps = [str(step) for step in detail["loc"]]
    prefix = [] if steps[0] in SHARED else ["gateway"]
    field = dotted(*prefix, *steps)
    if detail["type"] == "missing":
        return f"{field}: missing: give {NEEDED.get(steps[-1], 'it')}"
    value = "***" if "password" in steps[-1] else shown(detail["input"])
    return f"{field}: {value}: {remedy(detail, steps)}"


NEEDED = {
    "recipients": 'the addresses that may get mail, as ["ops@example.com"]',
    "devices": "a table [devices.NAME] for each board",
    "hostname": 'the gateway\'s name, as "mail.plant.lan"',
    "listen": 'its addresses in the LAN, as ["192.168.1.1"]',
    "networks": 'where the boards are, as ["192.168.1.0/24"]',
    "provider": "a table [gateway.provider] with host, port, user",
    "operator": "the address of the person who looks after the gateway",
    "host": 'the provider\'s server, as "smtp.example.com"',
    "user": "the account's name at the provider",
    "sender": 'the address that the board sends from, as "plc7@plant.lan"',
}
REMEDIES = {
    "too_short": "name at least one",
    "too_long": "too many",
    "literal_error": 'give "starttls" or "tls"',
    "bool_type": "give true or false",
    "int_type": "give a whole number, without quotes",
    "string_type": "give a text in quotes",
    "list_type": 'give a list, as ["..."]',
    "dict_type": "give a table",
    "model_type": "give a table",
    "string_pattern_mismatch": "give the name of a network interface, as eth1",
}


def remedy(detail: Any, steps: list[str]) -> str:
    """Say what helps against an error that pydantic found."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        return unknown(steps)
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind in ("greater_than_equal", "less_than_equal"):
        return detail["msg"].replace("Input should be", "give a number").lower()
    return REMEDIES.get(kind) or str(detail["msg"])


def unknown(steps: list[str]) -> str:
    """Say what helps against a field that does not exist."""
    if "pass" in steps[-1].lower() or "secret" in steps[-1].lower():
        return NO_PASSWORD
    known = known_fields(steps[:-1])
    near = get_close_matches(steps[-1], known, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"no such field; {meant}known are {', '.join(known)}"


def known_fields(steps: Iterable[str]) -> list[str]:
    """Name the fields of a table."""
    table: Any = Gateway
    for step in steps:
        table = table.model_fields[step].annotation
    return [field.alias or name for name, field in table.model_fields.items()]


def shown(value: Any) -> str:
    """Show a value as the file has it, in one short line."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = text.encode("unicode_escape").decode()
    return text if len(text) <= 60 else text[:57] + "..."


def read_password(path: Path) -> str:
    """Read a password file; raises `BadFileError`."""
    field = "gateway.provider.password_file"
    try:
        return check_password(read_secret(path, field))
    except ValueError as error:
        raise BadFileError([f"{field}: {path}: {error}"]) from None


def check_password(password: str) -> str:
    """Check a password for what a line of Postfix's table cannot carry."""
    if not password:
        raise ValueError("the password is empty: write it there, one line")
    if not password.isprintable() or password != password.strip():
        raise ValueError(
            "the password has line breaks, control characters, or blanks at its ends: "
            "write one line, or let the provider make another one"
        )
    return password
