"""Gateways that are configured in other ways than ours, to see the check fail them."""

from host_tools.gateway.postfix import Postfix, replaced
from host_tools.gateway.settings import places

ARTICLE = """\
inet_interfaces = 127.0.0.1
mynetworks = {networks}
relayhost = [localhost]:{port}
smtp_use_tls = yes
smtp_enforce_tls = yes
smtp_tls_enforce_peername = no
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:{passwords}
smtp_sasl_security_options =
disable_vrfy_command = yes
mailbox_size_limit = 0
message_size_limit = 0
"""
"""The settings of the article, on loopback."""

AS_WRITTEN = "127.0.0.1/8 192.168.1.0/24"
AS_MEANT = "127.0.0.0/8 192.168.1.0/24"

OPEN = """\
inet_interfaces = 127.0.0.1
mynetworks = 0.0.0.0/0
relayhost = [localhost]:{port}
"""

EVERYWHERE = "inet_interfaces = all\n"


class Other(Postfix):
    """A Postfix with a main.cf of its own; where things are is the same."""

    text = ""
    networks = AS_MEANT

    def configure(self) -> None:
        """Write the other settings."""
        super().configure()
        where = "".join(f"{name} = {value}\n" for name, value, _ in places(self.system))
        text = self.text.format(
            networks=self.networks,
            port=self.gateway.provider.port,
            passwords=self.paths.passwords,
        )
        self.write(self.folder / "etc" / "main.cf", where + replaced(text, self.extra))
