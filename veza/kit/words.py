"""Texts as the search compares them: words in lower case without accents. No database here."""

import re
from unicodedata import combining, normalize

MAX_WORDS = 10
LONGEST, MOST_ERRORS = 40, 2  # of a word that may be a typing error
TOLERANT_FROM = (4, 6)  # letters; of one error, and of two
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


def tolerance(word: str) -> int:
    """How many typing errors are believed of a word."""
    if len(word) > LONGEST:
        return 0
    return sum(len(word) >= letters for letters in TOLERANT_FROM)


def swapped(word: str) -> set[str]:
    """The word with two neighbours changed, anywhere."""
    places = range(len(word) - 1)
    return {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in places} - {word}


def typing_errors(typed: str, meant: str) -> float:
    """How many letters are wrong, missing, too many or have changed places with the next one.

    One in the first letter, which people seldom mistype, counts twice; a letter that is only still
    to be typed a hundredth. More than MOST_ERRORS are not counted to the end.
    """
    before: list[int] = []
    above = list(range(len(meant) + 1))
    for i, letter in enumerate(typed, start=1):
        row = [i]
        for j, wanted in enumerate(meant, start=1):
            errors = min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and (letter, typed[i - 2]) == (meant[j - 2], wanted):
                errors = min(errors, before[j - 2] + 1)
            row.append(errors)
        if min(row) > MOST_ERRORS:
            return len(typed)
        before, above = above, row
    to_come = min(errors + (len(meant) - j) / 100 for j, errors in enumerate(above))
    return to_come + (typed[0] != meant[0])
