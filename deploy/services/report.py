"""What people read: progress, the table of services, and what could not be had."""

import sys
from collections.abc import Sequence

from deploy.services.recipes import Service
from deploy.services.ways import Available, Missing, Outcome


def progress(service: Service, text: str) -> None:
    tell(f"{service.title}: {text}")


def tell(line: str) -> None:
    """To standard error: standard output belongs to `env` and to the command that is run."""
    print(line, file=sys.stderr, flush=True)


def table(outcomes: Sequence[Outcome]) -> list[str]:
    return [_row(outcome) for outcome in outcomes]


def _row(outcome: Outcome) -> str:
    title = f"  {outcome.service.title:<20}"
    if isinstance(outcome, Missing):
        return f"{title}not available"
    return f"{title}{outcome.url}  {outcome.how}"


def farewell(outcomes: Sequence[Outcome]) -> list[str]:
    """What is named at the end: nothing when all could be had."""
    missing = [outcome for outcome in outcomes if isinstance(outcome, Missing)]
    if not missing:
        return []
    lines = ["", "Not everything could be had:"]
    for outcome in missing:
        lines.append(f"  {outcome.service.title}: {'; '.join(outcome.reasons)}")
        lines.append(f"    not run: {outcome.service.suites}")
    return lines


def variables(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """The environment in which the available services are found."""
    return {
        outcome.service.variable: outcome.url
        for outcome in outcomes
        if isinstance(outcome, Available)
    }


def addresses(outcomes: Sequence[Outcome]) -> dict[str, str | None]:
    """By the name of the service; null for one that does not run."""
    return {
        outcome.service.name: outcome.url if isinstance(outcome, Available) else None
        for outcome in outcomes
    }
