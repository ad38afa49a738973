"""Why the platform cannot be started here, in one sentence for whoever typed the command."""

import errno
from pathlib import Path


class EmbeddedError(Exception):
    """The message is one sentence that says what to do."""


def disk_error(error: OSError, data_dir: Path) -> EmbeddedError:
    """What to tell when `data_dir` cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(data_dir)
    return EmbeddedError(
        f"{data_dir} cannot be written ({error.strerror}): "
        "make it writable, or choose another place with VEZA_DATA_DIR."
    )


def disk_full(data_dir: Path) -> EmbeddedError:
    return EmbeddedError(
        f"The disk that holds {data_dir} is full: "
        "free some space, or choose another place with VEZA_DATA_DIR."
    )
