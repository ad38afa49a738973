"""The ways to a service, in their order; the first that works is taken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.services import apt, compose, instances
from deploy.services.recipes import Recipe, Service
from deploy.services.wire import State


@dataclass(frozen=True, kw_only=True)
class Context:
    """What all ways need to know."""

    root: Path
    environ: Mapping[str, str]
    database: str
    say: Callable[[str], None]


@dataclass(frozen=True)
class Available:
    """The service can be used at `url`."""

    service: Service
    url: str
    how: str


@dataclass(frozen=True)
class Missing:
    """The service cannot be had; `reasons` has a phrase for each way that was tried."""

    service: Service
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class NotThisWay:
    """Why a way does not lead to the service."""

    reason: str


Outcome = Available | Missing
Way = Callable[[Service, Context], Available | NotThisWay]


def listening(service: Service, context: Context) -> Available | NotThisWay:
    """What listens at the URL in the environment, else at the default port."""
    configured = context.environ.get(service.variable, "")
    url = configured or service.url_at(service.port, database=context.database)
    place = service.variable if configured else f"port {service.port}"
    finding = service.probe(url)
    if finding.is_usable:
        return Available(service, url, f"runs already at {place}")
    if finding.state is State.TAKEN:
        return NotThisWay(f"{place}: PORT-TAKEN, {finding.detail}")
    if finding.state is State.REFUSED:
        return NotThisWay(f"{place}: not usable, {finding.detail}")
    return NotThisWay(f"{place}: {finding.detail}")


def installed(service: Service, context: Context) -> Available | NotThisWay:
    """An instance of our own, of a program that is installed."""
    recipe = service.installed()
    if recipe is None:
        return NotThisWay("it is not installed")
    return _own_instance(service, recipe, context)


def wheel(service: Service, context: Context) -> Available | NotThisWay:
    """An instance of our own, of the program inside a Python wheel."""
    recipe = service.wheel()
    if recipe is None:
        return NotThisWay("no wheel holds it")
    return _own_instance(service, recipe, context)


def _own_instance(service: Service, recipe: Recipe, context: Context) -> Available | NotThisWay:
    try:
        port = instances.obtain(context.root, service=service, recipe=recipe, say=context.say)
    except instances.StartError as error:
        return NotThisWay(f"{recipe.origin}: {error}")
    url = service.url_at(port, database=context.database)
    return Available(service, url, f"our own instance ({recipe.origin})")


def apt_get(service: Service, context: Context) -> Available | NotThisWay:
    """Install the package, then as `installed`."""
    if service.installed():
        return NotThisWay("")
    refusal = _install_package(service, context)
    return refusal or installed(service, context)


def program(service: Service, context: Context) -> Available | NotThisWay:
    """A program on the PATH."""
    path = service.program() if service.program else None
    return Available(service, path, "installed") if path else NotThisWay("it is not installed")


def apt_get_program(service: Service, context: Context) -> Available | NotThisWay:
    """Install the package, then as `program`."""
    return _install_package(service, context) or program(service, context)


def _install_package(service: Service, context: Context) -> NotThisWay | None:
    if reason := apt.why_not():
        return NotThisWay(reason)
    if not service.packages:
        return NotThisWay("")
    context.say(f"apt-get install {' '.join(service.packages)} ...")
    try:
        apt.install(service.packages)
    except apt.InstallError as error:
        return NotThisWay(f"apt-get: {error}")
    return None


def docker_compose(service: Service, context: Context) -> Available | NotThisWay:
    """A container."""
    if reason := compose.why_not():
        return NotThisWay(reason)
    context.say("starting a container ...")
    try:
        port = compose.start(context.root, name=service.name, port=service.port)
    except compose.ComposeError as error:
        return NotThisWay(f"docker compose: {error}")
    return Available(service, service.url_at(port, database=context.database), "a container")


ORDER: tuple[Way, ...] = (listening, installed, wheel, apt_get, docker_compose)
PROGRAM_ORDER: tuple[Way, ...] = (program, apt_get_program)


def obtain(service: Service, context: Context, *, order: Sequence[Way] = ORDER) -> Outcome:
    """Try the ways one after another, and remember why each of them failed."""
    reasons: list[str] = []
    for way in order:
        result = way(service, context)
        if isinstance(result, Available):
            return result
        if result.reason:
            reasons.append(result.reason)
        if "PORT-TAKEN" in result.reason or "not usable" in result.reason:
            context.say(result.reason)
    return Missing(service, tuple(reasons))


def running(service: Service, context: Context) -> Available | NotThisWay:
    """An instance of our own that is up already, whatever program it is."""
    for recipe in (service.installed(), service.wheel()):
        if recipe and isinstance(found := _running(service, recipe, context), Available):
            return found
    return NotThisWay("no instance of ours runs")


def running_wheel(service: Service, context: Context) -> Available | NotThisWay:
    """The same, of the wheel's program only."""
    recipe = service.wheel()
    return _running(service, recipe, context) if recipe else NotThisWay("no wheel holds it")


def _running(service: Service, recipe: Recipe, context: Context) -> Available | NotThisWay:
    instance = instances.find(context.root, recipe.name)
    if instance is None:
        return NotThisWay("no instance of ours runs")
    url = service.url_at(instance.port, database=context.database)
    return Available(service, url, f"our own instance ({recipe.origin})")
