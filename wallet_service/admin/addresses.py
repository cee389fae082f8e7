"""Names from outside in the desk's addresses: any text that the database can hold.

A browser takes ``.`` and ``..`` in a path for its own, and servers a slash, however it is written. So in a name a slash
is ``~2F``, the ``~`` itself ``~7E``, and a name that is dots alone has ``~2E`` for each. Any other ``~`` stands for
itself, so that nobody has to know this to type a name.

An address that ends in a name may say behind it what is asked for: ``.json`` is the data, ``.html`` the page, and
without either it is as the request accepts. The last such ending is never a part of the name. So a player called
``x.json`` has the page ``/players/x.json.html`` and the data ``/players/x.json.json``, and our links go there.
"""

import re

from werkzeug.routing import BaseConverter, PathConverter

__all__ = ["CONVERTERS", "ENDINGS"]

WRITTEN = {"~": "~7E", "/": "~2F"}
READ = {"~7E": "~", "~2F": "/", "~2E": "."}


class NameConverter(BaseConverter):
    """A name, such as a player's. No row can hold a NUL, so none is looked for."""

    regex = "[^/\x00]+"

    def to_python(self, value: str) -> str:
        """Read the name."""
        return re.sub("~(?:7E|2F|2E)", lambda written: READ[written[0]], value)

    def to_url(self, value: str) -> str:
        """Write the name."""
        written = re.sub("[~/]", lambda sign: WRITTEN[sign[0]], value)
        return super().to_url(written.replace(".", "~2E") if written in {".", ".."} else written)


class IdConverter(NameConverter, PathConverter):
    """A name that is the last in an address, such as a round's: its slashes may also be written as they are."""

    regex = "[^\x00]+?"


class EndingNameConverter(NameConverter):
    """A name at an address's end."""

    def to_url(self, value: str) -> str:
        """Write the name, and that the page is asked for where the name itself looks as if it said so."""
        return _as_page(super().to_url(value))


class EndingIdConverter(IdConverter):
    """A name that may have slashes, at an address's end."""

    def to_url(self, value: str) -> str:
        """Write the name, and that the page is asked for where the name itself looks as if it said so."""
        return _as_page(super().to_url(value))


def _as_page(address: str) -> str:
    return f"{address}.html" if address.endswith((".json", ".html")) else address


CONVERTERS = {
    "name": NameConverter,
    "id": IdConverter,
    "ending_name": EndingNameConverter,
    "ending_id": EndingIdConverter,
}
ENDINGS = (("", "ending_"), (".json", ""), (".html", ""))
"""The endings of an address that ends in a name, and the prefix of the name's converter."""
