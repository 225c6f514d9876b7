"""How far an answer is: what is recorded and charged of one that is not read to its end."""

from collections.abc import Callable

from tasks.calling.answer import Answer, Outcome, Usage
from tasks.calling.preparing import Prepared
from tasks.calling.pricing import BYTES_A_TOKEN
from tasks.guarding.watch import Watch


class Progress:
    """What a model was sent for one request, and what it has written.

    Args:
        request: id of the request.
        price: returns what tokens cost.
        watch: looks at the answer, and is told what the model was sent; None where nothing does.

    Attributes:
        pieces: of the answer, as the model gave them.
    """

    def __init__(self, request: str, price: Callable[[Usage], float | None], watch: Watch | None) -> None:
        self.pieces: list[str] = []
        self._request, self._price, self._watch = request, price, watch
        self._prepared = Prepared((), ())

    def told(self, prepared: Prepared) -> None:
        """Is told what the model is sent."""
        self._prepared = prepared
        if self._watch is not None:
            system = [message.content for message in prepared.messages if message.role == "system"]
            self._watch.told(system, [passage.text for passage in prepared.context])

    def so_far(self) -> Answer:
        """Returns what there is of the answer, as if it had ended here.

        An endpoint tells its tokens at the end alone. So a piece counts as a token, and four bytes where that is more;
        what a target of the user's takes is not known.
        """
        text, messages = "".join(self.pieces), self._prepared.messages
        usage = Usage()
        if messages:
            sent = sum(len(message.content.encode()) for message in messages)
            usage = Usage(sent // BYTES_A_TOKEN, max(len(self.pieces), len(text.encode()) // BYTES_A_TOKEN))
        return Answer(
            self._request,
            Outcome.OK,
            text,
            messages=messages,
            context=self._prepared.context,
            usage=usage,
            price=self._price(usage) if messages else None,
            attempts=1,
        )
