"""Names from outside in the desk's addresses: any text that the database can hold."""

from werkzeug.routing import BaseConverter, PathConverter

__all__ = ["CONVERTERS"]


class NameConverter(BaseConverter):
    """A name without a slash, such as a player's. No row can hold a NUL, so none is looked for."""

    regex = "[^/\x00]+"


class IdConverter(PathConverter):
    """A name that may have slashes, such as a round's."""

    regex = "[^\x00]+?"


CONVERTERS = {"name": NameConverter, "id": IdConverter}
