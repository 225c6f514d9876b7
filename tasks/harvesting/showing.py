"""The queue in MLflow: every pick has a trace that says what became of it, and what people said there is read back."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from configs.errors import StackError
from tasks.calling.answer import Answer
from tasks.curating.redacting import each_text, redacted
from tasks.harvesting.picked import Picked, Review, State
from tasks.harvesting.queue import Queue
from tasks.progress import say
from tasks.tracking.reviews import said_of, show_states
from tasks.tracking.traces import write_redacted_traces, write_served_traces

if TYPE_CHECKING:
    from tasks.serving.record import RecordStore
    from tasks.serving.served import Served


def read_reviews(app: str, queue: Queue) -> int:
    """Takes what people have said in MLflow of picks that wait, and returns of how many.

    Raises:
        StackError: MLflow does not answer.
    """
    waiting = {each.request: each for each in queue.pending()}
    if not waiting:
        return 0
    taken = 0
    for said in said_of(app):
        pick = waiting.get(said.request)
        if pick is None:
            continue
        if not said.state or (said.state == "accepted" and not pick.answer.strip()):
            say(
                f"{said.where}: what was said as `review` cannot be meant; give `accept` to an answer that is right, "
                f"`unanswerable`, `reject`, or the right answer as the expectation `expected_response`"
            )
            continue
        state = cast("State", said.state)
        taken += queue.review(
            said.request, Review(state, redacted(said.reference).text, said.who, said.at, origin="mlflow")
        )
    return taken


def show_queue(app: str, queue: Queue, store: "RecordStore") -> int:
    """Has the traces of all picks show what became of them, and returns how many it told; what is missing is caught up.

    Where a request's own trace shows what was taken out of the pick, a redacted copy of it is shown instead. A pick
    that has no trace is given one.

    Args:
        app: name of the app.
        queue: the picks.
        store: the app's served requests, which are noted to have their traces.

    Raises:
        StackError: MLflow does not answer, or did not keep them all.
    """
    waiting = queue.untold()
    if not waiting:
        return 0
    picks = {each.request: each for each in queue.all()}
    served = {each.served.id: each.served for request in waiting for each in store.named([request])}
    copies = [_as_served(picks[each.id], each) for each in served.values() if _shows_more(each, picks[each.id])]
    write_redacted_traces(app, copies)
    if missing := show_states(waiting):
        write_served_traces(app, [served[request] for request in missing if request in served])
        store.mark_traced(missing)
        if still := show_states({request: waiting[request] for request in missing}):
            raise StackError(f"MLflow has no trace of request {still[0]}; see `lifecycle status`, then run again")
    queue.told(waiting)
    return len(waiting)


def _shows_more(served: "Served", pick: Picked) -> bool:
    """Returns whether a request's own trace shows what the pick does not: what was taken out, or was never in it."""
    answer = served.answer
    own = (served.messages, served.columns, answer.text, answer.cause, answer.context)
    if own != (pick.messages, pick.columns, pick.answer, pick.cause, pick.passages):
        return True
    sent = [message._asdict() for message in answer.messages]
    return bool(each_text(sent, lambda text: redacted(text).text) != sent)


def _as_served(pick: Picked, served: "Served") -> "Served":
    """Returns a pick as the request that it was, without personal data."""
    answer = Answer(
        row_id=pick.request,
        outcome=served.answer.outcome,
        text=pick.answer,
        cause=pick.cause,
        context=pick.passages,
        usage=served.answer.usage,
        latency=served.answer.latency,
        price=served.answer.price,
    )
    return replace(served, messages=pick.messages, columns=pick.columns, answer=answer)
