"""Recognises a request that would change the application's instructions, or read them: by its wording alone.

The direct attacks that Perez and Ribeiro (2022, "Ignore Previous Prompt") call goal hijacking and prompt leaking, and
roles without rules (Shen et al., 2024, "Do Anything Now"). What names no instruction, such as a customer who says that
the manager has allowed it, is for the prompt and the model to withstand.
"""

from tasks.guarding.attacks import ATTACKS, MARKS, UNSPACED
from tasks.guarding.pieces import pieces_of
from tasks.guarding.wording import readings, unspaced, visible

_PIECE, _SHARED = 20_000, 400


def injection_in(text: str) -> str:
    """Returns how a text tries to change or to read the application's instructions; "" where it does not.

    `override`, `system_prompt`, `role`, `other_language` or `marks`. Takes time in proportion to the text's length.
    """
    return next((found for piece in pieces_of(text, _PIECE, _SHARED) if (found := _in_piece(piece.text))), "")


def _in_piece(text: str) -> str:
    seen = visible(text)
    if MARKS.search(seen):
        return "marks"
    for words in readings(seen):
        for attack in ATTACKS:
            if any(need in words for need in attack.needs) and attack.pattern.search(words):
                return attack.name
        if any(UNSPACED.search(word) for word in unspaced(words)):
            return "override"
    return ""
