"""The parts of a mail with HTML or attachments: checked, and put into a tree (RFC 2046).

Imported by the first mail that has them; `mime.py` writes them. A leaf of the tree is a dict with
type, encoding and content, that of a file also with name and cid; others have edge and parts.
"""

from .checks import bad, text

# pyright: reportArgumentType=false, reportFunctionMemberAccess=false
_TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789-.+_"
_REMEDY = " cannot be sent: give (name, content, type, content ID), or two"


def check(mail, given):
    """Check the options html and attachments; the mail gets its tree of parts."""
    html = given.get("html")
    if html is not None:
        text("html", html.replace("\n", " ") if isinstance(html, str) else html)
    parts = _attachments(given.get("attachments") or ())
    mail.options["tree"] = tree = _tree(mail, html, parts)
    mail.content = tree["type"]
    mail.encoding = "7bit"
    mail.size = 0


def _tree(mail, html, parts):
    """Return the tree: mixed(alternative(text, related(HTML, inline parts)), attachments)."""
    tree = _text("text/plain", mail.body, mail.encoding)
    inline = [part for part in parts if part["cid"] and html is not None]
    if html is not None:
        page = _text("text/html", html, "")
        tree = _group(
            mail,
            "alternative",
            [tree, _group(mail, "related", [page] + inline) if inline else page],
        )
    rest = [part for part in parts if part not in inline]
    return _group(mail, "mixed", [tree] + rest) if rest else tree


def _text(kind, content, encoding):
    encoding = "7bit" if encoding == "7bit" else "quoted-printable"
    return {"type": kind + "; charset=utf-8", "encoding": encoding, "content": content}


def _group(mail, kind, parts):
    """Return a node; what separates its parts stands in no text: neither encoding has "=_"."""
    edge = "".join([sign for sign in str(mail.id) if sign in _TOKEN])[:40]
    if not isinstance(mail.id, str):
        edge = "".join([chr(97 + octet % 26) for octet in mail.id])
    edge = "=_" + edge + kind[0]
    return {"type": 'multipart/%s; boundary="%s"' % (kind, edge), "edge": edge, "parts": parts}


def _attachments(given):
    """Return the parts for the option attachments."""
    if not isinstance(given, (tuple, list)):
        raise bad("attachments", given, _REMEDY)
    return [_attachment(one) for one in given]


def _attachment(given):
    """Return the part for a file name, or for (name, content, type, content ID)."""
    if isinstance(given, str):
        given = (given.split("/")[-1], lambda path=given: open(path, "rb"))  # noqa: SIM115
    if not isinstance(given, (tuple, list)) or not 2 <= len(given) <= 4:
        raise bad("attachments", given, _REMEDY)
    name, content, kind, cid = (tuple(given) + (None, None))[:4]
    kind = kind or "application/octet-stream"
    cid = cid or ""
    for value in (name, kind, cid):
        text("attachments", value)
    if (
        not 0 < len(name.encode()) < 256
        or kind.lower().strip(_TOKEN + "/")
        or not 0 < kind.find("/") == kind.rfind("/") < len(kind) - 1
        or cid.lower().strip(_TOKEN + "@")
        or isinstance(content, (int, type(None)))
    ):
        raise bad("attachments", given, _REMEDY)
    return {"type": kind, "encoding": "base64", "content": content, "name": name, "cid": cid}
