"""The same answers as of the views beside this, out of memory: see docs/adr/0037."""

import re
from collections.abc import Callable
from functools import lru_cache, partial

from apps.datastream.api.serializers.games import DEFAULT_LIMIT, MAX_LIMIT
from apps.datastream.api.views.games import link_to, page_of_all_games
from apps.datastream.rules.instruments import is_instrument
from apps.datastream.rules.pages import RoundPage, page_json
from apps.datastream.rules.rounds import WORD
from apps.datastream.selectors import instruments
from apps.datastream.selectors.held import RoundsInMemory, ValuesInMemory
from veza.kit.api.etags import etag_of
from veza.kit.api.hot import Body, HotReads, Known, route_of
from veza.kit.api.renderers import JSONRenderer
from veza.kit.asgi.refusals import Scope

PREFIXES = ("/api/v1/games", "/api/v1/game-types/", "/api/v1/instruments")
GAMES_EVERY_S, GAMES_GOOD_S = 0.25, 1.0
PRICES_EVERY_S, PRICES_GOOD_S = 0.05, 0.25
ALL = ""
_ROUNDS = re.compile(rf"/api/v1/(games|game-types)/({WORD})/rounds")
_LATEST = re.compile(rf"/api/v1/games/({WORD})/rounds/latest")
_PRICE = re.compile(r"/api/v1/instruments/(.+)/price")
_LIMIT = re.compile(r"(?:limit=([1-9][0-9]{0,3}))?")
_DOTS = re.compile(r"/\.{1,2}/|//")


class HeldAnswers:
    """A Source (veza.kit.api.hot)."""

    def __init__(self) -> None:
        self._rounds = RoundsInMemory()
        self._games = ValuesInMemory(_read_games, every_s=GAMES_EVERY_S, good_s=GAMES_GOOD_S)
        self._prices = ValuesInMemory(_read_prices, every_s=PRICES_EVERY_S, good_s=PRICES_GOOD_S)

    def known(self, path: str, query: str) -> Known | None:
        if _DOTS.search(path):  # links would be written otherwise
            return None
        if match := _ROUNDS.fullmatch(path):
            return self._page(path, query, name=match[2], is_type=match[1] == "game-types")
        if query:
            return None
        if match := _LATEST.fullmatch(path):
            return _known(path, partial(self._latest, match[1]), self._rounds.warm, match[1])
        if path == "/api/v1/games":
            return _known(path, partial(_value, self._games, ALL), self._games.warm, ALL)
        return self._price(path)

    def _page(self, path: str, query: str, *, name: str, is_type: bool) -> Known | None:
        match = _LIMIT.fullmatch(query)
        limit = int(match[1] or DEFAULT_LIMIT) if match else 0
        if not 1 <= limit <= MAX_LIMIT:
            return None
        of = f"game-type:{name}" if is_type else f"game:{name}"
        key = f"type:{name}" if is_type else name
        return _known(path, partial(self._rounds_of, key, path, of, limit), self._rounds.warm, key)

    def _price(self, path: str) -> Known | None:
        match = _PRICE.fullmatch(path)
        name = match[1] if match else ALL
        if path != "/api/v1/instruments" and not (match and is_instrument(name)):
            return None
        find = _value if name == ALL else _tagged_value
        return _known(path, partial(find, self._prices, name), self._prices.warm, name)

    def _latest(self, slug: str, _base: str) -> Body | None:
        found = self._rounds.find(slug)
        if found is None:
            return None
        held, made = found
        body = made.get(None)
        if not isinstance(body, Body):
            document = held.latest()
            if document is None:
                return None
            body = made[None] = Body(document, etag_of(document))
        return body

    def _rounds_of(self, key: str, path: str, of: str, limit: int, base: str) -> Body | None:
        found = self._rounds.find(key)
        if found is None:
            return None
        held, made = found
        body = made.get((limit, base))
        if not isinstance(body, Body):
            rounds = held.newest(limit + 1)
            if not rounds:
                return None
            page = RoundPage(rounds[:limit], has_older=len(rounds) > limit, has_newer=False)
            content = page_json(page, lambda edge: base + link_to(path, edge, of=of, limit=limit))
            body = made[limit, base] = Body(content, etag_of(content))
        return body


def _known(
    path: str, find: Callable[[str], Body | None], warm: Callable[[str], None], name: str
) -> Known:
    return Known(route_of(path), find, partial(warm, name))


def _value(values: ValuesInMemory, name: str, _base: str) -> Body | None:
    content = values.find(name)
    return None if content is None else Body(content)


def _tagged_value(values: ValuesInMemory, name: str, _base: str) -> Body | None:
    content = values.find(name)
    return None if content is None else _tagged(content)


@lru_cache(maxsize=1024)
def _tagged(content: bytes) -> Body:
    return Body(content, etag_of(content))


def _read_games(names: list[str]) -> dict[str, bytes]:
    page = page_of_all_games()
    return {} if page is None else {ALL: JSONRenderer().render(page)}


def _read_prices(names: list[str]) -> dict[str, bytes]:
    """Raises RoomStateUnavailableError."""
    render = JSONRenderer().render
    found = {
        name: render(price)
        for name, price in instruments.get_prices([each for each in names if each != ALL]).items()
    }
    return found | ({ALL: render(instruments.list_prices())} if ALL in names else {})


def is_hot(scope: Scope) -> bool:
    """Whether the answer may be one that is held."""
    path: str = scope["path"]
    return path.startswith(PREFIXES)


def hot_reads() -> HotReads:
    """What answers for this process; made on its loop."""
    return HotReads(HeldAnswers())
