"""The file that `alarmpost new` writes."""

from pathlib import Path

import jinja2

from host_tools.boards import Board
from host_tools.gateway import render as gateway
from host_tools.plant.inputs import choice, names

FILE = Path(__file__).resolve().parent / "files" / "plant.toml.j2"
MAIL_GATEWAY = "[gateway]"
"""Where in the gateway's own file that begins which is of the gateway alone."""


def render(boards: list[Board], file: str, with_gateway: bool) -> str:
    """Return a plant's file with comments for some boards.

    file: its name, for the comments
    with_gateway: whether it has the tables of the mail gateway, too
    """
    text = (gateway.HERE / "files" / "gateway.toml").read_text("utf-8")
    return (
        jinja2.Environment(
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        .from_string(FILE.read_text("utf-8"))
        .render(
            boards=boards,
            file=file,
            names=names,
            choice=choice,
            gateway=text[text.index(MAIL_GATEWAY) :] if with_gateway else "",
        )
    )
