"""Arguments that cannot be sent: a ValueError names them, and not an octet is written."""

import pytest

CONTROLS = [chr(octet) for octet in [*range(32), 127]]
GOOD = {
    "host": "127.0.0.1",
    "port": 25,
    "sender": "plc7@plant.lan",
    "recipients": "ops@example.com",
    "subject": "a Horse",
    "body": "cucumber",
}
ARGUMENTS = list(GOOD)


def send(device, server, more=None, **changed):
    """Call send_mail() with some arguments changed; the server must hear nothing of it."""
    args = {**GOOD, "host": server.host, "port": server.port, **changed}
    found = device.call("send", *(args[name] for name in ARGUMENTS), more or {})
    if "value_error" in found:
        assert server.sessions == []
        assert "\n" not in found["value_error"]
    return found


PLACES = {
    # argument: where the control character goes
    "host": lambda c: {"host": f"127.0{c}.0.1"},
    "sender": lambda c: {"sender": f"plc{c}7@plant.lan"},
    "sender's name": lambda c: {"sender": f"P{c}LC <plc7@plant.lan>"},
    "recipients": lambda c: {"recipients": ["ops@example.com", f"ops@exam{c}ple.com"]},
    "recipient's name": lambda c: {"recipients": f"{c} <ops@example.com>"},
    "subject": lambda c: {"subject": f"a{c}b"},
    "cc": lambda c: {"more": {"cc": f"a@b{c}"}},
    "bcc": lambda c: {"more": {"bcc": [f"{c}a@b"]}},
    "local_hostname": lambda c: {"more": {"local_hostname": f"plc{c}"}},
    "message_id": lambda c: {"more": {"message_id": f"<a{c}@b>"}},
    "headers' name": lambda c: {"more": {"headers": {f"X{c}": "a"}}},
    "headers' value": lambda c: {"more": {"headers": {"X-A": f"a{c}"}}},
    "Reply-To": lambda c: {"more": {"headers": {"Reply-To": f"a@b{c}"}}},
    "an option's name": lambda c: {"more": {f"time{c}out": 1}},
}


@pytest.mark.parametrize("place", PLACES)
def test_control_characters(device, server, place):
    for control in CONTROLS:
        found = send(device, server, **PLACES[place](control))
        name = place.split("'")[0].split(" ")[-1].replace("recipient", "recipients")
        name = {"recipientss": "recipients", "Reply-To": "headers", "option": "option"}.get(
            name, name
        )
        assert "value_error" in found, (place, control, found)
        assert found["value_error"].startswith(name), found


BAD = [
    ("host", "", "host ''"),
    ("host", "a b", "host 'a b'"),
    ("host", None, "host None"),
    ("port", 0, "port 0"),
    ("port", 65536, "port 65536"),
    ("port", "25", "port '25'"),
    ("port", None, "port None"),
    ("sender", "", "sender ''"),
    ("sender", "plc7", "sender 'plc7'"),
    ("sender", None, "sender None"),
    ("sender", "@plant.lan", "sender"),
    ("sender", "plc7@", "sender"),
    ("sender", "plc 7@plant.lan", "sender"),
    ("sender", "a@b@plant.lan", "sender"),
    ("sender", ".plc7@plant.lan", "sender"),
    ("sender", "plc..7@plant.lan", "sender"),
    ("sender", "plc7@plant..lan", "sender"),
    ("sender", "plc7@plant.lan.", "sender"),
    ("sender", "plc7@[", "sender"),
    ("sender", "plc7@[]", "sender"),
    ("sender", "plc7@[1.2.3.4", "sender"),
    ("sender", "x" * 65 + "@plant.lan", "sender"),
    ("sender", "plc7@" + "x." * 130 + "lan", "sender"),
    ("sender", "<>", "sender"),
    ("sender", "Name", "sender"),
    ("sender", "Name <plc7@plant.lan", "sender"),
    ("sender", "plc7@plant.lan>", "sender"),
    # parameter smuggling (GHSA-wpwj-69cm-q9c5)
    ("sender", '"> ORCPT=x y"@plant.lan', "sender"),
    ("sender", '"a b"@plant.lan', "sender"),
    ("recipients", "a@b> NOTIFY=NEVER", "recipients"),
    ("recipients", "a@b.lan,c@d.lan", "recipients"),
    ("recipients", "<a@b.lan>,<c@d.lan>", "recipients"),
    ("recipients", [], "recipients ()"),
    ("recipients", None, "recipients None"),
    ("recipients", 5, "recipients 5"),
    ("recipients", ["a@b.lan", ""], "recipients ''"),
    ("recipients", [None], "recipients None"),
    ("subject", None, "subject None"),
    ("subject", 5, "subject 5"),
]


@pytest.mark.parametrize(("name", "value", "begins"), BAD)
def test_bad_argument(device, server, name, value, begins):
    found = send(device, server, **{name: value})
    assert found.get("value_error", found).startswith(begins)


BAD_OPTIONS = [
    ({"timeoutt": 1}, "option 'timeoutt' is unknown"),
    ({"timeout": 0}, "timeout 0"),
    ({"timeout": -1}, "timeout -1"),
    ({"timeout": "5"}, "timeout '5'"),
    ({"timeout": {"DATEN": 5}}, "timeout 'DATEN'"),
    ({"timeout": {"DATA": None}}, "timeout None"),
    ({"deadline": 0}, "deadline 0"),
    ({"deadline": 1e9}, "deadline 1"),
    ({"local_hostname": "a b"}, "local_hostname 'a b'"),
    ({"local_hostname": ""}, "local_hostname ''"),
    ({"local_hostname": 5}, "local_hostname 5"),
    ({"local_hostname": "[127.0.0.1"}, "local_hostname"),
    ({"idle": 5}, "idle 5"),
    ({"cc": 5}, "cc 5"),
    ({"bcc": ["x"]}, "bcc 'x'"),
    ({"message_id": "x"}, "message_id 'x'"),
    ({"message_id": 5}, "message_id 5"),
    ({"message_id": "<ä@b>"}, "message_id '<"),
    ({"local_hostname": "plänt"}, "local_hostname 'pl"),
    ({"date": "today"}, "date 'today'"),
    ({"date": [2026, 13, 1, 0, 0, 0, 0, 0]}, "date (2026, 13"),
    ({"date": [2026, 12]}, "date (2026, 12)"),
    ({"headers": 5}, "headers 5"),
    ({"headers": {"Subject": "x"}}, "headers 'Subject'"),
    ({"headers": {"bcc": "x"}}, "headers 'bcc'"),
    ({"headers": {"Content-Type": "text/html"}}, "headers 'Content-Type'"),
    ({"headers": {"": "x"}}, "headers ''"),
    ({"headers": {"X A": "x"}}, "headers 'X A'"),
    ({"headers": {"X:A": "x"}}, "headers 'X:A'"),
    ({"headers": {"Ä": "x"}}, "headers"),
    ({"headers": {"X-A": 5}}, "headers: X-A 5"),
    ({"headers": {"X-A": "x", "x-a": "y"}}, "headers '"),
    ({"headers": {"x" * 61: "y"}}, "headers 'xxx"),
]


@pytest.mark.parametrize(("more", "begins"), BAD_OPTIONS)
def test_bad_option(device, server, more, begins):
    found = send(device, server, more)
    assert found.get("value_error", found).startswith(begins)


def test_every_message_tells_the_remedy(device, server):
    for name, value, _ in BAD:
        message = send(device, server, **{name: value})["value_error"]
        assert "give" in message or "there are" in message or "use" in message, message


GOOD_ADDRESSES = [
    "a@b",
    "plc-7_x@plant-2.lan",
    "o'neil+tag/x=y@example.com",
    "alarm@[192.168.1.7]",
    "alarm@[IPv6:fe80::1]",
    "x" * 64 + "@example.com",
    "a.b.c@d.e.f",
]


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_good_addresses(device, server, address):
    found = send(device, server, sender=address, recipients=[address])
    assert found["refused"] == {}
    mail = server.mails[0]
    assert (mail.sender, mail.recipients) == (address, (address,))


@pytest.mark.parametrize("name", ["plc7.plant.lan", "[192.168.1.7]", "[IPv6:fe80::1]", "plc7"])
def test_good_local_hostnames(device, server, name):
    send(device, server, {"local_hostname": name})
    server.sessions[0].wait_closed()
    assert server.sessions[0].received.startswith(f"EHLO {name}\r\n".encode())
