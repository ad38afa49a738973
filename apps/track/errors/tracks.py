"""What can go wrong with tracks, by the codes that clients see."""

from veza.kit.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
)


class TrackNotFoundError(NotFoundError):
    """There is no such track, or the caller may not see it."""

    code = "track_not_found"
    message = "There is no such track."


class TrackNotReadyError(ConflictError):
    """It is still being made, or could not be made."""

    code = "track_not_ready"
    message = "This track is not ready."


class VersionNotFoundError(NotFoundError):
    """The track has no such version."""

    code = "version_not_found"
    message = "This track has no such version."


class VersionNotReadyError(ConflictError):
    """It is still being made, or could not be made."""

    code = "version_not_ready"
    message = "This version is not ready."


class StaleVersionError(ConflictError):
    """The stream server reports on a version after which a newer one was asked for."""

    code = "stale_version"
    message = "A newer version of this track is the active job."


class JobUnknownError(ConflictError):
    """The stream server reports on a version that it was not asked for."""

    code = "job_unknown"
    message = "The stream server was not asked for this version."


class StreamReportInvalidError(InvalidError):
    """The report lacks something; `fields` says what."""


class PurchaseRequiredError(ForbiddenError):
    """It is for sale, the caller has not bought it, and there is no preview."""

    code = "purchase_required"
    message = "This track has to be bought before it can be heard."


class VersionEndedError(ConflictError):
    """Trying again cannot help: the file itself was refused, or the version can be heard."""

    code = "version_ended"
    message = "Only what failed or is still being made can be tried again."


class TrackFileMissingError(InvalidError):
    """Neither a file nor an upload came with it."""

    def __init__(self) -> None:
        detail = "Send a file, or the `upload_id` of one."
        super().__init__(fields=[FieldError(field="file", code="required", detail=detail)])


class TrackFilesTwoError(InvalidError):
    """A file and an upload came with it: it is made of one."""

    def __init__(self) -> None:
        detail = "Send a file or the `upload_id` of one, not both."
        super().__init__(fields=[FieldError(field="upload_id", code="invalid", detail=detail)])


class TrackTooLargeError(TooLargeError):
    """More than may be sent at once; the resumable upload takes more."""

    code = "track_too_large"
    message = "Send files above 100 MiB by the resumable upload."


class DownloadForbiddenError(ForbiddenError):
    """Its owner does not let everyone download it."""

    code = "download_not_allowed"
    message = "This track may be heard, not downloaded."


class LinkInvalidError(NotFoundError):
    """The signature of an address does not fit, or its time is over."""

    code = "track_not_found"
    message = "There is no such track."
