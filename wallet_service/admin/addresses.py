"""Names from outside in the desk's addresses: any text that the database can hold.

An address that ends in a name may say behind it what is asked for: ``.json`` is the data, ``.html`` the page, and
without either it is as the request accepts. The last such ending is never a part of the name. So a player called
``x.json`` has the page ``/players/x.json.html`` and the data ``/players/x.json.json``, and our links go there.
"""

from werkzeug.routing import BaseConverter, PathConverter

__all__ = ["CONVERTERS", "ENDINGS"]


class NameConverter(BaseConverter):
    """A name without a slash, such as a player's. No row can hold a NUL, so none is looked for."""

    regex = "[^/\x00]+"


class IdConverter(PathConverter):
    """A name that may have slashes, such as a round's."""

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
