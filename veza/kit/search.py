"""Full text in PostgreSQL, and words that are alike where its extension pg_trgm is there."""

from collections.abc import Callable, Iterable
from functools import cache, reduce
from operator import add, and_, or_
from typing import Any, ClassVar, TypeVar

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    F,
    FloatField,
    Func,
    IntegerField,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat

from veza.kit.words import MAX_WORDS, folded, search_query, swapped, tolerance, typing_errors

Rows = TypeVar("Rows", bound=QuerySet[Any])
Known = Callable[[str], Iterable[str]]
"""Which words there are that may be meant by one; not asked where nothing can be compared."""

CONFIG = "simple"
RANK_SCALE = 1_000_000
SHORT, SHORT_ROWS = 2, 2000
COMPARED, NEAREST = 100, 12
FEW_TRIGRAMS = 6  # letters: a swap leaves hardly one that is the same
TIE_BREAK = 1000
# Accents as NFKD takes them off letters: Latin, Greek, Cyrillic, Hebrew, Arabic, virama, kana.
_MARKS = (
    r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u064b-\u065f\u0670\u094d\u3099\u309a]"
)


class Folded(Func):
    """Texts as `words.folded` has them, made by the database: for generated columns."""

    template = (
        "translate(regexp_replace(normalize(replace(lower(%(expressions)s), 'ß', 'ss'), NFKD),"
        f" '{_MARKS}', '', 'g'), '_.-', '   ')"
    )
    output_field: ClassVar = TextField()


class Joined(Concat):
    """Texts of one row with a blank between them."""

    def __init__(self, *names: str) -> None:
        parts: list[Any] = [F(names[0])]
        for name in names[1:]:
            parts += [Value(" "), F(name)]
        super().__init__(*parts, output_field=TextField())


class _Alike(Func):
    """Whether some part of the second text is like the first, by word_similarity_threshold."""

    template, arg_joiner = "(%(expressions)s)", " <%% "
    output_field: ClassVar = BooleanField()


class _Likeness(Func):
    function = "word_similarity"
    output_field: ClassVar = FloatField()


class _Resembles(Func):
    """Whether two words are alike as a whole, by similarity_threshold."""

    template, arg_joiner = "(%(expressions)s)", " %% "
    output_field: ClassVar = BooleanField()


class _Resemblance(Func):
    function = "similarity"
    output_field: ClassVar = FloatField()


@cache
def knows_alike() -> bool:
    """Whether the database compares words by their trigrams; asked once in a process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        return cursor.fetchone() is not None


def with_words(rows: Rows, text: str, *, vector: Any) -> Rows:
    """Those that hold every word of the text, or one that begins with it; none for no words.

    `relevance` is the rank as a whole number, so that a cursor meets it again exactly. A text of
    one or two letters begins too many words: of what holds it the newest SHORT_ROWS are ranked.
    """
    words = search_query(text)
    if not words:
        return rows.none().annotate(relevance=Value(0))
    query = SearchQuery(words, config=CONFIG, search_type="raw")
    rank = Cast(SearchRank(vector, query) * RANK_SCALE, IntegerField())
    found = rows.alias(found=vector).filter(found=query)
    if max(map(len, folded(text).split())) <= SHORT:
        found = rows.filter(pk__in=found.order_by("-pk").values("pk")[:SHORT_ROWS])
    return found.annotate(relevance=rank)


def with_mistyped(rows: Rows, text: str, *, vector: Any, known: Known) -> Rows:
    """Those that hold each of these words, a word that begins with it, or one of the NEAREST known
    words that it may be a typing error of; none where the database cannot tell.

    `relevance` as in `with_words`: the fewer errors the better, then where the words stand.
    """
    words = _comparable(text)
    if not words or not knows_alike():
        return rows.none().annotate(relevance=Value(0))
    meant = [_meant_by(word, known) for word in words]
    wanted = reduce(and_, (reduce(or_, (query for query, _ in each)) for each in meant))
    likeness = reduce(add, (_likeness(each, vector) for each in meant)) / len(words)
    rows = rows.alias(found=vector).filter(found=wanted)
    return rows.annotate(relevance=Cast(likeness * RANK_SCALE, IntegerField()))


def _meant_by(word: str, known: Known) -> list[tuple[SearchQuery, float]]:
    """What to look for, the likeliest first, and how like the word it is."""
    near: dict[str, float] = {}
    if allowed := tolerance(word):
        errors = {each: typing_errors(word, each) for each in known(word)}
        nearest = sorted((count, each) for each, count in errors.items() if int(count) <= allowed)
        near = {each: count for count, each in nearest[:NEAREST]}
        if len(word) <= FEW_TRIGRAMS:
            near = dict.fromkeys(sorted(swapped(word)), 1.0) | near
    begins = SearchQuery(f"{word}:*", config=CONFIG, search_type="raw")
    return [(begins, 1.0)] + [
        (SearchQuery(each, config=CONFIG), 1 - near[each] / len(word))
        for each in sorted(near, key=lambda each: near[each])
    ]


def resembling(rows: QuerySet[Any], word: str) -> list[str]:
    """Of rows that have a `word` each those words that are most like this one."""
    alike = rows.filter(_Resembles(F("word"), Value(word)))
    likeness = _Resemblance(F("word"), Value(word))
    best = alike.annotate(likeness=likeness).order_by("-likeness", "word").distinct()
    return [each for each, _ in best.values_list("word", "likeness")[:COMPARED]]


def _likeness(meant: Iterable[tuple[SearchQuery, float]], vector: Any) -> Case:
    """That of the likeliest word which a row holds."""
    steps = [
        When(found=query, then=Value(likeness) + SearchRank(vector, query) / TIE_BREAK)
        for query, likeness in meant
    ]
    return Case(*steps, default=Value(0.0), output_field=FloatField())


def with_alike(rows: Rows, text: str, *, column: str = "words") -> Rows:
    """Those that have a word like each of these, for typing errors; none where the database cannot
    tell.

    `relevance` as in `with_words`.
    """
    words = _comparable(text)
    if not words or not knows_alike():
        return rows.none().annotate(relevance=Value(0))
    for word in words:
        rows = rows.filter(_Alike(Value(word), F(column)))
    likeness = _Likeness(Value(" ".join(words)), F(column)) * RANK_SCALE
    return rows.annotate(relevance=Cast(likeness, IntegerField()))


def _comparable(text: str) -> list[str]:
    """Words of one or two letters are like too many to count."""
    return [word for word in folded(text).split()[:MAX_WORDS] if len(word) > SHORT]
