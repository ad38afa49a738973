"""The published tus-js-client in a real browser: whatever cuts an upload, all of it arrives."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests import npm
from tests.apps.realtime.live import Live, installed
from tests.apps.track.uploads.disk import Disk
from tests.apps.track.uploads.tus import PATH, Tus
from tests.browser.test_pages import FLAGS
from tests.browser.test_streams import files
from tests.faults.rig.proxy import Board, Link
from tests.patience import PATIENCE_MS
from tests.veza.asgi.wire import until

pytestmark = pytest.mark.needs_browser

SDK = Path(__file__).parents[1] / "apps" / "track" / "uploads" / "sdk"
SIZE = 20_000_000
BYTES_PER_S = 4_000_000.0
PAGE = """<!doctype html><title>Upload</title><input type=file><script src=tus.js></script><script>
async function send(endpoint, token, options = {}) {
    window.failures = []
    window.url = ''
    const [file] = document.querySelector('input').files
    const upload = window.upload = new tus.Upload(file, {
        endpoint, headers: { Authorization: `Bearer ${token}` },
        metadata: { filename: file.name, filetype: file.type },
        retryDelays: Array(400).fill(250),
        onSuccess: () => window.url = upload.url,
        // It does not try again by itself while the browser says that it is offline.
        onError: error => {
            window.failures.push(String(error))
            if (navigator.onLine) upload.start()
            else addEventListener('online', () => upload.start(), { once: true })
        },
        ...options,
    })
    const before = await upload.findPreviousUploads()
    if (before.length) upload.resumeFromPreviousUpload(before[0])
    upload.start()
    return before.length
}
</script>"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    settings = {"DJANGO_SETTINGS_MODULE": "veza.settings"}
    with installed(tmp_path_factory.mktemp("uploads"), **settings) as live:
        yield live


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "night train.flac"
    path.write_bytes(os.urandom(SIZE))
    return path


@dataclass
class Tab:
    """A page that uploads over a line of BYTES_PER_S, which can be cut."""

    page: Page
    tus: Tus
    song: Path
    line: Link
    offsets: list[int] = field(default_factory=list)
    """At which this tab has begun to send."""

    def __post_init__(self) -> None:
        self._wire = self.page.context.new_cdp_session(self.page)
        self._wire.send("Network.enable")
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self._note(request.method, request.headers))

    def _note(self, method: str, headers: dict[str, str]) -> None:
        if method == "PATCH":
            self.offsets.append(int(headers["upload-offset"]))

    def lose_the_network(self) -> None:
        """For as long as the client needs to find out. What was cut on a connection that had been
        used before Chromium sends once more by itself, and the server refuses it by its offset.
        """
        before = self.page.evaluate("failures.length")
        self._emulate(is_offline=True)
        self.line.cut(reset=True)
        self.page.wait_for_function("before => failures.length > before", arg=before)
        self._emulate(is_offline=False)

    def _emulate(self, *, is_offline: bool) -> None:
        same = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self._wire.send("Network.emulateNetworkConditions", {"offline": is_offline, **same})

    def send(self, **options: object) -> int:
        """Begin to upload the file; how many uploads of it this browser has begun before."""
        self.page.set_input_files("input", str(self.song))
        endpoint = f"http://127.0.0.1:{self.line.port}{PATH}"
        found: int = self.page.evaluate(
            "asked => send(...asked)", [endpoint, self.tus.account.access, options]
        )
        return found

    def wait_until_sent(self, part: float) -> None:
        """So much more of the file, past the buffers of the browser and over the line."""
        wanted = self.line.carried + SIZE * part
        until(lambda: self.line.carried > wanted)

    def wait_until_done(self) -> str:
        """The path of the upload."""
        self.page.wait_for_function("url !== ''")
        url: str = self.page.evaluate("url")
        return PATH + url.partition(PATH)[2]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        yield browser.new_context()
        browser.close()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of the page, which is of another origin than the platform."""
    package = npm.installed_packages(SDK, "client.mjs") / "node_modules" / "tus-js-client"
    (tmp_path / "tus.js").write_bytes((package / "dist" / "tus.js").read_bytes())
    (tmp_path / "index.html").write_text(PAGE)
    with files(tmp_path) as address:
        yield address


@pytest.fixture
def tus(live: Live) -> Tus:
    return Tus(port=live.web.port, account=live.web.register())


@pytest.fixture
def line(live: Live) -> Iterator[Link]:
    board = Board()
    line = board.link("uploads", live.web.port)
    line.weather.bytes_per_s = BYTES_PER_S
    yield line
    board.close()


@pytest.fixture
def open_tab(
    context: BrowserContext, address: str, tus: Tus, song: Path, line: Link
) -> Callable[[], Tab]:
    def open_tab() -> Tab:
        tab = Tab(context.new_page(), tus, song, line)
        tab.page.goto(address)
        return tab

    return open_tab


def assert_arrived(live: Live, path: str, song: Path) -> None:
    disk = Disk(live=live)
    sent = hashlib.sha256(song.read_bytes()).hexdigest()
    assert hashlib.sha256(disk.content(path)).hexdigest() == sent
    assert len(disk.facts(path)) == 1
    assert disk.staged(path) == []


def test_a_file_arrives_over_a_network_that_goes_and_a_server_that_is_killed(
    live: Live, open_tab: Callable[[], Tab], song: Path
) -> None:
    tab = open_tab()
    tab.send()
    for _ in range(3):
        tab.wait_until_sent(0.15)
        tab.lose_the_network()
    tab.wait_until_sent(0.15)
    live.web.restart(kill=True)

    assert_arrived(live, tab.wait_until_done(), song)
    assert len(tab.offsets) >= 4
    assert tab.offsets == sorted(tab.offsets)
    assert tab.offsets[-1] > SIZE * 0.3, "what had arrived was sent again"


def test_a_page_that_was_loaded_again_goes_on(
    live: Live, open_tab: Callable[[], Tab], tus: Tus, song: Path
) -> None:
    tab = open_tab()
    assert tab.send() == 0
    tab.wait_until_sent(0.4)
    tab.page.reload()
    tab.offsets.clear()

    assert tab.send() == 1
    assert_arrived(live, tab.wait_until_done(), song)
    assert tab.offsets[0] > SIZE // 5
    assert live.query("SELECT count(*) FROM track_upload WHERE user_id = %s", tus.account.id) == [
        (1,)
    ]


def test_two_tabs_with_one_file_end_with_one_upload(
    live: Live, open_tab: Callable[[], Tab], song: Path
) -> None:
    first, second = (open_tab() for _ in range(2))
    first.send()
    first.wait_until_sent(0.2)
    assert second.send() == 1

    path = first.wait_until_done()
    assert second.wait_until_done() == path
    assert_arrived(live, path, song)


def test_what_is_given_up_is_gone(
    live: Live, open_tab: Callable[[], Tab], tus: Tus, song: Path
) -> None:
    tab = open_tab()
    tab.send()
    tab.wait_until_sent(0.3)
    path = PATH + tab.page.evaluate("upload.url").partition(PATH)[2]
    disk = Disk(live=live)
    assert disk.staged(path) != []

    tab.page.evaluate("upload.abort(true)")
    assert tus.ask("HEAD", path).status in (404, 410)
    assert disk.staged(path) == []
    assert tab.send() == 0, "the browser still knows of it"
    assert_arrived(live, tab.wait_until_done(), song)
