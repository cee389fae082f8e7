"""The command, run as a person runs it: what it prints, how it ends, and from when to go on."""

import csv
import io
import json
import signal
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, as_owner, as_reader, database_settings
from wallet_service.database import create_read_engine
from wallet_service.schema import migrate

FIELDS = ["kind", "user_id", "round_id", "currency", "here", "there", "at"]


@pytest.fixture
def start_reconcile(books):
    def start(*arguments, begins=0, ends=60, **settings):
        period = ["--from", books.at(begins).isoformat(), "--to", books.at(ends).isoformat()]
        environment = {
            **ENVIRONMENT,
            **SECRETS,
            **database_settings(books.database_url),
            "WALLET_LUCKY_MONACO_URL": books.lucky.url,
            "WALLET_HISTORY_CALLS_PER_MINUTE": "100000",
            "WALLET_HISTORY_DAYS": "3660",
            **settings,
        }
        return subprocess.Popen(
            [WALLET_SERVICE, "reconcile", *period, *arguments],  # a later --from or --to is the one that counts
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def reconcile(start_reconcile):
    def run(*arguments, **settings):
        with start_reconcile(*arguments, **settings) as process:
            out, err = process.communicate(timeout=60)
            assert "Traceback" not in err
            return process.returncode, out, err

    return run


def recorded(books):
    """Return what was kept of comparisons of the book's day: from, to, rounds here and there, differences."""
    engine = create_read_engine(as_reader(books.database_url))
    with engine.connect() as connection:
        kept = connection.execute(
            text("SELECT * FROM reconciliations WHERE period_start >= :start AND period_start < :end ORDER BY at"),
            {"start": books.at(0), "end": books.at(60)},
        ).all()
    engine.dispose()
    return [(row.period_start, row.done_to, row.rounds_here, row.rounds_there, row.differences) for row in kept]


def test_nothing_differs(books, reconcile):
    books.here("601", 1, then="ended")
    books.there("601", 1, "Completed")
    told = "Compared 1 rounds of Lucky Monaco's and 1 of the wallet's, in 6 portions and 8 calls: nothing differs.\n"
    assert reconcile() == (0, told, "")
    assert recorded(books) == [(books.at(0), books.at(60), 1, 1, 0)]


def test_a_standby_that_is_behind_makes_no_differences(books, reconcile, new_database):
    behind = new_database()  # as a standby that has not heard of the round yet
    migrate(as_owner(behind))
    books.here("610", 1, then="ended")
    books.there("610", 1, "Completed")
    code, out, _ = reconcile("--to-reviews", WALLET_READER_DATABASE_URL=as_reader(behind))
    assert (code, "nothing differs" in out) == (0, True)


def test_differences_as_a_table(books, reconcile):
    books.there("602", 1, "Completed")
    books.lucky.has("[red]x[/red]", "603", books.at(2), "Cancelled")
    code, out, err = reconcile()
    assert (code, err) == (1, "")
    assert "Completed, bet 10.00, won 0.00" in out
    assert "[red]x[/red]" in out, "text from outside is shown as text"
    assert out.endswith("in 6 portions and 8 calls: 2 missing_here.\n")


def test_a_long_table_ends_and_says_so(books, reconcile):
    for number in range(1001):
        books.there(str(60000 + number), 1, "Completed")
    code, out, _ = reconcile()
    assert code == 1
    assert out.count("missing_here") == 1001, "a thousand rows and the summary"
    assert "The first 1000 of 1001 differences; --format csv or json prints them all.\n" in out


def test_differences_as_csv(books, reconcile):
    books.here("604", 1, won="5", then="ended")
    books.there("604", 1, "Completed", won="6.00")
    for user in ("=1+1", "+1", "-1", "@x", 'a,"b"'):
        books.lucky.has(user, "605", books.at(2), "Completed")
    code, out, err = reconcile("--format", "csv")
    assert code == 1
    head, first, *rest = csv.reader(io.StringIO(out))
    assert head == FIELDS
    at = f"{books.at(1):%Y-%m-%dT%H:%M:%S+00:00}"
    assert first == ["win_amount", books.user_id, "604", "USD", "5.00", "6.00", at]
    assert [row[1] for row in rest] == ["'=1+1", "'+1", "'-1", "'@x", 'a,"b"'], "no cell is a formula"
    assert {row[6] for row in rest} == {f"{books.at(2):%Y-%m-%d %H:%M:%S}"}
    assert err.endswith("calls: 5 missing_here, 1 win_amount.\n")


def test_differences_as_json_lines(books, reconcile):
    books.here("606", 11, then="ended")
    code, out, err = reconcile("--format", "json")
    assert code == 1
    at = f"{books.at(11):%Y-%m-%dT%H:%M:%S+00:00}"
    values = ["missing_there", books.user_id, "606", "USD", "ended, bet 10.00, won 0.00", "", at]
    assert json.loads(out) == dict(zip(FIELDS, values, strict=True))
    assert json.loads(err) == {
        "finished": True,
        "done_to": books.at(60).isoformat(),
        "rounds_there": 0,
        "rounds_here": 1,
        "portions": 6,
        "calls": 9,
        "differences": {"missing_there": 1},
    }


def test_stuck_after(books, reconcile):
    books.here("607", 1)
    books.there("607", 1, "InProgress")
    assert "1 stuck" in reconcile()[1], "a day is enough"
    assert reconcile("--stuck-after", "3000d")[0] == 0
    assert "'1x' is not a duration" in reconcile("--stuck-after", "1x")[2]


def test_a_fault_is_told_with_when_to_go_on(books, reconcile):
    books.there("608", 1, "Completed")
    books.there("609", 31, "Completed")

    def fail_later(_path, fields):
        if fields["dateStart"] == f"{books.at(30):%Y-%m-%d %H:%M:%S}":
            books.lucky.habits.told_too_many = 1

    books.lucky.before = fail_later
    code, out, err = reconcile("--format", "csv")
    assert code == 2
    assert "608" in out, "what was found before is not lost"
    go_on, error = err.splitlines()[1:]
    # The wallet's rounds of the portion before are looked for with the one that could not be read.
    assert go_on == f"Go on with --from {books.at(20).isoformat()}"
    assert error.startswith("Error: Lucky Monaco's rounds cannot be read: Lucky Monaco speaks of 2 rounds")
    assert "nothing differs" not in err
    assert recorded(books) == [(books.at(0), books.at(20), 0, 2, 2)], "a listing is read ahead"


def test_nobody_there_is_a_fault(books, reconcile):
    code, out, err = reconcile(WALLET_LUCKY_MONACO_URL="http://127.0.0.1:1")
    assert code == 2
    assert "0 calls" not in out
    assert "nothing differs so far" in out
    assert "no connection" in err
    assert recorded(books) == []


def test_ctrl_c_says_when_to_go_on(books, start_reconcile):
    with start_reconcile(WALLET_HISTORY_CALLS_PER_MINUTE="1") as process:
        assert books.lucky.asked.wait(30)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"Go on with --from {books.at(0).isoformat()}" in err
    assert "Traceback" not in err
    assert len(books.lucky.calls) == 1, "the next call would have come a minute later"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "yesterday"], "'yesterday' is not a time"),
        (["--from", "0001-01-01T00:00+14:00"], "is not a time"),
        (["--from", "2999-01-01"], "--from: must be before --to, and in the past"),
        (["--to", "2000-01-01"], "--from: must be before --to"),
        (["--from", "2000-01-01"], "answers for the last 3660 days (WALLET_HISTORY_DAYS) only"),
        (["--format", "xml"], "--format"),
    ],
)
def test_wrong_arguments_are_named_and_nobody_is_asked(books, reconcile, arguments, words):
    code, _, err = reconcile(*arguments)
    assert code == 2
    assert words in " ".join(err.split())
    assert books.lucky.calls == []


def test_times_without_a_zone_are_in_utc_and_the_future_is_now(books, reconcile):
    noon = books.at(0)
    assert reconcile("--from", f"{noon:%Y-%m-%dT%H:%M}", "--to", f"{noon:%Y-%m-%dT13:00:01.5}+01:00")[0] == 0
    asked = [(fields["dateStart"], fields["dateEnd"]) for _, fields in books.lucky.calls]
    assert asked[1] == (f"{noon:%Y-%m-%d %H:%M:%S}", f"{noon:%Y-%m-%d 12:00:01}")
    books.lucky.calls.clear()
    now = datetime.now(UTC)
    reconcile("--from", (now - timedelta(seconds=2)).isoformat(), "--to", "2999-01-01")
    ends = [fields["dateEnd"] for _, fields in books.lucky.calls if "dateEnd" in fields]
    assert max(ends) < f"{now + timedelta(minutes=5):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"WALLET_LUCKY_MONACO_URL": ""}, "WALLET_LUCKY_MONACO_URL must be set"),
        ({"WALLET_PARTNER_ID": "", "WALLET_PARTNER_TOKEN": ""}, "WALLET_PARTNER_ID, WALLET_LUCKY_MONACO_TOKEN or WALL"),
        ({"WALLET_LUCKY_MONACO_VERSION": "v4", "WALLET_HASH_SECRET": ""}, "WALLET_LUCKY_MONACO_HASH_SECRET or"),
    ],
)
def test_a_missing_setting_is_one_line(reconcile, settings, words):
    code, out, err = reconcile(**settings)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_the_hash_secret_is_v4s_only(reconcile):
    assert reconcile(WALLET_HASH_SECRET="")[0] == 0
