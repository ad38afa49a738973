"""What can go wrong with uploads."""

from veza.kit.errors import (
    ChecksumError,
    ConflictError,
    FieldError,
    GoneError,
    InvalidError,
    LockedError,
    MediaTypeError,
    NotFoundError,
    PreconditionError,
    TooLargeError,
)


class TusVersionError(PreconditionError):
    """The header Tus-Resumable is missing, or names another version."""

    code = "tus_version_unsupported"
    message = "Send the header Tus-Resumable: 1.0.0."


class UploadHeaderError(InvalidError):
    """A header of the protocol does not have its form; `fields` names it."""

    def __init__(self, header: str, detail: str) -> None:
        super().__init__(detail, fields=[FieldError(field=header, code="invalid", detail=detail)])


class UploadMediaTypeError(MediaTypeError):
    """Bytes of an upload have one type, whatever they are."""

    message = "Send the bytes as application/offset+octet-stream."


class UploadNotFoundError(NotFoundError):
    """There is none, or it is somebody else's."""

    code = "upload_not_found"
    message = "There is no such upload."


class UploadExpiredError(GoneError):
    """Its time was over before it was finished, or before a track was made of it."""

    code = "upload_expired"
    message = "The upload has expired. Begin a new one."


class UploadOffsetError(ConflictError):
    """The bytes do not begin where the stored ones end."""

    code = "upload_offset_conflict"
    message = "The upload is at another offset. Ask for it with HEAD."


class UploadLockedError(LockedError):
    """Another request is writing to it, and its bytes keep coming."""

    code = "upload_locked"
    message = "Another request is writing to this upload."


class UploadInterruptedError(LockedError):
    """This request was writing, and had to give way; what had arrived is kept."""

    code = "upload_interrupted"
    message = "Another request has taken this upload over."


class UploadTooLargeError(TooLargeError):
    """The upload is to be larger than is taken."""

    code = "upload_too_large"
    message = "The upload is larger than this server takes."


class UploadExceededError(TooLargeError):
    """More bytes come than were announced."""

    code = "upload_length_exceeded"
    message = "There are more bytes than the Upload-Length says."


class UploadQuotaError(TooLargeError):
    """What the user has sent and no track was made of yet comes to more than he may have at a
    time.
    """

    code = "upload_quota_exceeded"
    message = (
        "What you have sent and is no track yet takes all of your space. Wait, or delete uploads."
    )


class UploadChecksumError(ChecksumError):
    """The chunk was changed on its way; nothing of it is kept."""

    message = "The bytes do not have the checksum of Upload-Checksum."


class UploadUnknownError(InvalidError):
    """A track cannot be made of it: there is none, it is somebody else's, or it has expired."""

    def __init__(self) -> None:
        detail = UploadNotFoundError.message
        super().__init__(
            fields=[FieldError(field="upload_id", code=UploadNotFoundError.code, detail=detail)]
        )


class UploadEmptyError(InvalidError):
    """A track cannot be made of no bytes."""

    code = "upload_empty"
    message = "The upload is empty."

    def __init__(self) -> None:
        super().__init__(
            fields=[FieldError(field="upload_id", code=self.code, detail=self.message)]
        )


class UploadIncompleteError(ConflictError):
    """Not all of its bytes have arrived."""

    code = "upload_incomplete"
    message = "The upload is not complete yet."


class DirectUploadUnavailableError(ConflictError):
    """Files of this installation do not lie in a bucket."""

    code = "direct_upload_unavailable"
    message = "This server takes no direct uploads. Use the resumable upload."


class UploadDirectError(ConflictError):
    """Its bytes go to the storage, not to us."""

    code = "upload_direct"
    message = "Send the parts of this upload to the addresses that you were given."


class UploadNotDirectError(ConflictError):
    """Its bytes come to us, and it is whole with the last of them."""

    code = "upload_not_direct"
    message = "This upload has no parts to be put together."


class UploadPartsError(InvalidError):
    """What the sender says of his parts is not what the storage has."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            fields=[FieldError(field="parts", code="upload_parts_mismatch", detail=detail)]
        )


class UploadUsedError(ConflictError):
    """It belongs to a track already."""

    code = "upload_used"
    message = "A track was made of this upload already."
