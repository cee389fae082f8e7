"""Two books compared over real HTTP and a real database: borders, second looks, and memory that stays bounded."""

import tracemalloc
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.conftest import as_owner
from tests.reconcile.conftest import Books
from wallet_service.database import create_migration_engine
from wallet_service.lucky_monaco import LuckyMonacoError
from wallet_service.reconcile.history import NotWholeError
from wallet_service.schema import migrate


def test_every_kind_of_difference_is_found_and_nothing_else(books):
    books.here("101", 1, won="5", then="ended")
    books.there("101", 1, "Completed", won="5.00")
    books.there("102", 2, "Completed", won="7.00")
    books.here("103", 3, then="ended")
    books.here("104", 14, then="ended")
    books.there("104", 14, "Completed", bet="9.99")
    books.here("105", 15, won="5", then="ended")
    books.there("105", 15, "Completed", won="5.01")
    books.here("106", 16, then="refunded")
    books.there("106", 16, "Completed")
    books.here("107", 27)
    books.there("107", 27, "CancelInProcess")
    books.here("108", 28, then="ended")
    books.there("108", 28, "Completed", currency="EUR")
    books.here("109", 29, then="refunded")  # void, and not there
    books.there("110", 39, "Cancelled", bet="0", won=None)  # nothing owed, and not here
    books.here("111", 39, bet="10", won="3", then="refunded")  # its refund waits for a decision, as it has a result
    books.there("111", 39, "Cancelled")
    books.here("112", 59, then="cancelled")
    books.there("112", 59, "Cancelled")
    found, summary = books.compare(stuck_after=timedelta(hours=1))
    assert sorted(found) == [
        ("bet_amount", "104", "10.00", "9.99"),
        ("currency", "108", "USD", "EUR"),
        ("missing_here", "102", "", "Completed, bet 10.00, won 7.00"),
        ("missing_there", "103", "ended, bet 10.00, won 0.00", ""),
        ("status", "106", "void", "Completed"),
        ("status", "111", "settled", "Cancelled"),
        ("stuck", "107", "open", "CancelInProcess"),
        ("win_amount", "105", "5.00", "5.01"),
        ("win_amount", "111", "3.00", "0.00"),
    ]
    assert (summary.rounds_there, summary.rounds_here, summary.portions) == (10, 10, 6)
    assert summary.differences.total() == 9
    assert summary.done_to == books.at(60)
    asked = sorted(books.lucky.status_calls)
    assert asked == ["103", "107", "111"], "only what may have changed meanwhile, or is not listed, is asked for"


def test_a_round_that_several_players_share_is_each_players_own(books, new_player):
    books.here("201", 1, then="ended")
    books.there("201", 1, "Completed")
    books.lucky.has(new_player().user_id, "201", books.at(1), "Cancelled", "0")
    assert books.compare()[0] == []
    books.user_id = "stranger"
    books.there("201", 2, "Completed")
    assert books.compare()[0] == [("missing_here", "201", "", "Completed, bet 10.00, won 0.00")]


@pytest.mark.parametrize("minutes", [-10, -0.5, 0.5, 10])
def test_a_round_near_a_border_may_be_listed_beside_it(books, minutes):
    for round_id, minute in (("301", 0), ("302", 9.99), ("303", 10), ("304", 29.99)):
        books.here(round_id, minute, then="ended")
        books.there(round_id, minute + minutes, "Completed")
    assert books.compare(0, 30)[0] == []


def test_a_round_listed_far_from_its_time_here_is_not_missing(books):
    books.here("311", 5, then="ended")
    books.there("311", 45, "Completed", bet="9")
    found, _ = books.compare()
    assert {(kind, round_id) for kind, round_id, _, _ in found} == {("bet_amount", "311")}


def test_the_portions_beside_the_period_are_not_compared(books):
    books.there("321", -1, "Completed")
    books.here("322", -1, then="ended")
    books.there("323", 60, "Completed")
    books.here("324", 60, then="ended")
    found, summary = books.compare()
    assert (found, summary.rounds_there, summary.rounds_here) == ([], 0, 0)
    starts = [fields["dateStart"] for _, fields in books.lucky.calls]
    assert len(starts) == 8
    assert f"{books.at(-10):%Y-%m-%d %H:%M:%S}" == starts[0]
    assert f"{books.at(60):%Y-%m-%d %H:%M:%S}" == starts[-1]


def test_nobody_is_asked_for_what_is_older_than_they_answer_for(books):
    day = -24 * 60
    books.compare(day + 5, day + 10)
    books.compare(day, day + 10)
    asked = [fields["dateStart"] for _, fields in books.lucky.calls]
    minutes = [day, day + 5, day + 10, day, day + 10]
    assert asked == [f"{books.at(minute):%Y-%m-%d %H:%M:%S}" for minute in minutes]


def test_a_round_on_a_border_that_both_portions_list_is_compared_once(books):
    books.lucky.habits.ends_inclusive = True
    for round_id, minute in (("331", 0), ("332", 20)):
        books.there(round_id, minute, "Completed")
    found, summary = books.compare()
    assert [round_id for _, round_id, _, _ in found] == ["331", "332"]
    assert summary.rounds_there == 2


def test_a_second_look_takes_false_alarms_back(books):
    books.here("401", 1)  # the wallet hears of the result after it was compared with the listing
    books.there("401", 1, "Completed", won="5.00")
    books.there("402", 2, "InProgress")  # and of this bet
    books.here("403", 3, won="5", then="ended")  # the listing is older than their last change
    books.there("403", 3, "InProgress", won="5.00")
    books.lucky.habits.statuses["403"] = "Completed"
    books.here("404", 4)  # listed a day later
    books.there("404", 24 * 60, "InProgress")

    def meanwhile(path, fields):
        if path.endswith("Status") and fields["roundId"] == 401:
            books.player.result("5", round_id="401", reference="w401")
        elif path.endswith("Status") and fields["roundId"] == 402:
            books.here("402", 2)

    books.lucky.before = meanwhile
    assert books.compare()[0] == []
    assert sorted(books.lucky.status_calls) == ["401", "402", "403", "404"]


def test_a_second_look_says_what_both_have_then(books):
    books.here("411", 1, won="5")
    books.there("411", 1, "Cancelled", bet="20.00", won=None)
    books.lucky.habits.statuses["411"] = "Completed"
    books.here("412", 2)
    books.here("413", 3)
    books.there("413", 3, "InProgress")
    books.there("414", 4, "InProgress")
    books.there("415", 5, "InProgress")
    books.lucky.habits.statuses |= {"414": "17", "413": "17"}
    assert sorted(books.compare()[0]) == [
        ("bet_amount", "411", "10.00", "20.00"),
        ("missing_here", "415", "", "InProgress, bet 10.00, won 0.00"),
        ("missing_there", "412", "open, bet 10.00, won 0.00", ""),
    ]
    assert sorted(books.lucky.status_calls) == ["411", "412", "414", "415"], "413 agreed and was not asked for"


def test_an_unfinished_round_whose_amounts_differ_is_looked_at_again_first(books):
    books.here("421", 1)
    books.there("421", 1, "InProgress", bet="20.00")
    assert books.compare()[0] == [("bet_amount", "421", "10.00", "20.00")]
    assert books.lucky.status_calls == ["421"]


def test_a_round_is_stuck_from_its_beginning_on(books):
    books.here("431", 1)
    books.there("431", 1, "CompleteInProcess")
    age = (books.noon.now(books.noon.tzinfo) - books.at(1)) // timedelta(minutes=1)
    assert books.compare(stuck_after=timedelta(minutes=age + 60))[0] == []
    assert books.compare(stuck_after=timedelta(minutes=age - 60))[0] == [("stuck", "431", "open", "CompleteInProcess")]


@pytest.mark.parametrize("code", ["54", "998"])
def test_a_status_that_cannot_be_had_is_a_fault_and_no_difference(books, code):
    books.here("441", 1)
    books.lucky.habits.statuses["441"] = code
    with pytest.raises(LuckyMonacoError, match=code):
        books.compare()


def test_a_listing_that_is_not_whole_is_a_fault(books):
    books.lucky.habits.told_too_many = 1
    with pytest.raises(NotWholeError):
        books.compare()


def test_memory_is_bounded_by_portions_and_not_by_the_period(lucky, new_database, player):
    """16,000 rounds take the memory of 4,000, at the same number a portion."""
    url = new_database()
    migrate(as_owner(url))
    books = Books(url, lucky, player)
    engine = create_migration_engine(as_owner(url))
    with engine.begin() as connection:
        named = {"user": books.user_id, "noon": books.noon}
        for table, rows in (
            ("players (user_id)", "SELECT :user"),
            ("wallets (user_id, currency, opening_balance, balance)", "SELECT :user, 'USD', 0, 0"),
            (
                "rounds (user_id, round_id, currency, state, opened_at)",
                (
                    "SELECT :user, n, 'USD', 'ended', CAST(:noon AS timestamptz) + n * interval '1.5 seconds'"
                    " FROM generate_series(0, 15999) n"
                ),
            ),
        ):
            connection.execute(text(f"INSERT INTO {table} {rows}"), named)
    engine.dispose()
    for number in range(16_000):
        books.there(str(number), number / 40, "Completed", bet="0")
    books.compare(0, 100)  # what is made once and kept is made now
    peaks = []
    for end in (100, 400):
        tracemalloc.start()
        found, summary = books.compare(0, end)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (found, summary.rounds_there, summary.rounds_here) == ([], end * 40, end * 40)
    short, long = peaks
    assert long < 1.5 * short


def test_an_id_that_cannot_be_theirs_does_not_end_the_comparison(books):
    books.here("no-number", 1)
    books.lucky.habits.statuses["no-number"] = "57"
    books.there("501", 2, "Completed")
    assert {(kind, round_id) for kind, round_id, _, _ in books.compare()[0]} == {
        ("missing_there", "no-number"),
        ("missing_here", "501"),
    }


def test_at_a_shared_table_nobody_is_taken_for_somebody_else(books, new_player):
    """GetRoundStatus names no player, so its answer may be about the neighbour."""
    other = Books(books.database_url, books.lucky, new_player())
    other.noon = books.noon
    other.here("511", 1, won="0", then="ended")  # this player's round 511 is not there, the neighbour's is
    other.there("511", 1, "Completed")
    books.here("511", 1, won="0")
    other.here("512", 2, won="3", then="ended")  # and 512 won something else for each of them
    other.there("512", 2, "Completed", won="3.00")
    books.here("512", 2, won="0")
    books.there("512", 2, "Completed", won="2.00")
    assert sorted(books.compare()[0]) == [
        ("missing_there", "511", "settled, bet 10.00, won 0.00", ""),
        ("win_amount", "512", "0.00", "2.00"),
    ]
    assert books.lucky.status_calls == []


def test_many_suspects_are_listed_again_and_not_asked_for_one_by_one(books):
    for number in range(30):
        books.here(f"52{number:02}", 1)
        books.there(f"52{number:02}", 1, "Completed" if number else "InProgress", bet="11.00")
        books.here(f"53{number:02}", 11)

    def meanwhile(_path, _fields):
        listings = sum(path.endswith("Rounds") for path, _ in books.lucky.calls)
        if listings == 3:  # the second one of the first portion, after the margin's
            books.lucky.rounds[0].bet = "10.00"

    books.lucky.before = meanwhile
    found, _ = books.compare()
    assert books.lucky.status_calls == []
    assert sum(kind == "missing_there" for kind, *_ in found) == 30
    assert "5200" not in {round_id for _, round_id, _, _ in found}, "the second listing took it back"
    assert sum(kind == "bet_amount" for kind, *_ in found) == 29
