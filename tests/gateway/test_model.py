"""The TOML file: what it gives, and each refusal with its line."""

import tomllib

import pytest
from hypothesis import given, strategies

from host_tools.gateway.model import (
    BadFileError,
    check_gateway,
    read_gateway,
    read_password,
)
from host_tools.gateway.render import HERE
from tests.gateway.plant import REMOVE, gateway, plant

PRIVATE_ONLY = "is not a private network; everybody in it could send mail through you"
NO_PASSWORD = (
    "a password does not belong into this file: write it into a file of its own, chmod 600, and "
    "name that in password_file"
)
NO_CATCH_ALL = (
    "name each domain, as plant.lan: a catch-all rewrites the empty sender of bounces and the "
    "recipients, too"
)
NEVER_ARRIVES = (
    "would never arrive: its domain is rewritten to the provider's account; give an address "
    "elsewhere"
)
BAD = [
    # changes, the line
    ({"gateway.networks": ["192.168.1.1/24"]},
     ('gateway.networks.0: "192.168.1.1/24": has bits set behind /24; give 192.168.1.0/24 for the '
     "network or 192.168.1.1/32 for one board")),
    ({"gateway.networks": "0.0.0.0/0"}, f'gateway.networks.0: "0.0.0.0/0": {PRIVATE_ONLY}'),
    ({"gateway.networks": ["8.8.8.0/24"]}, f'gateway.networks.0: "8.8.8.0/24": {PRIVATE_ONLY}'),
    ({"gateway.networks": ["10.0.0.0/7"]}, f'gateway.networks.0: "10.0.0.0/7": {PRIVATE_ONLY}'),
    ({"gateway.networks": ["lan"]},
     'gateway.networks.0: "lan": give an IPv4 network or address, as 192.168.1.0/24'),
    ({"gateway.networks": []}, "gateway.networks: []: name at least one"),
    ({"gateway.listen": "0.0.0.0"},
     'gateway.listen.0: "0.0.0.0": name the address in the LAN; this one means every interface'),
    ({"gateway.listen": ["8.8.8.8"]},
     'gateway.listen.0: "8.8.8.8": this is a public address; listen on the one in the LAN only'),
    ({"gateway.listen": ["all"]},
     'gateway.listen.0: "all": give an IPv4 address of the gateway, as 192.168.1.1'),
    ({"gateway.provider.host": "192.0.2.5"},
     ('gateway.provider.host: "192.0.2.5": give a name, not an IP address: certificates are made '
     "for names")),
    ({"gateway.provider.host": "[2001:db8::1]"},
     ('gateway.provider.host: "[2001:db8::1]": give a name, not an IP address: certificates are '
     "made for names")),
    ({"gateway.provider.host": "smtp"},
     'gateway.provider.host: "smtp": give a full name with at least one dot, as mail.plant.lan'),
    ({"gateway.provider.port": 465},
     ('gateway.provider.security: "starttls": port 465 takes TLS from the start: security = "tls"'
     ", or port = 587")),
    ({"gateway.provider.security": "tls"},
     ('gateway.provider.security: "tls": port 587 takes STARTTLS: security = "starttls", or '
     "port = 465")),
    ({"gateway.provider.security": "none"},
     'gateway.provider.security: "none": give "starttls" or "tls"'),
    ({"gateway.provider.port": 0},
     "gateway.provider.port: 0: give a number greater than or equal to 1"),
    ({"gateway.provider.port": "587"},
     'gateway.provider.port: "587": give a whole number, without quotes'),
    ({"gateway.provider.user": "a:b"},
     'gateway.provider.user: "a:b": give the account\'s name, without colons and blanks'),
    ({"recipients": []}, "recipients: []: name at least one"),
    ({"recipients": REMOVE},
     'recipients: missing: give the addresses that may get mail, as ["ops@example.com"]'),
    ({"recipients": ["ops"]}, 'recipients.0: "ops": give a plain address, as ops@example.com'),
    ({"recipients": ["a%b@example.com"]},
     'recipients.0: "a%b@example.com": give a plain address, as ops@example.com'),
    ({"recipients": ["ops@plant.lan"]},
     f"recipients: ['ops@plant.lan']: mail to ops@plant.lan {NEVER_ARRIVES}"),
    ({"gateway.operator": "operator@plant.lan"},
     f'gateway.operator: "operator@plant.lan": mail to operator@plant.lan {NEVER_ARRIVES}'),
    ({"gateway.operator": "root@mail.plant.lan"},
     f'gateway.operator: "root@mail.plant.lan": mail to root@mail.plant.lan {NEVER_ARRIVES}'),
    ({"gateway.provider.rewrite": ["*"]},
     f'gateway.provider.rewrite.0: "*": {NO_CATCH_ALL}'),
    ({"gateway.provider.rewrite": ""}, f'gateway.provider.rewrite.0: "": {NO_CATCH_ALL}'),
    ({"gateway.provider.from": "@example.com"},
     'gateway.provider.from: "@example.com": give a plain address, as ops@example.com'),
    ({"gateway.provider.password": "secret"}, f"gateway.provider.password: ***: {NO_PASSWORD}"),
    ({"gateway.password": "secret"}, f"gateway.password: ***: {NO_PASSWORD}"),
    ({"gateway.hostname": "mail.plant.lan\nrelayhost = evil"},
     ('gateway.hostname: "mail.plant.lan\\nrelayhost = evil": remove \'\\n\': it has a meaning in '
     "Postfix's configuration")),
    ({"gateway.provider.user": "x} , { y"},
     ('gateway.provider.user: "x} , { y": remove \'}\': it has a meaning in Postfix\'s '
     "configuration")),
    ({"gateway.provider.ca_file": "/etc/$x"},
     ('gateway.provider.ca_file: "/etc/$x": remove \'$\': it has a meaning in Postfix\'s '
     "configuration")),
    ({"gateway.provider.ca_file": "ca.pem"},
     'gateway.provider.ca_file: "ca.pem": give the full path that the file has on the gateway'),
    ({"gateway.hostname": "müller.lan"},
     'gateway.hostname: "m\\xfcller.lan": use ASCII only; write a domain in its xn-- form'),
    ({"gateway.hostnam": "x"},
     ('gateway.hostnam: "x": no such field; did you mean hostname? known are devices, hostname, '
     "listen, networks, outside, provider, recipients, operator, limits, queue, watch")),
    ({"gateway.queue.lifetime": "10m"},
     'gateway.queue.lifetime: "10m": give at least "1h": what is older is given up'),
    ({"gateway.queue.retry_first": "2s"},
     'gateway.queue.retry_first: "2s": give from "10s" to "1h"'),
    ({"gateway.queue.retry_first": "20m"},
     ('gateway.queue.retry_first: "20m": must not be longer than retry_last: the pauses grow up '
     "to that")),
    ({"gateway.queue.lifetime": 60},
     'gateway.queue.lifetime: 60: give a number and a unit, as "90s", "15m", "12h" or "2d"'),
    ({"gateway.limits.message_size": 0},
     "gateway.limits.message_size: 0: give a number greater than or equal to 16384"),
    ({"gateway.outside": "eth0; rm -rf /"},
     'gateway.outside: "eth0; rm -rf /": give the name of a network interface, as eth1'),
    ({"gateway.watch.heartbeats": "no"},
     'gateway.watch.heartbeats: "no": give true or false'),
    ({"devices": {}}, "devices: {}: name at least one"),
    ({"devices.plc7.sender": REMOVE},
     ('devices.plc7.sender: missing: give the address that the board sends from, as '
     '"plc7@plant.lan"')),
    ({"devices.plc7.heartbeat": "daily"},
     ('devices.plc7.heartbeat: "daily": give the time of the daily mail, as "07:00", or how often '
     'it comes, as "12h"; "" for a board that sends none')),
    ({"gateway": REMOVE},
     "gateway: missing: write a table [gateway] with hostname, listen and so on"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "line"), BAD, ids=[line[:50] for _, line in BAD])
def test_a_bad_field_is_refused_in_one_line(changes, line):
    with pytest.raises(BadFileError) as caught:
        gateway(changes)
    assert caught.value.lines == [line]


def test_two_boards_with_one_sender_are_refused():
    with pytest.raises(BadFileError) as caught:
        gateway({"devices.plc8.sender": "PLC7@plant.lan"})
    (line,) = caught.value.lines
    assert line.endswith("plc7@plant.lan is used by two boards: give each its own sender")


def test_all_that_is_wrong_is_told_at_once():
    changes = {"gateway.listen": "::", "gateway.provider.port": 99999, "recipients": ["x"]}
    with pytest.raises(BadFileError) as caught:
        gateway(changes)
    fields = [line.split(":")[0] for line in caught.value.lines]
    assert fields == ["gateway.listen.0", "gateway.provider.port", "recipients.0"]


def test_the_file_that_new_writes_is_a_good_one():
    text = (HERE / "files" / "gateway.toml").read_text()
    written = check_gateway(tomllib.loads(text))
    commented = check_gateway(tomllib.loads(text.replace("# rewrite", "rewrite")))
    assert written.senders == ["plc7@plant.lan"]
    assert commented.rewritten == ["plant.lan", "mail.plant.lan"]


def test_each_commented_line_of_that_file_shows_the_default():
    text = (HERE / "files" / "gateway.toml").read_text()
    lines = text.splitlines()
    shown = [line[2:] if line.startswith("# ") and " = " in line else line for line in lines]
    assert check_gateway(tomllib.loads("\n".join(shown))) == check_gateway(
        tomllib.loads(text.replace("# rewrite", "rewrite"))
    )


def test_a_plant_has_more_than_the_gateway_needs():
    data = plant({"recipients": {"operators": ["ops@example.com"], "managers": "b@example.com"}})
    data["devices"]["plc7"] |= {"board": "W5500_EVB_PICO", "points": []}
    data["gateways"] = ["192.168.1.1"]
    model = check_gateway(data)
    assert model.recipients == ["ops@example.com", "b@example.com"]
    assert [device.heartbeat for device in model.devices.values()] == [43200, 0]


PLACES = [
    *("recipients", "devices", "devices.plc7", "devices.plc7.sender", "devices.plc7.heartbeat"),
    *("gateway", "gateway.hostname", "gateway.listen", "gateway.networks", "gateway.outside"),
    *("gateway.provider", "gateway.provider.host", "gateway.provider.port", "gateway.operator"),
    *("gateway.provider.security", "gateway.provider.user", "gateway.provider.from"),
    *("gateway.provider.rewrite", "gateway.provider.ca_file", "gateway.provider.password_file"),
    *("gateway.limits", "gateway.queue", "gateway.queue.retry_first", "gateway.watch"),
]
VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.dates()
    | strategies.text(max_size=20)
    | strategies.sampled_from(["a@b.example", "10.0.0.1", "1d", "mail.plant.lan"]),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(strategies.sampled_from(PLACES), VALUES)
def test_whatever_a_field_holds_it_is_taken_or_refused_in_a_line(place, value):
    try:
        gateway({place: value})
    except BadFileError as error:
        said = error.lines
    else:
        return
    assert said
    assert all("\n" not in line and ": " in line for line in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [("gateway = [", "this is not TOML"), (None, "`alarmpost gateway new` makes one")],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    path = tmp_path / "gateway.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadFileError) as caught:
        read_gateway(path)
    assert caught.value.lines[0].startswith(f"{path}: ")
    assert caught.value.lines[0].endswith(said)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("secret\n", 0o644, "mode 644, others can read it: chmod 600 "),
        ("secret\n", 0o640, "mode 640, others can read it: chmod 600 "),
        ("", 0o600, "the password is empty"),
        ("two\nlines\n", 0o600, "the password has line breaks"),
        (" blank\n", 0o600, "the password has line breaks, control characters, or blanks"),
        (None, 0, "No such file or directory: write the password into it, one line"),
    ],
)
def test_a_bad_password_file_is_refused(tmp_path, content, mode, said):
    path = tmp_path / "password"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(BadFileError) as caught:
        read_password(path)
    (line,) = caught.value.lines
    assert line.startswith(f"gateway.provider.password_file: {path}: ")
    assert said in line
    assert "secret" not in line


def test_a_password_may_hold_any_sign(tmp_path):
    path = tmp_path / "password"
    path.write_text("a: b#{$}\\ü\n")
    path.chmod(0o600)
    assert read_password(path) == "a: b#{$}\\ü"
