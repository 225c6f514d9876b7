"""The words of a text as whoever reads it may take them, however they are dressed up.

Invisible characters, look-alikes of other alphabets, digits for letters, letters that stand apart and base64 are seen
through; another language, a riddle or a cipher are not.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0100-\U000e01ef]"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]")
"""Characters that no one sees and that each stand for one of ASCII."""
_ACCENTS = re.compile("[\u0300-\u036f]")
_LOOKALIKES = str.maketrans(
    "авекмнорстухіѕјԁһԛԝгпαβεηικνορτυχωɑɡɩʀᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꜱᴛᴜᴠᴡʏᴢ",
    "abekmhopctyxisjdhqwrnabenikvoptuxwagirabcdefghijklmnopstuvwyz",
)
"""Cyrillic, Greek and small capitals that look like Latin letters, in lower case."""
_DIGITS = str.maketrans("013457@$", "oieastas")
_MIXED = re.compile(r"[013457](?:(?=[a-z])|(?<=[a-z].))")
_CONTRACTED = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'m", " am"))
_WORD = re.compile(r"[^\W_]+")
_LETTERS_APART = re.compile(r" \w \w \w \w \w \w(?: \w)+(?= |$)")
_LONG = 16
_SHORTEST = 24
_ENCODED = re.compile(rf"[A-Za-z0-9+/_-]{{{_SHORTEST},}}={{0,2}}")
_MOST_ENCODED = 8
"""Words that are decoded: whoever sends more of them sends no message."""


def readings(seen: str) -> Iterator[str]:
    """Yields a text's words, parted by single blanks: as they stand first, then as one may take them.

    Args:
        seen: the text as `visible` returns it.
    """
    words = words_of(seen)
    yield words
    if not seen.isascii():
        words = words.translate(_LOOKALIKES)
        yield words
    if _MIXED.search(words) or "@" in seen or "$" in seen:
        yield words_of(seen.casefold().translate(_LOOKALIKES).translate(_DIGITS))
    long = " ".join([word for word in seen.split() if len(word) >= _SHORTEST])
    for encoded in _ENCODED.findall(long)[:_MOST_ENCODED] if long else ():
        if decoded := _decoded(encoded):
            yield words_of(visible(decoded))


def unspaced(words: str) -> Iterator[str]:
    """Yields what may be several words in one: letters that stand apart, joined, and words too long to be one."""
    for apart in _LETTERS_APART.findall(f" {words}"):
        yield apart.replace(" ", "")
    yield from [word for word in words.split(" ") if len(word) >= _LONG]


def visible(text: str) -> str:
    """Returns a text without invisible characters, with compatible ones made one (NFKC) and Latin ones bare."""
    if text.isascii():
        return text
    text = _TAGS.sub(lambda tag: chr(ord(tag.group()) - 0xE0000), _INVISIBLE.sub("", text))
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", apart))


def words_of(text: str) -> str:
    """Returns a text's words in lower case, parted by single blanks; everything else is left out."""
    plain = text.casefold().replace("’", "'")
    if "'" in plain:
        for short, long in _CONTRACTED:
            plain = plain.replace(short, long)
        plain = plain.replace("'", "")
    return " ".join(_WORD.findall(plain))


def _decoded(encoded: str) -> str:
    """Returns the text that a word stands for in base64; "" where it stands for none."""
    plain = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text if " " in text else ""
