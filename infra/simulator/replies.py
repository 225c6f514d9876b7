"""What a whole reply holds, and its pieces where it is streamed."""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from infra.simulator.answering import answer_to, embedding, last_question, tokens
from infra.simulator.behaviour import Behaviour, FaultKind
from infra.simulator.errors import Problem
from infra.simulator.learning import Recall
from infra.simulator.tools import calls_of, given_by_tool

CREATED = 1_700_000_000
CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
RERANK = "/v1/rerank"

_DONE = b"data: [DONE]\n\n"
_HALF_A_PIECE = b'data: {"id": "simulated", "choi\n\n'


class ChatReply:
    """The answer to a conversation.

    Attributes:
        texts: what was sent, one a message.
        tokens_in: tokens of it.
        tokens_out: tokens of the answer.
        streams: whether it is to be sent in pieces.

    Raises:
        Problem: the request has no messages, or asks a tuned model that there is not.
    """

    def __init__(self, behaviour: Behaviour, body: Mapping[str, Any], tuned: Mapping[str, Recall]) -> None:
        messages = body.get("messages")
        if not (isinstance(messages, list) and messages and all(isinstance(message, dict) for message in messages)):
            raise Problem(400, "Missing required parameter: 'messages'.", "missing_required_parameter")
        self._reports_usage = behaviour.usage
        self._model = body.get("model") or behaviour.models[0]
        self._wants_usage = behaviour.usage and bool((body.get("stream_options") or {}).get("include_usage"))
        self.texts = [str(message.get("content") or "") for message in messages]
        if body.get("response_format") and not behaviour.response_format:
            raise Problem(400, "Unsupported parameter: 'response_format'.", "unsupported_parameter")
        self._calls = calls_of(body, messages)
        given = given_by_tool(messages)
        if self._calls or given is not None:
            said = tokens(given or "")
        elif self._model in tuned:
            said = tokens(tuned[self._model].answer(last_question(messages)))
        elif str(self._model).startswith("ft:"):
            raise Problem(404, f"The model `{self._model}` does not exist.", "model_not_found")
        else:
            said = tokens(answer_to(messages, behaviour.rules, partial(_chance, behaviour.seed, body)))
        most = body.get("max_tokens") or body.get("max_completion_tokens") or len(said)
        self._pieces = said[:most]
        self._finish = "tool_calls" if self._calls else "stop" if len(said) <= most else "length"
        self.streams = bool(body.get("stream")) and behaviour.streams
        self.tokens_in = sum(len(tokens(text)) for text in self.texts)
        self.tokens_out = len(self._pieces) + sum(len(call.pieces) for call in self._calls)

    def whole(self) -> dict[str, Any]:
        """Returns the reply in one piece."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._pieces)}
        if self._calls:
            message |= {"content": None, "tool_calls": [call.whole() for call in self._calls]}
        choice = {"index": 0, "message": message, "finish_reason": self._finish}
        content = {**self._head("chat.completion"), "choices": [choice]}
        return {**content, "usage": self._usage()} if self._reports_usage else content

    def events(self, broken: FaultKind | None) -> list[bytes]:
        """Returns the events of the stream, one for each token and some that end it; fewer where it is broken."""
        # Written by hand, for nothing else of a reply costs as much as JSON for each token.
        head = orjson.dumps(self._head("chat.completion.chunk"))[:-1]
        before = b"data: " + head + b',"choices":[{"index":0,"delta":{"content":'
        after = b'},"finish_reason":null}],"usage":null}\n\n'
        if broken == "empty":
            return []
        sent = self._pieces if broken is None else self._pieces[: len(self._pieces) // 2]
        events = [before + orjson.dumps(piece) + after for piece in sent]
        for index, call in enumerate(self._calls):
            deltas = [{"tool_calls": [delta]} for delta in call.deltas(index)]
            events += [self._event([{"index": 0, "delta": delta, "finish_reason": None}], None) for delta in deltas]
        if broken:
            return [*events, _HALF_A_PIECE] if broken == "half_json" else events
        events.append(self._event([{"index": 0, "delta": {}, "finish_reason": self._finish}], None))
        if self._wants_usage:
            events.append(self._event([], self._usage()))
        return [*events, _DONE]

    def _event(self, choices: list[dict[str, Any]], usage: dict[str, int] | None) -> bytes:
        content = {**self._head("chat.completion.chunk"), "choices": choices, "usage": usage}
        return b"data: " + orjson.dumps(content) + b"\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "simulated", "object": kind, "created": CREATED, "model": self._model}

    def _usage(self) -> dict[str, int]:
        total = self.tokens_in + self.tokens_out
        return {"prompt_tokens": self.tokens_in, "completion_tokens": self.tokens_out, "total_tokens": total}


class EmbeddingsReply:
    """The embeddings of one text or more; its attributes are those of `ChatReply`.

    Raises:
        Problem: the request has no texts.
    """

    tokens_out = 0
    streams = False

    def __init__(self, behaviour: Behaviour, body: Mapping[str, Any]) -> None:
        texts = body.get("input")
        self.texts = [texts] if isinstance(texts, str) else texts if isinstance(texts, list) else []
        if not self.texts or not all(isinstance(text, str) for text in self.texts):
            raise Problem(400, "Missing required parameter: 'input'.", "missing_required_parameter")
        self._behaviour = behaviour
        self._model = body.get("model")
        self.tokens_in = sum(len(tokens(text)) for text in self.texts)

    def whole(self) -> dict[str, Any]:
        """Returns the reply in one piece."""
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text, self._behaviour.dimensions)}
            for index, text in enumerate(self.texts)
        ]
        content: dict[str, Any] = {"object": "list", "model": self._model, "data": data}
        if self._behaviour.usage:
            content["usage"] = {"prompt_tokens": self.tokens_in, "total_tokens": self.tokens_in}
        return content


class RerankReply:
    """How relevant passages are to a question, the best first; its attributes are those of `ChatReply`.

    A passage's score is the share of the question's words that it holds.

    Raises:
        Problem: the request has no question or no passages.
    """

    tokens_out = 0
    streams = False

    def __init__(self, behaviour: Behaviour, body: Mapping[str, Any]) -> None:
        query, documents = body.get("query"), body.get("documents")
        if not isinstance(query, str) or not (isinstance(documents, list) and documents):
            raise Problem(400, "Missing required parameter: 'query' or 'documents'.", "missing_required_parameter")
        self.texts = [query, *map(str, documents)]
        self._reports_usage, self._model = behaviour.usage, body.get("model")
        self._most = int(body.get("top_n") or len(documents))
        self.tokens_in = sum(len(tokens(text)) for text in self.texts)

    def whole(self) -> dict[str, Any]:
        """Returns the reply in one piece."""
        query, *documents = (set(text.casefold().split()) for text in self.texts)
        scored = [(len(query & document) / max(1, len(query)), at) for at, document in enumerate(documents)]
        results = [
            {"index": at, "relevance_score": score}
            for score, at in sorted(scored, key=lambda each: (-each[0], each[1]))
        ]
        content: dict[str, Any] = {"model": self._model, "results": results[: self._most]}
        return {**content, "usage": {"total_tokens": self.tokens_in}} if self._reports_usage else content


def reply_to(
    behaviour: Behaviour, route: str, body: Mapping[str, Any], tuned: Mapping[str, Recall]
) -> ChatReply | EmbeddingsReply | RerankReply:
    """Returns the reply to a request on `CHAT`, `EMBEDDINGS` or `RERANK`; models in `tuned` answer as they have learnt.

    Raises:
        Problem: the request lacks what its route needs.
    """
    if route == CHAT:
        return ChatReply(behaviour, body, tuned)
    return RerankReply(behaviour, body) if route == RERANK else EmbeddingsReply(behaviour, body)


def _chance(seed: int, body: Mapping[str, Any]) -> float:
    """Returns a number from 0 up to 1 that follows from the seed and the whole request."""
    request = orjson.dumps([seed, body], option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(request, digest_size=6).digest(), "big") / 2**48


def json_object(text: bytes) -> dict[str, Any]:
    """Returns the JSON object of a request.

    Raises:
        Problem: it is none.
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Problem(400, "We could not parse the JSON body of your request.")
    return found
