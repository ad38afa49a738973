"""FILE_DELIVERY=nginx: the real nginx with our configuration sends what the application allows."""

import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.apps.realtime.live import Account
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until
from tests.veza.serving.own_nginx import shipped
from tests.veza.serving.product import Product, segments

pytestmark = pytest.mark.needs_nginx

ENVIRONMENT = {"FILE_DELIVERY": "nginx", "TRUSTED_PROXIES": "127.0.0.1"}
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def front(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("nginx")
    storage = product.live.folder / "storage"
    with (
        shipped(folder, web_port=product.web.port, storage=storage) as base_url,
        httpx.Client(base_url=base_url, timeout=PATIENCE_S) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def owner(product: Product) -> Account:
    return product.web.register()


@pytest.fixture(scope="module")
def public(product: Product, owner: Account) -> dict:
    return product.track(owner)


@pytest.fixture(scope="module")
def private(product: Product, owner: Account) -> dict:
    return product.track(owner, visibility="private")


def local(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def segment_of(front: httpx.Client, track: dict) -> str:
    """The address of a segment, found as a player does."""
    master = local(track["stream_url"])
    media = urljoin(master, segments(front.get(master))[0])
    return urljoin(media, segments(front.get(media))[1])


def stored_at(product: Product, path: str) -> Path:
    """Where the file of this address lies in the storage."""
    name = path.partition("/stream/")[2].partition("?")[0]
    track_id = path.split("/")[4]
    [(prefix,)] = product.live.query(
        "SELECT hls_prefix FROM track_trackversion WHERE track_id = %s", track_id
    )
    return Path(product.live.folder, "storage", prefix, name)


def stored(product: Product, path: str) -> bytes:
    return stored_at(product, path).read_bytes()


def test_segment_is_sent_by_nginx_as_the_application_says(front, product, public) -> None:
    path = segment_of(front, public)

    answer = front.get(path, headers={"Origin": "http://localhost:3000"})

    assert answer.content == stored(product, path)
    assert answer.headers["Content-Type"] == "audio/mp4"
    assert answer.headers["Cache-Control"] == FOREVER
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert answer.headers["X-Request-ID"]
    assert "X-Accel-Redirect" not in answer.headers
    # It is nginx that reads the file: the application's own answer has no content.
    direct = httpx.get(f"{product.web.base_url}{path}")
    assert (direct.content, direct.headers["X-Accel-Redirect"][:8]) == (b"", "/_files/")


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-3", slice(0, 4)), ("bytes=10-", slice(10, None)), ("bytes=-5", slice(-5, None))],
)
def test_ranges(front, product, public, asked, part) -> None:
    path = segment_of(front, public)
    whole = stored(product, path)

    answer = front.get(path, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, whole[part])
    assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")
    assert answer.headers["Cache-Control"] == FOREVER


def test_range_behind_the_end(front, product, public) -> None:
    path = segment_of(front, public)

    answer = front.get(path, headers={"Range": "bytes=99999999-"})

    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "immutable" not in answer.headers.get("Cache-Control", "")


@pytest.mark.parametrize("asked", ["bytes=3-1", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b"])
def test_range_that_is_none_is_answered_with_the_whole(front, product, public, asked) -> None:
    path = segment_of(front, public)

    answer = front.get(path, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, stored(product, path))


def test_rest_of_a_file_that_is_still_the_same(front, product, public) -> None:
    path = segment_of(front, public)
    etag = front.head(path).headers["ETag"]

    rest = front.get(path, headers={"Range": "bytes=10-", "If-Range": etag})
    other = front.get(path, headers={"Range": "bytes=10-", "If-Range": '"other"'})

    assert (rest.status_code, rest.content) == (206, stored(product, path)[10:])
    assert (other.status_code, other.content) == (200, stored(product, path))


def test_head_and_conditions(front, product, public) -> None:
    path = segment_of(front, public)

    head = front.head(path)
    same = front.get(path, headers={"If-None-Match": head.headers["ETag"]})
    since = front.get(path, headers={"If-Modified-Since": head.headers["Last-Modified"]})

    assert head.status_code == 200
    assert int(head.headers["Content-Length"]) == len(stored(product, path))
    assert head.content == b""
    assert [(each.status_code, each.content) for each in (same, since)] == [(304, b"")] * 2


def test_playlist_is_ours_and_the_waveform_handed_over(front, public) -> None:
    master = front.get(local(public["stream_url"]))
    waveform = front.get(local(public["waveform_url"]))

    assert master.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert waveform.json()["version"] == 2
    assert waveform.headers["Content-Type"] == "application/json"
    assert waveform.headers["Cache-Control"] == "public, max-age=300"


def test_private_track_needs_its_signature(front, private) -> None:
    path = segment_of(front, private)
    bare, _, query = path.partition("?")

    good = front.get(path)
    without, forged = front.get(bare), front.get(f"{bare}?{query[:-1]}x")
    expired = front.get(bare + "?expires=1000000000&" + query.partition("&")[2])

    assert (good.status_code, good.headers["Cache-Control"][:16]) == (200, "private, max-age")
    assert without.status_code == 404
    assert [each.status_code for each in (forged, expired)] == [404, 404]
    for refused in (without, forged, expired):
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert good.content not in refused.content


def test_download_has_its_name(front, owner, public) -> None:
    to = front.get(f"/api/v1/tracks/{public['id']}/download", headers=owner.headers)

    answer = front.get(local(to.headers["Location"]))

    assert (to.status_code, answer.status_code, answer.content[:4]) == (302, 200, b"RIFF")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="first light.wav"'
    assert answer.headers["Cache-Control"].startswith("private, max-age=")


@pytest.mark.parametrize(
    "path",
    ["/_files/{key}", "/_files/../{key}", "//_files/{key}", "/%5ffiles/{key}", "/_files/",
     "/_files/.uploads/x", "/x/../_files/{key}"],
)  # fmt: skip
def test_nobody_asks_nginx_for_files_directly(front, product, public, path) -> None:
    [(key,)] = product.live.query(
        "SELECT source_key FROM track_trackversion WHERE track_id = %s", public["id"]
    )

    answer = front.get(path.format(key=key), headers={"X-Accel-Redirect": f"/_files/{key}"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_file_that_is_gone_is_told_as_always(front, product, owner) -> None:
    track = product.track(owner)
    path = segment_of(front, track)
    stored_at(product, path).unlink()

    answer = front.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


def silently(
    product: Product, front: httpx.Client, paths: list[str]
) -> tuple[httpx.Response, list[httpx.Response]]:
    """The answer to the first of these, and then those to all while the application is frozen. What
    it said holds for seconds: a machine that takes longer tries again.
    """
    assert product.web.process
    for _ in range(10):
        first = front.get(paths[0])
        product.web.process.send_signal(signal.SIGSTOP)
        try:
            return first, [front.get(path, timeout=3) for path in paths]
        except httpx.ReadTimeout:
            continue
        finally:
            product.web.process.send_signal(signal.SIGCONT)
    raise AssertionError("nginx asks the application each time")


class TestSegments:
    """One answer of the application for all segments of a track, in a few seconds."""

    @pytest.mark.parametrize("visibility", ["public", "private"])
    def test_are_found_by_nginx_alone(self, front, product, request, visibility) -> None:
        path = segment_of(front, request.getfixturevalue(visibility))
        first, (again, other) = silently(
            product, front, [path, path.replace("00000.m4s", "init.mp4")]
        )

        assert (again.status_code, again.content) == (200, first.content)
        assert (other.status_code, other.content[4:8]) == (200, b"ftyp")
        for name in ("Content-Type", "Cache-Control", "Content-Security-Policy", "ETag"):
            assert again.headers[name] == first.headers[name]
        assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]

    def test_no_way_of_writing_an_address_opens_it_to_others(self, front, private) -> None:
        path = segment_of(front, private)
        bare = path.partition("?")[0]

        assert front.get(path.replace("signature", "%73ignature")).status_code == 200
        assert front.get(path + "&expires=").status_code == 404
        assert front.get(path.replace("?", "?signature=&")).status_code == 200
        for asked in (bare, f"{bare}?signature=", f"{bare}?x=1"):
            assert front.get(asked).status_code == 404

    def test_end_with_the_right_to_hear_them(self, front, product, owner) -> None:
        track = product.track(owner)
        path = segment_of(front, track)
        assert front.get(path).status_code == 200
        address = f"/api/v1/tracks/{track['id']}"

        product.web.call("PATCH", address, headers=owner.headers, json={"visibility": "private"})
        until(lambda: front.get(path).status_code == 404, timeout_s=7)

        product.web.call("PATCH", address, headers=owner.headers, json={"visibility": "public"})
        assert front.get(path).status_code == 200
        product.web.call("DELETE", address, headers=owner.headers)
        until(lambda: front.get(path).status_code == 404, timeout_s=7)

    def test_of_a_caller_are_not_for_others(self, front, owner, private) -> None:
        bare = segment_of(front, private).partition("?")[0]

        assert front.get(bare, headers=owner.headers).status_code == 200
        assert front.get(bare).status_code == 404


def test_nobody_from_outside_reaches_what_is_internal(front) -> None:
    """nginx itself says so: the application would answer 401."""
    for path in ("/api/v1/internal/chat/introspect", "/api/v1//internal/chat/introspect"):
        answer = front.post(path, json={"token": "x"})

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
