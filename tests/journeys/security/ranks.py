"""Whether two samples come from one distribution."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate


def mann_whitney_p(left: Sequence[float], right: Sequence[float]) -> float:
    """The two-sided p-value of Mann and Whitney's U, by the normal approximation, ties counted."""
    counts = Counter([*left, *right])
    values, total = sorted(counts), len(left) + len(right)
    ends = dict(zip(values, accumulate(counts[value] for value in values), strict=True))
    ranks = {value: ends[value] - (counts[value] - 1) / 2 for value in values}
    u = sum(ranks[value] for value in left) - len(left) * (len(left) + 1) / 2
    ties = sum(count**3 - count for count in counts.values()) / (total * (total - 1))
    spread = math.sqrt(len(left) * len(right) / 12 * (total + 1 - ties))
    if spread == 0:
        return 1.0
    distance = max(0.0, abs(u - len(left) * len(right) / 2) - 0.5)
    return math.erfc(distance / spread / math.sqrt(2))
