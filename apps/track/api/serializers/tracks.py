"""Tracks on the wire."""

from rest_framework import serializers

from apps.track.rules.tracks import MAX_TAGS, clean_tags
from apps.track.types import (
    AccessState,
    DownloadRule,
    Stage,
    TrackStatus,
    Visibility,
)
from veza.kit.api.fields import TextOnly, single_line

ORDERINGS = {
    "created_at": "created_at",
    "title": "title",
    "duration_ms": "duration_ms",
    "plays": "play_count",
    "likes": "like_count",
    "popularity": "popularity",
}
RELEVANCE = "relevance"


def _line(length: int) -> TextOnly:
    return TextOnly(required=False, max_length=length, allow_blank=True, validators=[single_line])


class TrackTextsInput(serializers.Serializer):
    """What is told of a track. Every field may be left out."""

    title = _line(200)
    artist = _line(200)
    album = _line(200)
    genre = _line(60)
    tags = serializers.ListField(
        child=TextOnly(max_length=40, validators=[single_line]),
        required=False,
        max_length=MAX_TAGS,
    )
    description = TextOnly(required=False, max_length=5000, allow_blank=True)
    visibility = serializers.ChoiceField(required=False, choices=Visibility.choices)
    bpm = serializers.FloatField(required=False, allow_null=True, min_value=1, max_value=999)
    musical_key = _line(20)
    license = _line(200)

    def validate_tags(self, value: list[str]) -> list[str]:
        return clean_tags(value)


class CreateTrackInput(TrackTextsInput):
    """A finished upload, and what is told of the track."""

    upload_id = serializers.UUIDField(required=False)


class UpdateTrackInput(TrackTextsInput):
    """Members that are not listed here have no effect."""

    download = serializers.ChoiceField(required=False, choices=DownloadRule.choices)

    def validate_title(self, value: str) -> str:
        if not value.strip():
            raise serializers.ValidationError("A track has a title.")
        return value


class ListTracksInput(serializers.Serializer):
    """Filters; every one that is given has to match."""

    search = TextOnly(
        required=False,
        max_length=200,
        allow_blank=True,
        help_text="Words, or how they begin. Without `ordering` the best come first: words of the"
        " title count more than the artist, and that more than album, genre and tags.",
    )
    similar = serializers.BooleanField(
        default=False,
        help_text="Find words that are alike. Where nothing holds the words themselves the answer"
        " is made so by itself, and its `next` says so.",
    )
    genre = TextOnly(required=False, max_length=60)
    tag = TextOnly(required=False, max_length=40)
    artist = TextOnly(required=False, max_length=200)
    uploader = TextOnly(
        required=False, max_length=50, help_text="A user name, or `me` for all of one's own."
    )
    min_duration_ms = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    max_duration_ms = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    bpm_min = serializers.FloatField(required=False, min_value=0, max_value=1000)
    bpm_max = serializers.FloatField(required=False, min_value=0, max_value=1000)


class UploaderOutput(serializers.Serializer):
    """Whose track it is."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    avatar_url = serializers.CharField(allow_null=True)


class StatsOutput(serializers.Serializer):
    """Counted exactly."""

    plays = serializers.IntegerField()
    likes = serializers.IntegerField()
    comments = serializers.IntegerField()
    shares = serializers.IntegerField()
    downloads = serializers.IntegerField()


class AccessOutput(serializers.Serializer):
    """What the caller may hear, and why not more."""

    state = serializers.ChoiceField(AccessState.choices)
    reason = serializers.CharField(allow_null=True)


class AudioOutput(serializers.Serializer):
    """What the file of the active version is; null until it is known."""

    codec = serializers.CharField(allow_blank=True)
    bitrate_bps = serializers.IntegerField(allow_null=True)
    sample_rate_hz = serializers.IntegerField(allow_null=True)
    channels = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    size_bytes = serializers.IntegerField()
    loudness_lufs = serializers.FloatField(allow_null=True)
    peak_dbfs = serializers.FloatField(allow_null=True)


class TrackInListOutput(serializers.Serializer):
    """A track in a list."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    artist = serializers.CharField()
    album = serializers.CharField()
    genre = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    visibility = serializers.ChoiceField(Visibility.choices)
    license = serializers.CharField()
    bpm = serializers.FloatField(allow_null=True)
    musical_key = serializers.CharField()
    download = serializers.ChoiceField(DownloadRule.choices)
    status = serializers.ChoiceField(TrackStatus.choices)
    version = serializers.IntegerField(help_text="The number of the active version.")
    duration_ms = serializers.IntegerField(allow_null=True)
    uploader = UploaderOutput()
    stats = StatsOutput()
    artwork_url = serializers.CharField(allow_null=True)
    waveform_url = serializers.CharField(allow_null=True)
    stream_url = serializers.CharField(allow_null=True)
    liked = serializers.BooleanField()
    access = AccessOutput()
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)


class TrackOutput(TrackInListOutput):
    """A track."""

    description = serializers.CharField()
    audio = AudioOutput(allow_null=True)


class StatusErrorOutput(serializers.Serializer):
    """Why it did not become a track."""

    code = serializers.CharField()
    detail = serializers.CharField()
    retryable = serializers.BooleanField()


class StatusOutput(serializers.Serializer):
    """How far the newest version is."""

    status = serializers.ChoiceField(TrackStatus.choices)
    stage = serializers.ChoiceField(Stage.choices)
    progress = serializers.IntegerField()
    error = StatusErrorOutput(allow_null=True)
