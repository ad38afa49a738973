"""What can go wrong with data streams, by the codes that clients see."""

from veza.kit.errors import NotFoundError


class MetricNotFoundError(NotFoundError):
    """There is no metric with this id."""

    code = "metric_not_found"
    message = "There is no such metric."


class PriceNotFoundError(NotFoundError):
    """Nobody has told a price of this instrument lately."""

    code = "price_not_found"
    message = "price not found"


class GameNotFoundError(NotFoundError):
    """There is no game with this slug."""

    code = "game_not_found"

    def __init__(self, slug: str) -> None:
        super().__init__(f"game '{slug}' not found")


class GameTypeNotFoundError(NotFoundError):
    """There is no game of this type."""

    code = "game_type_not_found"

    def __init__(self, game_type: str) -> None:
        super().__init__(f"game type '{game_type}' not found")


class RoundNotFoundError(NotFoundError):
    """The game has no round yet."""

    code = "round_not_found"
    message = "round not found"
