"""What ends the making of a track."""


class RejectedError(Exception):
    """The file becomes no track. `code` and `detail` are told to its owner; `found`, such as the
    name of a virus, to operators alone.
    """

    def __init__(self, code: str, detail: str, *, found: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.found = code, detail, found
