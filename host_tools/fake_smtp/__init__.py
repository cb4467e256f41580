"""A fake SMTP server: an inbox for a board on the bench, and every fault a client must survive."""

from host_tools.fake_smtp.mail import Mail
from host_tools.fake_smtp.scenarios import SCENARIOS, find_scenario
from host_tools.fake_smtp.script import Scenario
from host_tools.fake_smtp.server import FakeSMTP
from host_tools.fake_smtp.session import Event, Session

__all__ = ["SCENARIOS", "Event", "FakeSMTP", "Mail", "Scenario", "Session", "find_scenario"]
