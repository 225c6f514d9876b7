"""Does a row that a teacher wrote stand on its document? What does not is left out, and counted by why."""

from tasks.calling.answer import Answer, Outcome, Passage
from tasks.curating.lesson import Written
from tasks.curating.text import text_of
from tasks.data.row import Message, Row
from tasks.retrieval.documents import Document
from tasks.scoring.abstaining import REFUSALS, abstains
from tasks.scoring.grounding import support
from tasks.scoring.scorer import Rating
from tasks.scoring.words import terms

UNREADABLE = "unreadable reply"
INCOMPLETE = "question, answer or passage empty"
NOT_VERBATIM = "passage not in the document"
ABSTAINS = "answers that it is not known"
UNSUPPORTED = "answer not supported by its passage"
ELSEWHERE = "question about something else"
REPEATS = "question and answer are one text"


def fault_in(written: Written, document: Document, overlap: float, phrases: tuple[str, ...]) -> str:
    """Returns why a written row is not kept; "" where it stands on its document.

    The passage must stand in the document word for word, blanks aside; one passage must support every sentence of the
    answer, as the scorer `support` measures it; and the question must share a content term with the document.

    Args:
        written: the row.
        document: what it was written from.
        overlap: share of each sentence's content terms that the passage must hold; numbers it must hold all.
        phrases: by which an abstention is recognised.
    """
    if not all(text_of(text).words for text in written):
        return INCOMPLETE
    if text_of(written.question).words == text_of(written.answer).words:
        return REPEATS
    if _single(written.passage) not in _single(document.text):
        return NOT_VERBATIM
    if abstains(written.answer, (*phrases, *REFUSALS)):
        return ABSTAINS
    if not terms(written.question) & terms(f"{document.title} {document.text}"):
        return ELSEWHERE
    row = Row("", (Message("user", written.question),))
    answer = Answer("", Outcome.OK, written.answer, context=(Passage(document.id, written.passage),))
    supported = support.rate(row, answer, overlap=overlap, phrases=phrases)
    return "" if isinstance(supported, Rating) and supported.value == 1 else UNSUPPORTED


def _single(text: str) -> str:
    return " ".join(text.split())
