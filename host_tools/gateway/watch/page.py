"""The page that shows the status: on loopback, read only, without scripts."""

import json
import pkgutil
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from bottle import Bottle, SimpleTemplate, response

from host_tools.gateway.results import OK
from host_tools.gateway.watch.look import NAMES, duration

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def make_app(status: Callable[[], dict[str, Any]]) -> Bottle:
    """Return the pages: `/` for people, `/status.json` for programs."""
    app = Bottle()
    source = pkgutil.get_data(__name__.rpartition(".")[0], "page.html") or b""
    template = SimpleTemplate(source=source.decode("utf-8"))

    def page() -> str:
        now = status()
        prepare(now)
        return template.render(status=now, names=NAMES, duration=duration, age=age)

    def data() -> str:
        now = status()
        prepare(now)
        response.content_type = "application/json"
        return json.dumps(now, indent=2)

    app.route("/", callback=page)
    app.route("/status.json", callback=data)
    return app


def prepare(status: dict[str, Any]) -> None:
    """Set the headers; the code tells programs that read nothing else."""
    response.status = 200 if status["status"] == OK else 503
    for name, value in HEADERS.items():
        response.set_header(name, value)


def age(moment: float) -> str:
    """Say how long ago something was."""
    return f"{duration(max(0, time.time() - moment))} ago"


class Handler(WSGIRequestHandler):
    """Logs nothing: the page reloads itself every half minute."""

    timeout = 10  # seconds for whoever connects and says nothing

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base's name)
        """Say nothing."""


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread each, so that one who says nothing keeps nobody waiting."""

    daemon_threads = True


def serve(status: Callable[[], dict[str, Any]], port: int) -> WSGIServer:
    """Serve the page on loopback, in a thread; port 0 takes any free one."""
    app = make_app(status)
    server = make_server("127.0.0.1", port, app, server_class=Server, handler_class=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
