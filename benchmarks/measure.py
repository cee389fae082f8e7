"""The measurements, side by side: what the database alone can do, an empty view, the usual way, and the wallet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from data import Database
from load import Load, LoadError, Rounds, send, send_to_database
from servers import Server, empty_view, stopwatch, usual_way, wallet

CONNECTIONS = 32
"""Calls that Lucky Monaco has open at once."""
CEILING_CONNECTIONS = (8, CONNECTIONS)
"""Of pgbench: as many as a worker has to the database, which does best here, and as many as there are calls."""
ROUNDS_A_SECOND = {"pgbench": 5000, "refund": 3500, "replay": 3500}
"""Open rounds for each second of a measurement that refunds them: more than it can need here."""
SPARE_ROUNDS = 20
"""Of each connection, where few calls are sent: chance gives some of them many."""
HOT_CLIENTS = (1, 4, 16, 64)
OVERLOAD_CONNECTIONS = 512
SOAK_PART_S = 30
WARM_UP_S = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. CPU is in seconds for a thousand calls, memory in bytes."""

    what: str
    workers: int
    connections: int
    load: Load
    cpu_server: float
    cpu_database: float
    memory: int = 0
    stolen: float = 0
    """Share of the cores' time that went to other machines on the same hardware."""

    def told(self) -> dict[str, object]:
        """Return what JSON says of it."""
        return {
            "what": self.what,
            "workers": self.workers,
            "connections": self.connections,
            "calls_per_second": round(self.load.rate, 1),
            "p50_ms": round(self.load.p50, 3),
            "p99_ms": round(self.load.p99, 3),
            "told_to_come_again": self.load.shed,
            "p99_ms_of_those": round(self.load.shed_p99, 3),
            "cpu_seconds_per_1000_calls": {
                "server": round(self.cpu_server, 3),
                "database": round(self.cpu_database, 3),
            },
            "memory_per_worker_mb": round(self.memory / 2**20, 1),
            "stolen": round(self.stolen, 3),
        }


@dataclass(slots=True)
class Bench:
    """Measures on one database, and keeps what it found."""

    database: Database
    seconds: float
    on_figure: Callable[[Figure], None]
    ceiling_connections: tuple[int, ...] = CEILING_CONNECTIONS
    figures: list[Figure] = field(default_factory=list)

    def ceiling(self, connections: int, rate: float = 0) -> Figure:
        """Measure the refund function called by pgbench, as often as can be or, with a ``rate``, so often a second."""
        rounds = self._rounds("pgbench", connections, rate)
        with stopwatch(self.database.process) as used:
            load = send_to_database(self.database.url, rounds, connections=connections, seconds=self.seconds, rate=rate)
        check_rounds(rounds, load)
        cpu = used.seconds[0] / load.calls * 1000
        return self._keep(Figure(_named("pgbench", rate), 0, connections, load, 0, cpu, stolen=used.stolen))

    def http(
        self,
        server: Server,
        workers: int,
        scenario: str,
        *,
        connections: int = CONNECTIONS,
        rate: float = 0,
        seconds: float = 0,
        overload: bool = False,
    ) -> Figure:
        """Measure calls over HTTP, as many as there can be or, with a ``rate``, so many a second.

        Under ``overload``, calls may be told to come again.
        """
        rounds = self._rounds(scenario, connections, rate)
        repeated = 1
        if scenario == "replay":
            first = send(server.url, "refund", rounds, connections=connections, seconds=1)
            repeated = max(1, first.calls // connections // 2)  # few connections do less than half of the mean
        with stopwatch(server.process, self.database.process) as used:
            load = send(
                server.url,
                scenario,
                rounds,
                connections=connections,
                seconds=seconds or self.seconds,
                rate=rate,
                repeated=repeated,
                overload=overload,
            )
        if scenario == "refund" and server.name != "empty view":
            check_rounds(rounds, load)
        per_thousand = 1000 / (load.calls + load.shed)
        figure = Figure(
            _named(f"{server.name}: {scenario}", rate),
            workers,
            connections,
            load,
            *(seconds * per_thousand for seconds in used.seconds),
            max(server.memory().values()),
            used.stolen,
        )
        return self._keep(figure)

    def http_at_half(self, server: Server, workers: int, scenario: str, full: Figure) -> Figure:
        """Measure half of the calls that there were at full load, on a timetable."""
        return self.http(server, workers, scenario, connections=2 * CONNECTIONS, rate=full.load.rate / 2)

    def _rounds(self, what: str, connections: int, rate: float) -> Rounds:
        a_second = ROUNDS_A_SECOND.get(what, 0) / (2 if connections == 1 else 1)
        if not a_second:
            return self.database.new_rounds(0)
        # Some connections send more than others, and each has rounds of its own.
        number = min(a_second, 2 * rate or a_second) * (self.seconds + 1) + SPARE_ROUNDS * connections
        return self.database.new_rounds(int(number))

    def _keep(self, figure: Figure) -> Figure:
        self.figures.append(figure)
        self.on_figure(figure)
        return figure


def _named(what: str, rate: float) -> str:
    return what + (f", {rate:.0f}/s sent" if rate else "")


def check_rounds(rounds: Rounds, load: Load) -> None:
    """Make sure that every refund had a round of its own: one without costs less.

    Raises:
        LoadError: the rounds ran out.

    """
    if load.calls > rounds.number - 2 * CONNECTIONS:
        raise LoadError(f"{load.calls} refunds for {rounds.number} open rounds; raise ROUNDS_A_SECOND")


@contextmanager
def warm(server: Server, database: Database) -> Iterator[Server]:
    """Run a server, and let it get its connections and prepare its statements before anything is measured."""
    with server:
        rounds = database.new_rounds(ROUNDS_A_SECOND["refund"] * (WARM_UP_S + 1))
        send(server.url, "refund", rounds, connections=CONNECTIONS, seconds=WARM_UP_S)
        yield server


def main_ratios(bench: Bench, workers: int, *, quick: bool) -> dict[str, float]:
    """Measure what the targets name, in one go, and return the ratios; but the latencies', if ``quick``."""
    ceiling = max(bench.ceiling(connections).load.rate for connections in bench.ceiling_connections)
    with warm(usual_way(bench.database.owner_url, workers), bench.database) as server:
        usual = bench.http(server, workers, "refund")
        if not quick:
            bench.http_at_half(server, workers, "refund", usual)
    with warm(wallet(bench.database.url, workers), bench.database) as server:
        refund, replay, mix = (bench.http(server, workers, scenario) for scenario in ("refund", "replay", "mix"))
        if not quick:
            bench.http_at_half(server, workers, "replay", replay)
            bench.http_at_half(server, workers, "mix", mix)
        latencies = {} if quick else {"half_load_p99_vs_single_p50": latency_ratio(bench, server, workers)}
    if not quick:
        latencies["pgbench_half_load_p99_vs_single_p50"] = pgbench_latency_ratio(bench)
    return {
        "refund_vs_pgbench": refund.load.rate / ceiling,
        "refund_vs_usual": refund.load.rate / usual.load.rate,
        "mix_vs_pgbench": mix.load.rate / ceiling,
        "replay_vs_refund": replay.load.rate / refund.load.rate,
        **latencies,
    }


def latency_ratio(bench: Bench, server: Server, workers: int) -> float:
    """Measure what the slowest calls take at half of full load, against what a call takes that has the wallet alone."""
    single = bench.http(server, workers, "refund", connections=1)
    full = bench.http(server, workers, "refund")  # once more, beside what is compared with it
    half = bench.http_at_half(server, workers, "refund", full)
    return half.load.p99 / single.load.p50


def pgbench_latency_ratio(bench: Bench) -> float:
    """Measure the like of the database alone: how slow the slowest calls are that no service has a part in.

    Its full load is that of the number of connections that does best; on a timetable none waits for a connection.
    """
    single, full = bench.ceiling(1), bench.ceiling(CEILING_CONNECTIONS[0])
    half = bench.ceiling(CONNECTIONS, full.load.rate / 2)
    return half.load.p99 / single.load.p50


def other_ratios(bench: Bench, workers: int) -> dict[str, float]:
    """Measure the rest: the empty view, bets, a hot player."""
    with warm(empty_view(workers), bench.database) as server:
        empty = bench.http(server, workers, "refund")
        bench.http_at_half(server, workers, "refund", empty)
    with warm(wallet(bench.database.url, workers), bench.database) as server:
        full = bench.http(server, workers, "refund")
        bench.http_at_half(server, workers, "bet", bench.http(server, workers, "bet"))
        hot = [bench.http(server, workers, "hot", connections=clients) for clients in HOT_CLIENTS]
        bench.http_at_half(server, workers, "hot", hot[-1])
    return {
        "refund_vs_empty": full.load.rate / empty.load.rate,
        "hot_64_vs_best": hot[-1].load.rate / max(figure.load.rate for figure in hot),
    }


def two_workers_against_one(bench: Bench) -> dict[str, float]:
    """Measure two wallets on one database in turn, one with one worker, one with two."""
    with (
        warm(wallet(bench.database.url, 1), bench.database) as one,
        warm(wallet(bench.database.url, 2), bench.database) as two,
    ):
        single, double = bench.http(one, 1, "refund"), bench.http(two, 2, "refund")
    return {
        "two_workers_vs_one": double.load.rate / single.load.rate,
        "two_workers_cpu_vs_one": double.cpu_server / single.cpu_server,
    }


def many_rounds_against_few(few: Bench, many: Bench, workers: int, *, few_first: bool) -> dict[str, float]:
    """Measure two wallets in turn, one with few rounds in its tables, one with many; repetitions differ in order."""
    with (
        warm(wallet(few.database.url, workers), few.database) as small,
        warm(wallet(many.database.url, workers), many.database) as large,
    ):
        sides = {"few": (few, small), "many": (many, large)}
        order = ("few", "many") if few_first else ("many", "few")
        ratios = {}
        for scenario in ("refund", "mix"):
            rates = {name: sides[name][0].http(sides[name][1], workers, scenario).load.rate for name in order}
            ratios[f"many_rounds_vs_few_{scenario}"] = rates["many"] / rates["few"]
    return ratios


def soak(bench: Bench, workers: int, calls: int) -> dict[str, float]:
    """Send that many calls, and compare memory after the first tenth of them with that after all.

    It is that of the process whose memory grew most.
    """
    with warm(wallet(bench.database.url, workers), bench.database) as server:
        done, before = 0, {}
        while done < calls:
            done += bench.http(server, workers, "mix", seconds=SOAK_PART_S).load.calls
            if not before and done >= calls / 10:
                before = server.memory()
        after = server.memory()
    return {"memory_after_soak": max(after[process] / memory for process, memory in before.items())}


def overload(bench: Bench, workers: int, seconds: float) -> dict[str, float]:
    """Send four times what it can carry, and look at what it carries meanwhile and afterwards."""
    with warm(wallet(bench.database.url, workers), bench.database) as server:
        before = bench.http(server, workers, "mix")
        meanwhile = bench.http(
            server,
            workers,
            "mix",
            connections=OVERLOAD_CONNECTIONS,
            rate=4 * before.load.rate,
            seconds=seconds,
            overload=True,
        )
        after = bench.http(server, workers, "mix")
    return {
        "served_meanwhile": meanwhile.load.rate / before.load.rate,
        "served_afterwards": after.load.rate / before.load.rate,
        "overload_p99_s": max(meanwhile.load.p99, meanwhile.load.shed_p99) / 1000,
        "memory_meanwhile": meanwhile.memory / before.memory,
    }


def medians(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each ratio over repetitions."""
    return {name: round(median(ratios[name] for ratios in found), 3) for name in found[0]}
