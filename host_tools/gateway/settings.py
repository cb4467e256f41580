"""main.cf and master.cf as tables: each setting with its value and the reason it is there."""

from collections.abc import Iterable
from typing import NamedTuple

from host_tools.gateway.model import Gateway, Provider
from host_tools.gateway.systems import System

SMTP = 25


class Setting(NamedTuple):
    """A line of main.cf."""

    name: str
    value: str
    why: str


class Service(NamedTuple):
    """A line of master.cf. Each program runs as Postfix's user, whatever it starts as."""

    name: str
    kind: str
    private: str
    wakeup: str
    limit: str
    program: str
    why: str


def main_cf(gateway: Gateway, system: System) -> str:
    """Return the text of main.cf."""
    text = [f"# {gateway.hostname}: a relay for alarm mail, and nothing else.\n"]
    for title, settings in chapters(gateway, system):
        text.append(f"\n## {title}\n")
        text.extend(written(setting) for setting in settings)
    return "".join(text)


def written(setting: Setting) -> str:
    """Return the lines of a setting, with its reason."""
    return f"\n# {setting.why}\n{setting.name} = {setting.value}".rstrip() + "\n"


def chapters(gateway: Gateway, system: System) -> Iterable[tuple[str, list[Setting]]]:
    """Return all settings by chapter."""
    return (
        ("Where things are", places(system)),
        ("Who may connect, and from where", access(gateway)),
        ("No mailboxes, no other ways of delivery", no_mailboxes(gateway)),
        ("What boards may say", dialogue()),
        ("How much they may send", limits(gateway)),
        ("The mail itself", content(gateway.provider, gateway.rewritten)),
        ("The provider", provider(gateway.provider, system)),
        ("The queue", queue(gateway)),
    )


def places(system: System) -> list[Setting]:
    """Return where files and programs are."""
    paths = system.paths
    settings = [
        Setting("compatibility_level", "3.6", "Defaults of Postfix 3.6, also in later versions."),
        Setting("queue_directory", paths.queue, "Mail waits here: on a disk, never in memory."),
        Setting("data_directory", system.data, "Postfix's own notes."),
        Setting("command_directory", paths.commands, "postfix, postqueue and their like."),
        Setting("daemon_directory", system.daemons, "The programs that master.cf names."),
        Setting("shlib_directory", system.libraries, "Postfix's libraries."),
        Setting("meta_directory", system.meta, "What belongs to Postfix's installation."),
        Setting("mail_owner", "postfix", "Owns the queue, and runs most of Postfix."),
        Setting("setgid_group", "postdrop", "May put mail into the queue by sendmail."),
        Setting("maillog_file", paths.log, "A log file without syslog; the watch reads it."),
        Setting(
            "maillog_file_prefixes",
            paths.log.rpartition("/")[0],
            "The log must not end up anywhere else.",
        ),
        Setting(
            "import_environment",
            " ".join(("MAIL_CONFIG", "TZ", "LANG=C", *system.environment)),
            "Nothing else of the environment reaches the daemons.",
        ),
    ]
    optional = ("shlib_directory", "meta_directory")
    return [setting for setting in settings if setting.value or setting.name not in optional]


def access(gateway: Gateway) -> list[Setting]:
    """Return who may connect."""
    loopback_too = [address for address in gateway.listen if address != "127.0.0.1"]
    return [
        Setting("myhostname", gateway.hostname, "What the gateway calls itself."),
        Setting("myorigin", "$myhostname", "Local programs' mail comes from this host."),
        Setting("inet_protocols", "ipv4", "Boards have no IPv6, and it would be one more way in."),
        Setting(
            "inet_interfaces",
            ", ".join(["127.0.0.1", *loopback_too]),
            "Listens in the LAN and for checks on itself only. Loopback must stay: with a single "
            "address\n# Postfix would also send from it, and the provider could not answer.",
        ),
        Setting(
            "mynetworks",
            " ".join(unique(["127.0.0.1/32", *gateway.networks])),
            "The boards, and nobody else.",
        ),
        Setting(
            "smtpd_peername_lookup",
            "no",
            "Boards have no names. A look-up would make them wait whenever the uplink is down.",
        ),
        Setting("smtpd_delay_reject", "no", "Refuse strangers at once, before they can speak."),
        Setting(
            "smtpd_client_restrictions", "permit_mynetworks, reject", "Strangers get 554 and go."
        ),
        Setting(
            "smtpd_relay_restrictions",
            "permit_mynetworks, reject",
            "Once more for relaying: a second lock in case the first is changed.",
        ),
        Setting(
            "smtpd_sender_restrictions",
            f"reject_non_fqdn_sender, check_sender_access {allowed(gateway.senders)}, reject",
            "Boards send as themselves. The empty sender is refused, too.",
        ),
        Setting(
            "smtpd_recipient_restrictions",
            f"check_recipient_access {allowed(gateway.recipients)}, reject",
            "Only these get mail: nobody can use the gateway to write to anybody else.",
        ),
    ]


def no_mailboxes(gateway: Gateway) -> list[Setting]:
    """Return what keeps Postfix from delivering anything itself."""
    own = [f"{name}@{gateway.hostname}" for name in ("root", "postmaster", "mailer-daemon")]
    to_operator = dict.fromkeys((*own, *gateway.senders), gateway.operator)
    return [
        Setting("mydestination", "", "No domain is local,"),
        Setting("local_transport", "error:5.1.1 there are no mailboxes here", "no user is,"),
        Setting("local_recipient_maps", "", "so there is no list of users to look in."),
        Setting("alias_maps", "", "No aliases, which could run programs."),
        Setting("alias_database", "", "Nothing for newaliases to do."),
        Setting("relay_domains", "", "No domain is relayed for strangers."),
        Setting("recipient_delimiter", "", "No user+extension: an address is what it says."),
        Setting(
            "virtual_alias_maps",
            table(to_operator),
            "Bounces of a board's mail, and the system's own mail, go to the operator.",
        ),
        Setting(
            "notify_classes",
            "",
            "No mail about each refusal: a full disk would get fuller. `watch` tells of them.",
        ),
        Setting("authorized_submit_users", "root", "Only root may send by sendmail."),
        Setting("biff", "no", "Nobody is told about new mail at a terminal."),
    ]


def dialogue() -> list[Setting]:
    """Return what the SMTP server says and takes."""
    return [
        Setting("smtpd_banner", "$myhostname ESMTP", "No version for those who look for holes."),
        Setting("smtpd_helo_required", "yes", "RFC 5321, 4.1.4: a session begins with EHLO."),
        Setting("strict_rfc821_envelopes", "yes", "Addresses in <>, no comments, no names."),
        Setting("disable_vrfy_command", "yes", "Nobody needs to ask which addresses exist."),
        Setting("smtpd_etrn_restrictions", "reject", "Nobody may start a delivery from outside."),
        Setting(
            "smtpd_discard_ehlo_keywords",
            "etrn, dsn, chunking, silent-discard",
            "Boards need none; BDAT is one more way to smuggle mail.",
        ),
        Setting("smtputf8_enable", "no", "Plain ASCII addresses, as providers still want them."),
        Setting("smtpd_tls_security_level", "none", "The LAN is plain: boards need no keys."),
        Setting("smtpd_sasl_auth_enable", "no", "Passwords do not travel over the plain LAN."),
        Setting(
            "smtpd_forbid_unauth_pipelining",
            "yes",
            "Who speaks before being asked is no mail program (Postfix 3.7.6, 3.8.1 and later).",
        ),
        Setting(
            "smtpd_data_restrictions", "reject_unauth_pipelining", "The same, for older versions."
        ),
        Setting(
            "smtpd_forbid_bare_newline",
            "normalize",
            "A line ends in CR LF, so nobody can hide a mail in a mail (3.7.10, 3.8.5 and later),",
        ),
        Setting("smtpd_forbid_bare_newline_exclusions", "", "and the LAN is no exception."),
        Setting(
            "smtpd_timeout",
            "${stress?{10}:{120}}s",
            "A board that hangs does not keep its place for long, least of all in a crowd.",
        ),
    ]


def limits(gateway: Gateway) -> list[Setting]:
    """Return what a client may use up."""
    of = gateway.limits
    return [
        Setting(
            "smtpd_client_event_limit_exceptions", "", "The limits count for the LAN: it is all."
        ),
        Setting(
            "smtpd_client_connection_count_limit",
            str(of.connections),
            "Connections at a time that one board may hold.",
        ),
        Setting(
            "smtpd_client_connection_rate_limit",
            str(of.connections_per_minute),
            "Connections that a board may make in a minute; then 421, and it tries again.",
        ),
        Setting(
            "smtpd_client_message_rate_limit",
            str(of.mails_per_minute),
            "Mails that a board may send in a minute; then 450, and it tries again.",
        ),
        Setting("smtpd_recipient_limit", str(of.recipients), "Recipients of a mail; then 452."),
        Setting("message_size_limit", str(of.message_size), "Octets of a mail; then 552."),
        Setting("mailbox_size_limit", str(of.message_size), "Must not be less, though unused."),
        Setting(
            "queue_minfree",
            str(4 * of.message_size),
            "Take no mail when the disk is nearly full: 452, and the board keeps it.",
        ),
        Setting(
            "default_process_limit",
            str(of.processes),
            "Bounds the memory: each connection takes a process of some 2 MB, and as many wait.",
        ),
    ]


def content(provider: Provider, domains: list[str]) -> list[Setting]:
    """Return what happens to the mail."""
    settings = [
        Setting(
            "always_add_missing_headers",
            "yes",
            "A board whose clock is not set sends no Date: the gateway adds it.",
        ),
        Setting(
            "local_header_rewrite_clients",
            "permit_mynetworks",
            "Headers of boards may be completed, those of others never.",
        ),
    ]
    if provider.sender:
        rewrites = {f"@{domain}": provider.sender for domain in domains}
        settings.append(
            Setting(
                "smtp_generic_maps",
                table(rewrites),
                "The provider takes mail from its account only. Each domain by name: a catch-all "
                "would turn\n# the empty sender of bounces into a real one, and make a storm.",
            )
        )
    return settings


def provider(provider: Provider, system: System) -> list[Setting]:
    """Return how to reach the provider, and how to be sure that it is the provider."""
    wrapper = "yes" if provider.security == "tls" else "no"
    return [
        Setting("relayhost", relay(provider), "All mail goes there; [] means no look-up of MX."),
        Setting(
            "smtp_host_lookup",
            "native",
            "Find its address as all programs here do: DNS and the hosts file.",
        ),
        Setting(
            "smtp_tls_wrappermode",
            wrapper,
            "TLS from the first octet (465), or after STARTTLS (587).",
        ),
        Setting(
            "smtp_tls_security_level",
            "secure",
            "No TLS, or a wrong certificate: then no password and no mail goes out.",
        ),
        Setting(
            "smtp_tls_secure_cert_match", "nexthop", "The certificate is for exactly this name."
        ),
        Setting("smtp_tls_CAfile", provider.ca_file, "Who may vouch for it."),
        Setting("smtp_tls_mandatory_protocols", ">=TLSv1.2", "RFC 8996: older ones are broken."),
        Setting("smtp_tls_loglevel", "1", "Each connection's TLS shows in the log."),
        Setting("smtp_sasl_auth_enable", "yes", "The provider wants a password."),
        Setting(
            "smtp_sasl_password_maps",
            f"texthash:{system.paths.passwords}",
            "It is in a file of root's, mode 600; texthash needs no postmap.",
        ),
        Setting(
            "smtp_sasl_security_options",
            "noplaintext, noanonymous",
            "Without TLS the password never travels as plain text,",
        ),
        Setting("smtp_sasl_tls_security_options", "noanonymous", "inside TLS it may."),
        Setting(
            "smtp_destination_concurrency_limit",
            "2",
            "Two connections are enough, and look like no flood to the provider.",
        ),
    ]


def queue(gateway: Gateway) -> list[Setting]:
    """Return how mail waits."""
    of = gateway.queue
    return [
        Setting(
            "queue_run_delay", f"{of.retry_first}s", "How often to look which mail is due again."
        ),
        Setting("minimal_backoff_time", f"{of.retry_first}s", "Pause after the first failure;"),
        Setting("maximal_backoff_time", f"{of.retry_last}s", "pauses grow up to this one."),
        Setting(
            "maximal_queue_lifetime",
            f"{of.lifetime}s",
            "Then the mail goes to the operator as undeliverable.",
        ),
        Setting("bounce_queue_lifetime", f"{of.lifetime}s", "The same for what reports that."),
        Setting("delay_warning_time", "0", "A notice of delay would wait in the same queue."),
        Setting("enable_long_queue_ids", "yes", "A name in the log means one mail, for ever."),
    ]


def relay(provider: Provider) -> str:
    """Return the provider as Postfix names it, also in the password table."""
    return f"[{provider.host}]:{provider.port}"


def allowed(addresses: list[str]) -> str:
    """Return a table that allows these addresses."""
    return table(dict.fromkeys(addresses, "OK"))


def table(entries: dict[str, str]) -> str:
    """Return a look-up table written in place; on lines of its own, which begin with a blank."""
    if not entries:
        return ""
    rows = ",\n    ".join(f"{{ {key} = {value} }}" for key, value in entries.items())
    return f"inline:{{\n    {rows} }}"


def unique(values: list[str]) -> list[str]:
    """Drop repetitions."""
    return list(dict.fromkeys(values))


def services(listen: str) -> list[Service]:
    """Return Postfix's programs; `listen` is the port, or address:port, of the SMTP server."""

    def row(name, program, why, kind="unix", private="-", wakeup="-", limit="-"):
        return Service(name, kind, private, wakeup, limit, program, why)

    return [
        row(listen, "smtpd", "What boards speak to.", kind="inet", private="n"),
        row("pickup", "pickup", "Mail by sendmail.", private="n", wakeup="60", limit="1"),
        row("cleanup", "cleanup", "Completes headers, rewrites.", private="n", limit="0"),
        row("qmgr", "qmgr", "The queue.", private="n", wakeup="300", limit="1"),
        row("tlsmgr", "tlsmgr", "Random numbers for TLS.", wakeup="1000?", limit="1"),
        row("rewrite", "trivial-rewrite", "Finds the way for an address."),
        row("bounce", "bounce", "Mail that is given up.", limit="0"),
        row("defer", "bounce", "Why mail waits.", limit="0"),
        row("trace", "bounce", "Reports for sendmail -v.", limit="0"),
        row("flush", "flush", "postqueue -i.", private="n", wakeup="1000?", limit="0"),
        row("proxymap", "proxymap", "Shared look-ups."),
        row(
            "smtp",
            "smtp -o soft_bounce=yes",
            "To the provider. Whatever it refuses stays in the queue until someone mends it: an "
            "alarm\n# must not be lost over a wrong password, sender or certificate.",
        ),
        row("showq", "showq", "postqueue -p, -j.", private="n"),
        row("error", "error", "Refuses local users."),
        row("retry", "error", "Mail for a provider that is down."),
        row("anvil", "anvil", "Counts for the limits.", limit="1"),
        row("scache", "scache", "Keeps a connection to the provider.", limit="1"),
        row(
            "postlog", "postlogd", "Writes the log.",
            kind="unix-dgram", private="n", limit="1",
        ),
    ]  # fmt: skip


def master_cf(listen: str = str(SMTP)) -> str:
    """Return the text of master.cf."""
    head = (
        "# Postfix's programs. What a relay does not need is not here: no local delivery, no\n"
        "# submission port, no pipes. No chroot: it would need copies of certificates and names.\n"
        "#\n# service type  private unpriv  chroot  wakeup  maxproc command\n"
    )
    return head + "".join(
        f"\n# {service.why}\n{service.name:<9} {service.kind:<5} {service.private:<7} "
        f"-       n       {service.wakeup:<7} {service.limit:<7} "
        f"{service.program}\n"
        for service in services(listen)
    )
