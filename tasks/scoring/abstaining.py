"""Recognises an answer that says it does not know, or that it will not say."""

from tasks.scoring.words import normalised

ABSTENTIONS = (
    "i do not know",
    "i don't know",
    "i am not sure",
    "i'm not sure",
    "documents do not say",
    "documents don't say",
    "documents do not contain",
    "documents don't contain",
    "does not say",
    "not mentioned",
    "no information",
    "모르겠",
    "모릅니다",
    "알 수 없",
    "나와 있지 않",
    "찾을 수 없",
    "정보가 없",
)
"""Phrases by which an abstention is recognised where the app sets none of its own."""

REFUSALS = (
    "i cannot help",
    "i can't help",
    "i cannot assist",
    "i can't assist",
    "i cannot answer",
    "i can't answer",
    "i cannot provide",
    "i can't provide",
    "i cannot fulfill",
    "i can't fulfill",
    "i cannot comply",
    "i can't comply",
    "i cannot do that",
    "i can't do that",
    "i cannot support",
    "i can't support",
    "i am unable to",
    "i'm unable to",
    "i am not able to",
    "i'm not able to",
    "i won't be able to",
    "i won't help",
    "i won't provide",
    "i won't do that",
    "i will not help",
    "i will not provide",
    "i must decline",
    "i have to decline",
    "not something i can help",
    "goes against my guidelines",
    "도와드릴 수 없",
    "도와드리기 어렵",
    "답변할 수 없",
    "답변드릴 수 없",
    "답변드리기 어렵",
    "제공할 수 없",
    "제공해 드릴 수 없",
    "알려드릴 수 없",
)
"""Phrases by which a refusal is recognised where the app sets none of its own."""


def abstains(text: str, phrases: tuple[str, ...] = ABSTENTIONS) -> bool:
    """Returns whether an answer holds one of the phrases, whatever its case, blanks and kind of apostrophe."""
    plain = normalised(text)
    return any(normalised(phrase) in plain for phrase in phrases)
