"""The words that tracks are found by, for who mistypes one."""

from django.db import models


class TrackWord(models.Model):
    """A word of some track that everyone may come upon: one of a hidden track would take a place
    among the nearest, by which others could tell that it is there. A trigger of the tracks' table
    adds those that are new, and a task tidies them every night.

    One may stand twice: with a unique index an upload would wait for another that brings the same
    word, and two of them could wait for each other.
    """

    word = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["word"], name="track_word")]

    def __str__(self) -> str:
        return self.word
