"""The network of a configuration: addresses, and whether they agree; borrowed by config.py."""

_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
_ALL = 0xFFFFFFFF


class Network:
    """The checks of its fields, which `Checker` calls.

    checker: the `Checker`
    given: the object of the configuration
    """

    def __init__(self, checker, given):
        self.refuse = checker.refuse
        self.given = given if isinstance(given, dict) else {}
        self.found = checker.fields("n", given, "network.", self)

    def compiled(self, hosts):
        """Check what must agree; return what `link.Link` is to know.

        hosts: those that the board shall reach
        """
        found = self.found
        for name, other in (
            ("netmask", "address"),
            ("gateway", "address"),
            ("dns", "address"),
            ("password", "ssid"),
        ):
            if name in self.given and other not in self.given:
                self.refuse("network." + name, self.given[name], "needs", other)
        if "address" in found and not [1 for name in self.given if name not in found]:
            self.agree(found["address"], found["netmask"], found.get("gateway"), hosts)
        kept = {name: found[name] for name in ("hostname", "ssid") if name in found}
        if "password" in found:
            kept["key"] = found["password"]
        if "address" in found:
            gateway = found.get("gateway", "0.0.0.0")
            dns = found.get("dns", gateway)
            kept["static"] = [found["address"], found.get("netmask"), gateway, dns]
        return kept

    def agree(self, address, netmask, gateway, hosts):
        """Check a static address, and that the way to each host is known."""
        mask = number_of(netmask)
        subnet = number_of(address) & mask
        last = subnet | mask ^ _ALL
        ends = dotted(subnet + 1), dotted(last - 1)
        if not subnet < number_of(address) < last:
            self.refuse("network.address", address, "subnet", *ends)
        if gateway and (gateway == address or not subnet < number_of(gateway) < last):
            self.refuse("network.gateway", gateway, "subnet", *ends)
        dns = self.found.get("dns")
        if gateway:
            return
        for host in hosts + [dns] if dns else hosts:
            number = number_of(host)
            if number < 0 and not dns:
                self.refuse("network.dns", ..., "a_name", host)
                return
            if number >= 0 and not subnet < number < last:
                self.refuse("network.gateway", ..., "outside", host)
                return

    # Checks, as those of `Checker`

    def _ipv4(self, value):
        first = number_of(value) >> 24
        need(0 < first < 224 and first != 127)
        return value

    def _netmask(self, value):
        free = number_of(value) ^ _ALL
        need(free & free + 1 == 0 and 3 <= free < 1 << 24)
        return value

    def _hostname(self, value, most):
        need(isinstance(value, str) and 0 < len(value) <= int(most))
        need(value[0] != "-" and value[-1] != "-")
        need(not [1 for sign in value if sign not in _SIGNS])
        return value

    def _secret(self, value, least, most):
        need(isinstance(value, str) and int(least) <= len(value) <= int(most))
        need(not [1 for sign in value if not 32 <= ord(sign) < 127])
        return value


def need(condition):
    """Refuse a value where a condition does not hold."""
    if not condition:
        raise ValueError


def number_of(text):
    """Return the number that an IPv4 address is, -1 for what is none."""
    parts = text.split(".") if isinstance(text, str) else ()
    number = 0
    for part in parts:
        try:
            octet = int(part)
        except ValueError:
            return -1
        if str(octet) != part or not 0 <= octet < 256:
            return -1
        number = number << 8 | octet
    return number if len(parts) == 4 else -1


def dotted(number):
    """Return the address of a number."""
    return ".".join([str(number >> shift & 255) for shift in (24, 16, 8, 0)])
