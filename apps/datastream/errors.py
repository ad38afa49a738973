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
