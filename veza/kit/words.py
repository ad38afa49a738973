"""Texts as the search compares them: words in lower case without accents. No database here."""

import re
from unicodedata import combining, normalize

MAX_WORDS = 10
_WORD = re.compile(r"[^\W_]+")


def folded(*texts: str) -> str:
    """The words of the texts in lower case without accents."""
    plain = normalize("NFKD", " ".join(texts).casefold())
    return " ".join(_WORD.findall("".join(each for each in plain if not combining(each))))


def search_query(text: str) -> str:
    """A tsquery in which every word is the beginning of one; empty for a text without words.

    Nothing of the text but letters and digits comes through, and of its words the first ten.
    """
    return " & ".join(f"{word}:*" for word in folded(text).split()[:MAX_WORDS])
