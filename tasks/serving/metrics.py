"""What the endpoint counts, for Prometheus."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tasks.calling.answer import Outcome
from tasks.guarding.done import Done
from tasks.serving.responder import Reply

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_PER_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""Of what `text_of` returns."""


class Metrics:
    """Counters of one app's endpoint; with the app's name "", of requests that are about no app.

    Args:
        app: label of every one of them.
        under_way: says how many requests are being answered.
        lost: says how many requests were answered and could not be recorded.
    """

    def __init__(self, app: str, under_way: Callable[[], float], lost: Callable[[], float]) -> None:
        self.registry = registry = CollectorRegistry()
        names, of = ["app"], {"app": app}
        requests = ("lifecycle_requests_total", "Requests, by HTTP status.", [*names, "status"])
        self._requests = Counter(*requests, registry=registry)
        answers = Counter(
            "lifecycle_answers_total", "Answers of the application, by outcome.", [*names, "outcome"], registry=registry
        )
        self._answers = {outcome: answers.labels(app, outcome.value) for outcome in Outcome}
        tokens = Counter("lifecycle_tokens_total", "Tokens of answers, by kind.", [*names, "kind"], registry=registry)
        self._tokens = {kind: tokens.labels(app, kind) for kind in ("input", "output", "cached")}
        dollars = Counter(
            "lifecycle_price_dollars_total", "What answers and embeddings cost.", names, registry=registry
        )
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
        fallbacks = ("lifecycle_fallback_answers_total", "Answers of another model instead.", [*names, "model"])
        self._fallbacks = Counter(*fallbacks, registry=registry)
        embedded = Counter("lifecycle_embedded_tokens_total", "Tokens of texts embedded.", names, registry=registry)
        self._embedded = embedded.labels(app)
        guarded = ("lifecycle_guarded_total", "What guards did.", [*names, "guard", "side", "action"])
        self._guarded = Counter(*guarded, registry=registry)
        self._app = app

    def fell_back(self, model: str) -> None:
        """Counts an answer that another model gave instead of the champion's."""
        self._fallbacks.labels(self._app, model).inc()

    def embedded(self, tokens: int, price: float) -> None:
        """Counts what some embeddings took."""
        self._embedded.inc(tokens)
        self._dollars.inc(price)

    def replied(self, status: int) -> None:
        """Counts a request that was replied to."""
        self._requests.labels(self._app, str(status)).inc()

    def guarded(self, done: Done) -> None:
        """Counts what a guard did."""
        self._guarded.labels(self._app, *done).inc()

    def answered(self, reply: Reply) -> None:
        """Counts an answer of the application, its failure, or what there was of it when the client left."""
        answer = reply.answer
        self._answers[answer.outcome].inc()
        for kind, counter in self._tokens.items():
            counter.inc(getattr(answer.usage, kind))
        self._dollars.inc(answer.price or 0.0)
        if answer.outcome is not Outcome.OK:
            return
        latency = answer.latency
        for histogram, value in ((self._seconds, latency.total), (self._first, latency.first_token)):
            if value is not None:
                histogram.observe(value)
        if latency.per_output_token is not None:
            self._each.observe(latency.per_output_token)


class _Together(Collector):
    """What several registries hold, each metric once with the samples of all: Prometheus takes none twice."""

    def __init__(self, registries: Sequence[CollectorRegistry]) -> None:
        self._registries = registries

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Metric] = {}
        for registry in self._registries:
            for metric in registry.collect():
                known = found.setdefault(metric.name, metric)
                if known is not metric:
                    known.samples.extend(metric.samples)
        yield from found.values()


def text_of(metrics: Sequence[Metrics]) -> bytes:
    """Returns the counters of some apps in Prometheus' form."""
    if len(metrics) == 1:
        return generate_latest(metrics[0].registry)
    together = CollectorRegistry(auto_describe=False)
    together.register(_Together([each.registry for each in metrics]))
    return generate_latest(together)
