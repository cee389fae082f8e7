"""A live table: very many players in one round, and the same reference for each. A call must not read them all."""

from uuid import uuid4

from sqlalchemy import text

from tests.conftest import as_owner
from wallet_service.database import create_migration_engine
from wallet_service.schema import migrate

PLAYERS = 400
OWN_ROUNDS = 4000
MAX_READ = 40
"""Rows that one call may fetch by indexes."""

PLAY = f"""
    SELECT count(open_wallet('p' || n, 'USD', 1000)) FROM generate_series(1, {PLAYERS}) AS n;
    SELECT count(bet('p1', gen_random_uuid(), 'USD', 'own-' || n, 'g', 'own-' || n, 0.01, NULL, '{{}}'))
    FROM generate_series(1, {OWN_ROUNDS}) AS n;
    SELECT count(bet('p' || n, gen_random_uuid(), 'USD', 'live', 'g', 'live', 1, NULL, '{{}}'))
    FROM generate_series(2, {PLAYERS}) AS n;
    SELECT count(request_cancellation('p' || n, gen_random_uuid(), 'live', 'g', 'ops', 'void', 60))
    FROM generate_series(2, {PLAYERS}) AS n;
    SELECT count(queue_review('p' || n, 'USD', 'live', 'refund_of_settled_round', ''))
    FROM generate_series(2, {PLAYERS}) AS n;
    ANALYZE;
"""
FETCHED = text("SELECT sum(idx_tup_fetch) FROM pg_stat_xact_user_tables")
CALLS = {
    "bet": "bet('p2', :id, 'USD', 'live', 'g', 'second', 1, NULL, '{}')",
    "bet, again": "bet('p3', :id, 'USD', 'live', 'g', 'live', 1, NULL, '{}')",
    "result": "result('p4', :id, :id, 'USD', 'live', 'g', 'live', 1, NULL, NULL, NULL, '{}')",
    "end of the round": "end_round('p5', 'USD', 'live', '{}')",
    "cancel": "cancel('p6', :id, 'USD', 'live', 'live', '{}')",
    "refund": "refund('p7', :id, :id, 'USD', 'live', 'g', 'live', NULL, false, '{}')",
    "refund by the reference": "refund('p8', :id, :id, 'USD', NULL, 'g', 'live', NULL, false, '{}')",
    "jackpot": "win('p9', :id, 'jackpot_win', 'USD', 'live', 'live', 1, NULL, '{}')",
    "refused bet": "bet('p10', :id, 'USD', 'live', 'g', 'second', 5000, NULL, '{}')",
    "review": "queue_review('p11', 'USD', 'live', 'result_without_bet', '')",
}


def test_a_call_reads_no_other_player_s_part_of_its_round(new_database):
    url = as_owner(new_database())  # a call's statements are counted in its transaction
    migrate(url)
    engine = create_migration_engine(url)
    too_many = {}
    with engine.connect() as connection:
        for statement in filter(str.strip, PLAY.split(";")):
            connection.execute(text(statement))
        connection.commit()
        for name, call in CALLS.items():
            for _ in range(7):  # the sixth time, a function's statement may get a plan for any values
                before = connection.scalar(FETCHED) or 0
                connection.execute(text(f"SELECT * FROM {call}"), {"id": uuid4()})
                read = connection.scalar(FETCHED) - before
                connection.rollback()
                if read > MAX_READ:
                    too_many[name] = read
    engine.dispose()
    assert too_many == {}
