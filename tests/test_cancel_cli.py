"""Cancelling from the command line, with Lucky Monaco's place taken by a real server."""

import json
import signal
import subprocess
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_owner, as_superuser, database_settings, free_port
from tests.stand import OK, PARTNER, SECRET, SILENCE, TOKEN, http, refused, reveals
from wallet_service.database import create_migration_engine, create_wallet_engine
from wallet_service.ledger.calls import Bet, OpenWallet
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import migrate

FULL = Decimal(100)


@pytest.fixture
def start(database_url, stand):
    """Begin a command with the stand's address and credentials."""

    def begin(*arguments, url=database_url, **environment):
        settings = {
            **database_settings(url),
            "WALLET_LUCKY_MONACO_URL": stand.url,
            "WALLET_LUCKY_MONACO_TIMEOUT": "1",
            "WALLET_PARTNER_ID": PARTNER,
            "WALLET_LUCKY_MONACO_TOKEN": TOKEN,
            "WALLET_LUCKY_MONACO_HASH_SECRET": SECRET,
        }
        return subprocess.Popen(
            [WALLET_SERVICE, *arguments],
            env={**ENVIRONMENT, **settings, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def cli(start):

    def run(*arguments, **options):
        process = start(*arguments, **options)
        output, errors = process.communicate(timeout=60)
        assert not reveals(output + errors)
        assert "Traceback" not in errors
        return process.returncode, output, errors

    return run


def cancel(player, *more):
    return ("cancel-round", player.user_id, "r1", "--reason", "stuck", *more)


def test_the_refund_arrives_and_is_told(cli, player, stand):
    player.bet("10")
    stand.will((OK, player.refund))
    code, output, _ = cli(*cancel(player))
    assert code == 0
    record = player.cancellation()
    assert output.splitlines() == [
        "Lucky Monaco accepted: 0 Success.",
        f"Round r1 of {player.user_id} is refunded by {record.refund_id}.",
        "10.00 USD came back.",
        f"{player.user_id} has 100.00 USD now.",
    ]
    assert (record.state, record.why, record.attempts) == ("refunded", "stuck", 1)
    assert record.by_whom.startswith("cli:")
    assert stand.bodies[0]["gameId"] == "g1", "the game is the round's own"


@pytest.mark.parametrize("refunds", [1, 2])
def test_the_refund_comes_before_the_answer_once_or_twice(cli, player, stand, refunds):
    player.bet("10")
    stand.will((*[player.refund] * refunds, OK))
    code, output, _ = cli(*cancel(player))
    assert (code, "is refunded by" in output) == (0, True)
    assert player.balance() == FULL


@pytest.mark.parametrize("version", ["v4", "v4.02"])
@pytest.mark.parametrize(
    ("answer", "code", "state", "words"),
    [
        (OK, 0, "accepted", "accepted: 0 Success.\nThe refund has not come yet; it is overdue from "),
        (
            http(400, refused("G.1", "INVALID GAME TYPE")),
            1,
            "refused",
            "refused: G.01 INVALID GAME TYPE.\nRound r1 of ",
        ),
        (http(400, refused("Z.99", "NEW")), 1, "refused", "refused: Z.99 NEW."),
        (http(200, {"error": 17, "description": "No [b]data[/b]"}), 1, "refused", "refused: 17 No [b]data[/b]."),
        (http(200, "<html>down</html>"), 2, "unknown", "HTTP 200 with a body that is not JSON"),
        (http(502, ""), 2, "unknown", "HTTP 502"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b""), 2, "unknown", "sent, and no whole answer"),
        ((SILENCE,), 2, "unknown", "sent, and no whole answer"),
    ],
)
def test_each_answer_has_its_state_its_line_and_its_exit_code(cli, player, stand, version, answer, code, state, words):
    player.bet("10")
    stand.will(answer)
    returned, output, _ = cli(*cancel(player, "--no-wait"), WALLET_LUCKY_MONACO_VERSION=version)
    assert (returned, words in output) == (code, True), output
    assert player.cancellation().state == state
    assert player.log() == [("bet", Decimal(-10))], "nothing moved"
    assert player.state() == "open"


def test_nobody_at_the_other_end(cli, player):
    player.bet("10")
    code, output, _ = cli(*cancel(player), WALLET_LUCKY_MONACO_URL=f"http://127.0.0.1:{free_port()}")
    assert code == 2
    assert "no connection" in output
    assert "wallet-service cancellations" in output
    assert player.cancellation().state == "unknown"


def test_asked_twice_and_again_after_it_was_overdue(cli, player, stand, database_url):
    player.bet("10")
    stand.will(OK, (OK, player.refund))
    assert cli(*cancel(player, "--no-wait"))[0] == 0
    code, output, _ = cli(*cancel(player, "--wait", "1"))
    assert (code, "Asked for already by cli:" in output) == (0, True)
    assert len(stand.asked) == 1
    with create_migration_engine(as_owner(database_url)).begin() as connection:
        connection.execute(
            text("UPDATE cancellations SET due_at = now() WHERE user_id = :user"), {"user": player.user_id}
        )
    [row] = json.loads(cli("cancellations", "--user", player.user_id, "--state", "overdue", "--json")[1])
    assert (row["round"], row["why"], row["attempts"]) == ("r1", "stuck", 1)
    assert cli(*cancel(player))[0] == 0
    [row] = json.loads(cli("cancellations", "--user", player.user_id, "--json")[1])
    assert (row["state"], row["attempts"], len(stand.asked)) == ("refunded", 2, 2)
    code, output, _ = cli(*cancel(player))
    assert (code, "was refunded already, by" in output) == (0, True)
    assert len(stand.asked) == 2


def test_a_settled_round_names_the_queue(cli, player, stand):
    player.bet("10")
    player.result("25")
    stand.will((OK, player.refund))
    code, output, _ = cli(*cancel(player, "--wait", "1"))
    assert code == 0
    assert f"The round waits for a decision: wallet-service reviews list --user {player.user_id}" in output


def test_all_rounds_of_a_game_in_v4(cli, player, stand):
    for name in ("r1", "r2"):
        player.bet("10", round_id=name, reference=name)
    stand.will((OK, lambda: player.refund("r1"), lambda: player.refund("r2")))
    everything = ("cancel-round", player.user_id, "--all-rounds", "--game", "g1", "--reason", "game withdrawn")
    code, _, errors = cli(*everything)
    assert (code, "v4.02 requires a roundId" in errors) == (2, True)
    code, output, _ = cli(*everything, WALLET_LUCKY_MONACO_VERSION="v4")
    assert code == 0
    assert f"Every open round in g1 of {player.user_id} is refunded by" in output
    assert "roundId" not in stand.bodies[0]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["cancel-round", "nobody-here", "r1", "--reason", "x"], 1, "no player 'nobody-here'"),
        (["cancel-round", "p", "--reason", "x"], 2, "name a ROUND"),
        (["cancel-round", "p", "", "--reason", "x"], 2, "1 to 36 printable characters"),
        (["cancel-round", "p", "r", "--all-rounds", "--game", "g", "--reason", "x"], 2, "name a ROUND"),
        (["cancel-round", "p", "--all-rounds", "--reason", "x"], 2, "--all-rounds needs --game"),
        (["cancel-round", "p", "r1"], 2, "--reason"),
        (["cancel-round", "p", "r1", "--reason", " "], 2, "must say why"),
        (["cancel-round", "p", b"\xff", "--reason", "x"], 2, "printable"),
        (["cancel-stale", "--older-than", "a day", "--reason", "x"], 2, "'a day' is not a duration"),
        (["cancel-stale", "--reason", "x"], 2, "--older-than"),
        (["cancellations", "--state", "gone"], 2, "overdue"),
        (["cancel-stale", "--older-than", "1d", "--reason", "x", "--currency", b"\xff"], 2, "--currency"),
        (["cancel-stale", "--older-than", "1d", "--reason", "x", "--currency", "usd"], 2, "ISO 4217"),
        (["reviews", "decide", "p", "r", b"\xff", "--leave", "--why", "x"], 2, "printable"),
        (["reviews", "decide", "p", "r", "x", "--reference", b"\xff", "--leave", "--why", "x"], 2, "printable"),
    ],
)
def test_wrong_arguments_are_named_and_nobody_is_asked(cli, stand, arguments, code, words):
    returned, _, errors = cli(*arguments)
    assert (returned, words in errors) == (code, True), errors
    assert stand.asked == []


def test_settings_that_are_missing_are_named_before_anything_is_recorded(cli, player):
    player.bet("10")
    code, _, errors = cli(*cancel(player), WALLET_LUCKY_MONACO_URL="")
    assert (code, errors) == (2, "Error: WALLET_LUCKY_MONACO_URL must be set to call Lucky Monaco\n")
    assert player.query("SELECT * FROM cancellations") == []


def test_the_answer_is_recorded_though_the_connection_died_meanwhile(cli, stand, stale):
    def fail_over():
        with create_migration_engine(as_superuser(stale)).begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    stand.will((fail_over, OK))
    code, output, _ = cli("cancel-round", "ann", "r0", "--reason", "x", "--no-wait", url=stale)
    assert (code, "accepted: 0 Success." in output) == (0, True)
    [row] = json.loads(cli("cancellations", "--json", url=stale)[1])
    assert row["state"] == "accepted"


def test_an_answer_that_cannot_be_recorded_is_told(cli, stand, stale):
    def lose_the_database():
        with create_migration_engine(as_owner(stale)).begin() as connection:
            connection.execute(text("ALTER TABLE cancellation_attempts RENAME TO lost"))
            connection.execute(text("ALTER FUNCTION answer_cancellation RENAME TO lost_function"))
            connection.execute(
                text(
                    "CREATE FUNCTION answer_cancellation(text, uuid, text, text, text, integer) RETURNS receipt"
                    " LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'away' USING ERRCODE = '53300'; END $$"
                )
            )

    stand.will((lose_the_database, OK))
    code, _, errors = cli("cancel-round", "ann", "r0", "--reason", "x", "--no-wait", url=stale)
    assert code == 2
    assert "Lucky Monaco's answer (accepted 0 Success) could not be recorded: away" in errors


def test_an_interrupted_wait_tells_the_answer(start, player, stand):
    player.bet("10")
    stand.will(OK)
    process = start(*cancel(player))
    assert process.stdout
    assert process.stdout.readline() == "Lucky Monaco accepted: 0 Success.\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert output.endswith("The wait has ended early. Look with: wallet-service cancellations\n")


def test_ids_are_told_as_they_are(cli, player, stand):
    player.bet("10", round_id="live:a:7:100:x")
    stand.will(http(400, refused("G.01", "bad :bomb: [b]x[/b]")))
    code, output, _ = cli("cancel-round", player.user_id, "live:a:7:100:x", "--reason", "x", "--no-wait")
    assert code == 1
    assert "live:a:7:100:x" in output
    assert "bad :bomb: [b]x[/b]" in output


@pytest.fixture
def stale(new_database):
    """A database with five rounds that are two days old, a fresh one, and a way to call its ledger."""
    url = new_database()
    migrate(as_owner(url))
    engine = create_wallet_engine(url, connections=1)
    ledger = Ledger(engine)
    for user in ("ann", "bob"):
        ledger.apply(OpenWallet(user, "USD", Decimal(100)))
    ledger.apply(OpenWallet("bob", "EUR", Decimal(100)))
    for number in range(6):
        user, currency = ("ann", "USD") if number < 4 else ("bob", "EUR")
        bet = Bet(user, currency, f"r{number}", f"g{number % 2}", f"b{number}", Decimal(10), None, "{}")
        ledger.apply(bet)
    with create_migration_engine(as_owner(url)).begin() as connection:
        connection.execute(text("UPDATE rounds SET opened_at = opened_at - interval '2 days' WHERE round_id < 'r5'"))
    yield url
    engine.dispose()


STALE = ("cancel-stale", "--older-than", "24h", "--reason", "retention", "--per-minute", "60000")


def test_stale_rounds_are_listed_and_nobody_is_asked(cli, stand, stale):
    code, output, _ = cli(*STALE, "--dry-run", url=stale)
    assert code == 0
    assert "5 rounds open since before" in output
    assert "with stakes of 10.00 EUR, 40.00 USD." in output
    assert "r5" not in output
    assert "r0" not in cli(*STALE, "--dry-run", "--game", "g1", url=stale)[1]
    assert "1 round open" in cli(*STALE, "--dry-run", "--currency", "EUR", url=stale)[1]
    assert "beyond the limit" in cli(*STALE, "--dry-run", "--limit", "2", url=stale)[1]
    assert stand.asked == []


def test_stale_rounds_are_asked_for_once_confirmed(cli, stand, stale):
    code, output, _ = cli(*STALE, url=stale)
    assert (code, stand.asked) == (130, []), "nobody said yes"
    stand.will(OK, OK, http(400, refused("G.01")), http(200, "<html>"), OK)
    code, output, _ = cli(*STALE, "--yes", url=stale)
    assert code == 2
    assert "Asked for 5 of 5 rounds: 0 refunded, 3 accepted, 1 refused, 1 unknown." in output
    assert {body["roundId"] for body in stand.bodies} == {f"r{number}" for number in range(5)}
    stand.will(OK, OK)
    code, output, _ = cli(*STALE, "--yes", url=stale)
    assert code == 0
    assert "Asked for 2 of 2 rounds: 0 refunded, 2 accepted, 0 refused, 0 unknown." in output
    assert "No round is open since before" in cli(*STALE, "--yes", url=stale)[1]


def test_stopped_and_started_again_it_goes_on_where_it_was(start, cli, stand, stale):
    running: list[subprocess.Popen[str]] = []
    stand.will(OK, http(400, refused("G.01")), (lambda: running[0].send_signal(signal.SIGINT), SILENCE))
    running.append(start(*STALE, "--yes", url=stale))
    output, errors = running[0].communicate(timeout=60)
    assert running[0].returncode == 2
    assert "Asked for 2 of 5 rounds: 0 refunded, 1 accepted, 1 refused, 0 unknown." in output
    assert "Interrupted. Run the same command again to go on." in errors
    stand.will(OK, OK, OK)
    code, output, _ = cli(*STALE, "--yes", url=stale)
    assert (code, "Asked for 3 of 3 rounds" in output) == (0, True)
    asked = [body["roundId"] for body in stand.bodies]
    assert asked[-1] == asked[1], "what was refused comes after those that nobody asked for"
    assert len(set(asked)) == 5
    assert asked.count(asked[2]) == 1, "the one in between is under way until its answer is overdue"


def test_it_stops_when_nobody_answers(cli, stand, stale):
    stand.will(*[http(200, "<html>")] * 5)
    code, output, errors = cli(*STALE, "--yes", url=stale)
    assert code == 2
    assert "5 unknown" in output
    assert "Lucky Monaco does not answer (HTTP 200 with a body that is not JSON)." in errors


def test_it_stops_when_the_credentials_are_refused(cli, stand, stale):
    stand.will(http(401, refused("G.54", "CREDENTIALS WRONG")))
    code, output, errors = cli(*STALE, "--yes", url=stale)
    assert code == 2
    assert "Asked for 1 of 5 rounds: 0 refunded, 0 accepted, 1 refused, 0 unknown." in output
    assert "Lucky Monaco does not take the credentials (CREDENTIALS WRONG)." in errors


def test_what_became_overdue_meanwhile_is_in_the_summary(cli, stand, stale):
    def age():
        with create_migration_engine(as_owner(stale)).begin() as connection:
            connection.execute(text("UPDATE cancellations SET due_at = now() WHERE state = 'accepted'"))

    stand.will(OK, OK, OK, OK, (age, OK))
    code, output, _ = cli(*STALE, "--yes", url=stale)
    assert (code, "0 refunded, 1 accepted, 4 overdue, 0 refused, 0 unknown." in output) == (0, True), output


def test_a_round_that_lucky_monaco_cannot_have_stands_in_nobodys_way(cli, stand, stale):
    with create_migration_engine(as_owner(stale)).begin() as connection:
        connection.execute(text("UPDATE rounds SET game_id = repeat('g', 33) WHERE round_id = 'r0'"))
    stand.will(*[OK] * 4)
    code, output, _ = cli(*STALE, "--yes", url=stale)
    assert code == 2
    assert "Not asked for round r0 of ann: gameId must have 1 to 32 printable characters" in output
    assert "Asked for 4 of 5 rounds: 0 refunded, 4 accepted" in output


def test_the_table_of_cancellations(cli, player):
    player.answer(player.request(), "refused")
    output = cli("cancellations", "--user", player.user_id)[1]
    assert all(word in output for word in ("refused", "G.01 as told", "stuck", "r1"))
    assert cli("cancellations", "--user", player.user_id, "--round", "r2")[1] == "No cancellations.\n"
    [row] = json.loads(cli("cancellations", "--user", player.user_id, "--within", "1h", "--json")[1])
    assert datetime.fromisoformat(row["requested_at"]) < datetime.now(UTC)
