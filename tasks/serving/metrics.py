"""What the endpoint counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tasks.calling.answer import Outcome
from tasks.serving.responder import Reply

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_PER_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """Counters of one app's endpoint.

    Args:
        app: label of every one of them.
        under_way: says how many requests are being answered.
        lost: says how many requests were answered and could not be recorded.

    Attributes:
        content_type: of `text`.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, app: str, under_way: Callable[[], float], lost: Callable[[], float]) -> None:
        self._registry = registry = CollectorRegistry()
        names, of = ["app"], {"app": app}
        requests = ("lifecycle_requests_total", "Requests, by HTTP status.", [*names, "status"])
        self._requests = Counter(*requests, registry=registry)
        answers = Counter(
            "lifecycle_answers_total", "Answers of the application, by outcome.", [*names, "outcome"], registry=registry
        )
        self._answers = {outcome: answers.labels(app, outcome.value) for outcome in Outcome}
        tokens = Counter("lifecycle_tokens_total", "Tokens of answers, by kind.", [*names, "kind"], registry=registry)
        self._tokens = {kind: tokens.labels(app, kind) for kind in ("input", "output", "cached")}
        dollars = Counter("lifecycle_price_dollars_total", "What answers cost.", names, registry=registry)
        self._dollars = dollars.labels(app)
        seconds = Histogram(
            "lifecycle_answer_seconds", "Until an answer was whole.", names, buckets=_SECONDS, registry=registry
        )
        first = Histogram(
            "lifecycle_first_token_seconds", "Until its first token.", names, buckets=_SECONDS, registry=registry
        )
        each = Histogram(
            "lifecycle_token_seconds", "Of each token after the first.", names, buckets=_PER_TOKEN, registry=registry
        )
        self._seconds, self._first, self._each = (one.labels(app) for one in (seconds, first, each))
        for name, told, read in (
            ("lifecycle_requests_under_way", "Requests that are being answered.", under_way),
            ("lifecycle_requests_unrecorded", "Requests that were answered and could not be recorded.", lost),
        ):
            Gauge(name, told, names, registry=registry).labels(**of).set_function(read)
        self._app = app

    def text(self) -> bytes:
        """Returns all of them in Prometheus' form."""
        return generate_latest(self._registry)

    def replied(self, status: int) -> None:
        """Counts a request that was replied to."""
        self._requests.labels(self._app, str(status)).inc()

    def answered(self, reply: Reply) -> None:
        """Counts an answer of the application, or its failure."""
        answer = reply.answer
        self._answers[answer.outcome].inc()
        if answer.outcome is not Outcome.OK:
            return
        for kind, counter in self._tokens.items():
            counter.inc(getattr(answer.usage, kind))
        self._dollars.inc(answer.price or 0.0)
        latency = answer.latency
        for histogram, value in ((self._seconds, latency.total), (self._first, latency.first_token)):
            if value is not None:
                histogram.observe(value)
        if latency.per_output_token is not None:
            self._each.observe(latency.per_output_token)
