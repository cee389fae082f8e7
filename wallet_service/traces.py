"""A trace of each wallet call, for a collector of OpenTelemetry. Needs the extra ``traces``; off unless it has a URL.

A call is one span, made when the call is over. The libraries that trace every request would put its path and query
there, and the query holds the token.
"""

from collections.abc import Iterable, Mapping
from time import time_ns
from typing import Any

from wallet_service.settings import SettingsError

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ModuleNotFoundError:
    INSTALLED = False
else:
    INSTALLED = True

__all__ = ["INSTALLED", "Traces"]

TOLD = {
    "userId": "wallet.user_id",
    "roundId": "wallet.round_id",
    "reference": "wallet.reference",
    "uuid": "wallet.uuid",
}
"""The names of a call's fields in its span; ``wallet.uuid`` is Lucky Monaco's own name for the request."""


SENT_WITHIN_S = 1.0
"""What a silent collector keeps a process that ends waiting, for each of the up to four bundles that it has."""


class Traces:
    """Sends spans from one process. Threads share it; they wait for no collector."""

    def __init__(self, url: str) -> None:
        """Send to this URL, by OTLP over HTTP.

        Raises:
            SettingsError: the extra is not installed.

        """
        if not INSTALLED:
            raise SettingsError("WALLET_TRACES_URL needs the extra: pip install 'wallet-service[traces]'")
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "wallet_service"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=SENT_WITHIN_S)))
        self._tracer = provider.get_tracer("wallet_service")
        self._parents = TraceContextTextMapPropagator()

    def call(self, facts: Mapping[str, Any], outcome: str, seconds: float, headers: Iterable[tuple[str, str]]) -> None:
        """Send the span of a call that is over by now.

        ``facts`` are those of its line in the log. A ``traceparent`` among the headers is the span's parent.
        """
        ended = time_ns()
        span = self._tracer.start_span(
            f"{facts['version']} {facts['call']}",
            context=self._parents.extract({name.lower(): value for name, value in headers}),
            kind=SpanKind.SERVER,
            start_time=ended - round(seconds * 1e9),
            attributes={
                "wallet.version": facts["version"],
                "wallet.call": facts["call"],
                "wallet.outcome": outcome,
                **{name: facts[field] for field, name in TOLD.items() if field in facts},
            },
        )
        if outcome == "unavailable":
            span.set_status(StatusCode.ERROR)
        span.end(ended)
