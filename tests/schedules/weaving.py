"""Stops between the statements of the ledger's functions, put there by text; the statements themselves stay the same.

A stop stands before every PL/pgSQL statement that reads or writes a table. A statement that only calls another of our
PL/pgSQL functions has none, as that function's statements have theirs. The conditions of one IF … ELSIF chain are one
step, as no statement can stand between them. A stop's label ends with the tables that its statement reads or, marked
with an exclamation mark, writes or locks rows of.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files

import psycopg

from wallet_service.ledger.models import Base

__all__ = ["BROKEN", "install", "weave"]

STOP = """
CREATE FUNCTION schedule_stop(p_label text) RETURNS void LANGUAGE plpgsql SET lock_timeout = 0 AS $$
DECLARE
    v_session integer := nullif(current_setting('schedule.session', true), '')::integer;
    v_stop integer;
BEGIN
    IF v_session IS NOT NULL THEN
        v_stop := current_setting('schedule.stop')::integer + 1;
        PERFORM set_config('schedule.stop', v_stop::text, false);
        RAISE NOTICE '%', p_label;
        PERFORM pg_advisory_lock_shared(v_session, v_stop);
        PERFORM pg_advisory_unlock_shared(v_session, v_stop);
    END IF;
END
$$
"""
"""Tell whoever drives the session that it stands here, and wait until it may go on. Other connections pass."""

BROKEN = {
    "lock": ("lock_wallet", " FOR NO KEY UPDATE\n", "\n"),
    "second look": (
        "refund",
        (
            "SELECT r.refund_id, r.currency INTO v_first_id, v_first_currency FROM rounds r\n"
            "        WHERE r.user_id = p_user_id AND r.round_id = v_round_id;\n"
            "    END IF;\n    IF v_first_currency"
        ),
        "NULL;\n    END IF;\n    IF v_first_currency",
    ),
    "freeze": ("set_player_state", "    PERFORM lock_wallet(p_user_id, NULL);\n", ""),
    "group": ("apply_calls", "ELSE c.user_id = ANY (v_locked) END", "ELSE c.user_id = ANY (p_players) END"),
}
"""Faults to put into one function, to see that they are found: the function, a piece of it, and what to make of it."""

APART_FROM_THE_CLOCK = (("interval '300 milliseconds'", "interval '1 hour'"), ("v_try = 6", "v_try = 2"))
"""Of ``apply_calls``: a schedule takes as long as it takes, and a third try for a wallet is like the second one."""

TOKEN = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\w+|\s+|.", re.DOTALL)
TABLES = "|".join(Base.metadata.tables)
READ = re.compile(rf"\b(?:FROM|JOIN) ({TABLES})\b")
WRITTEN = re.compile(rf"\b(?:INSERT INTO|UPDATE|DELETE FROM) ({TABLES})\b")
HEADS = {"IF": "THEN", "ELSIF": "THEN", "WHEN": "THEN", "FOR": "LOOP", "WHILE": "LOOP"} | {
    alone: alone for alone in ("ELSE", "LOOP", "BEGIN")
}
"""What has statements inside: by its first word, the last one before them."""
LOCKED = re.compile(r"\bFOR (?:NO KEY )?UPDATE\b")


def install(connection: psycopg.Connection, broken: str | None = None) -> None:
    """Replace the functions of a migrated database by woven ones, one of them broken if so named."""
    connection.execute(STOP)
    sources = {
        path.name.removesuffix(".sql"): path.read_text(encoding="utf-8")
        for path in files("wallet_service.ledger.functions").iterdir()
        if path.name.endswith(".sql")
    }
    if broken:
        name, piece, instead = BROKEN[broken]
        assert piece in sources[name], f"{name}.sql has no longer what {broken!r} breaks"
        sources[name] = sources[name].replace(piece, instead)
    for piece, instead in APART_FROM_THE_CLOCK:
        assert piece in sources["apply_calls"]
        sources["apply_calls"] = sources["apply_calls"].replace(piece, instead)
    for name, source in sources.items():
        connection.execute(weave(name, source, sources).encode())


def weave(name: str, source: str, sources: dict[str, str]) -> str:
    """Return a function's source with its stops. One in SQL cannot stop inside, so that calls of it are steps."""
    if "LANGUAGE sql" in source:
        return source
    head, body, tail = source.split("$$")
    tokens = TOKEN.findall(body)
    steps: defaultdict[int, str] = defaultdict(str)
    opened: list[int] = []  # where each IF, LOOP and CASE that is not ended yet begins
    for start, keyword, end in _statements(tokens):
        if keyword == "END":
            if opened:
                opened.pop()
            continue
        if keyword in {"IF", "FOR", "LOOP", "WHILE", "CASE", "BEGIN"}:
            opened.append(start)
        steps[opened[-1] if keyword in {"ELSIF", "WHEN"} else start] += _text(tokens[start:end])
    stops = {}
    for start, step in steps.items():
        if touched := _tables(step, sources):
            stops[start] = f"{name}: {step[:60]} … {touched}".replace("'", "''")
    woven = [f"PERFORM schedule_stop('{stops[i]}'); {token}" if i in stops else token for i, token in enumerate(tokens)]
    return "$$".join((head, "".join(woven), tail))


def _tables(step: str, sources: dict[str, str]) -> str:
    """Return the tables that a step touches, those that it writes or locks with an exclamation mark."""
    for name, source in sources.items():
        if "LANGUAGE sql" in source and f"{name}(" in step:
            step += _text(TOKEN.findall(source.split("$$")[1]))
    written = set(WRITTEN.findall(step))
    read = set(READ.findall(step)) | {
        key.column.table.name for table in written for key in Base.metadata.tables[table].foreign_keys
    }
    if LOCKED.search(step):
        written |= read
    return " ".join([f"{table}!" for table in sorted(written)] + sorted(read - written))


def _statements(tokens: list[str]) -> Iterator[tuple[int, str, int]]:
    """Tell of each statement, or head of one that has others inside, where it starts, its keyword and where it ends."""
    place = tokens.index("BEGIN") + 1
    while place < len(tokens):
        if tokens[place].isspace() or tokens[place].startswith("--"):
            place += 1
            continue
        keyword = tokens[place]
        last = HEADS.get(keyword, ";")
        if keyword == "CASE":
            end = _find(tokens, place + 1, "WHEN")
        elif keyword == last:
            end = place + 1
        else:
            end = _find(tokens, place + 1, last) + 1
        yield place, keyword, end
        place = end


def _text(tokens: list[str]) -> str:
    return " ".join("".join(token for token in tokens if not token.startswith("--")).split())


def _find(tokens: list[str], place: int, wanted: str) -> int:
    """Return the next place of a token outside of parentheses and of CASE expressions; the end where there is none."""
    depth = 0
    ends_itself = tokens[place - 1] == "END"
    while place < len(tokens):
        token = tokens[place]
        if depth == 0 and token == wanted:
            return place
        if not ends_itself:
            depth += (token in {"(", "CASE"}) - (token in {")", "END"})
        place += 1
    return place
