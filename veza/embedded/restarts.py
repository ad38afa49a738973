"""When something that died is started again. Pure: no clock, no processes, no chance."""

from dataclasses import dataclass, replace

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0
DOUBLINGS = 10  # more would only overflow
HEALTHY_AFTER_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Restarts:
    """What a child's past says about its next start; `deaths` counts those in close succession."""

    deaths: int = 0

    def after_death(self, *, lived_s: float) -> "Restarts":
        """The count after one more death; a life of a minute makes the earlier ones forgotten."""
        return replace(self, deaths=1 if lived_s >= HEALTHY_AFTER_S else self.deaths + 1)

    def wait_s(self, *, chance: float) -> float:
        """How long to wait before the next start: it doubles with each death up to 30 s.

        `chance`, from 0 to 1, spreads it over the upper half, so that children that died of one
        cause do not return all at once.
        """
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self.deaths - 1, DOUBLINGS))
        return longest * (0.5 + chance / 2)
