"""The firmware's modules on the PC: they find each other, and leave no trace."""

import sys
from types import ModuleType

from host_tools.firmware import FOLDER, modules


def test_modules_of_the_firmware_leave_those_of_others_alone(monkeypatch):
    other = ModuleType("config")
    monkeypatch.setitem(sys.modules, "config", other)
    monkeypatch.delitem(sys.modules, "texts", raising=False)
    path = list(sys.path)
    with modules() as load:
        assert load("config").FIELDS
        assert load("borrow").borrow("texts").TEXTS
        assert load("outbox").__file__ == str(FOLDER / "outbox" / "__init__.py")
    assert sys.modules["config"] is other
    assert "texts" not in sys.modules
    assert sys.path == path
