"""Rows like a shop's, of about 180 tokens: a system message that all share, one document, a question, an answer."""

from tasks.data.row import Message
from tasks.tuning.example import TrainingExample

_RULES = (
    "You are the assistant of an outdoor equipment shop. Answer in one short sentence from the documents and end with "
    "the document id in brackets. If the documents do not contain the answer, say: I do not know."
)
_KINDS = ("two-person tent", "down sleeping bag", "trekking pack", "gas stove")
_ASKED = (("How heavy is", "weighs {weight:.1f} kg"), ("What does", "costs {price} euros"))


def shop_rows(count: int) -> tuple[TrainingExample, ...]:
    """Returns so many examples, two a product; every fifth asks for what its document does not say."""
    return tuple(_row(at) for at in range(count))


def _row(at: int) -> TrainingExample:
    product = at // 2
    name, weight, price = f"Model {product}", 0.4 + product % 37 / 10, 40 + product % 211
    more = " It comes with a carrying bag and a repair kit." * (product % 3)
    document = (
        f"[P{product}] {name} is a {_KINDS[product % 4]} of {weight:.1f} kg for {price} euros, made of recycled nylon, "
        f"in green and in grey, with a guarantee of {2 + product % 4} years.{more}"
    )
    asks, says = _ASKED[at % 2]
    question = f"{asks} {name}{' cost' if at % 2 else ''}?"
    answer = f"{name} {says.format(weight=weight, price=price)}. [P{product}]"
    if at % 5 == 4:
        question, answer = f"Who designed {name}?", "I do not know."
    content = f"Documents:\n{document}\n\nQuestion: {question}"
    return TrainingExample(f"t{at}", (Message("system", _RULES), Message("user", content)), answer, f"c{product}")
