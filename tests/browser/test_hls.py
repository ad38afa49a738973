"""What we write for players, played by the published hls.js in a real browser."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests import npm
from tests.browser.test_pages import FLAGS
from tests.browser.test_streams import files
from tests.factories import sound
from tests.patience import PATIENCE_MS
from veza.integrations.media.child import ChildProcessMedia

pytestmark = pytest.mark.needs_browser

HERE = Path(__file__).parent / "player"
SECONDS = 20
LOAD = """level => new Promise((resolve, reject) => {
    window.audio = document.getElementById('audio')
    window.hls = new Hls({ startLevel: level })
    hls.on(Hls.Events.ERROR, (_, told) => reject(new Error(told.details)))
    hls.on(Hls.Events.MANIFEST_PARSED, (_, told) => {
        hls.currentLevel = level
        window.levels = told.levels.map(each => [each.bitrate, each.audioCodec])
    })
    audio.addEventListener('canplaythrough', () => resolve(), { once: true })
    hls.loadSource('hls/master.m3u8')
    hls.attachMedia(audio)
})"""
PLAY_AT = """async second => {
    window.context ??= new AudioContext()
    window.ear ??= (() => {
        const ear = context.createAnalyser()
        ear.fftSize = 8192
        context.createMediaElementSource(audio).connect(ear).connect(context.destination)
        return ear
    })()
    audio.currentTime = second
    await audio.play()
    const wanted = second + 0.5
    while (audio.currentTime < wanted && !audio.ended)
        await new Promise(resolve => audio.addEventListener('timeupdate', resolve, { once: true }))
    const loud = new Float32Array(ear.frequencyBinCount)
    ear.getFloatFrequencyData(loud)
    audio.pause()
    return loud.indexOf(Math.max(...loud)) * context.sampleRate / ear.fftSize
}"""

SWITCH = """async () => {
    const heard = []
    const late = new Promise((_, fail) =>
        setTimeout(() => fail(new Error(`${heard} at ${audio.currentTime}`)), 30000))
    const when = happened => new Promise(done => {
        const look = () => happened() && done()
        audio.addEventListener('timeupdate', look)
        look()
    })
    hls.on(Hls.Events.FRAG_CHANGED, (_, told) => heard.push(told.frag.level))
    const listen = async () => {
        audio.muted = true
        await audio.play()
        for (const level of [2, 1, 0]) {
            hls.currentLevel = level
            await when(() => heard.at(-1) === level)
            const at = audio.currentTime
            await when(() => audio.currentTime > at + 0.5)
        }
        audio.pause()
        return [heard.filter((level, n) => level !== heard[n - 1]), audio.currentTime]
    }
    return Promise.race([listen(), late])
}"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A page with the player, and what was made of 20 seconds of 1 kHz."""
    packages = npm.installed_packages(HERE, "page.html") / "node_modules"
    shutil.copy(packages / "hls.js" / "dist" / "hls.min.js", tmp_path / "hls.js")
    shutil.copy(packages / "waveform-data" / "dist" / "waveform-data.js", tmp_path)
    shutil.copy(HERE / "page.html", tmp_path / "index.html")
    media, song = ChildProcessMedia(), sound.write_tone(tmp_path / "song.wav", seconds=SECONDS)
    (tmp_path / "hls").mkdir()
    media.transcode_hls(song, tmp_path / "hls", lambda _: None)
    (tmp_path / "waveform.json").write_text(json.dumps(media.analyse(song).waveform))
    with files(tmp_path) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"],
            args=[*FLAGS, "--autoplay-policy=no-user-gesture-required"],
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        yield page
        browser.close()


@pytest.mark.parametrize("level", [0, 1, 2])
def test_plays_every_rendition_from_the_start_and_after_seeking(page: Page, level: int) -> None:
    page.evaluate(LOAD, level)

    assert [codec for _, codec in page.evaluate("window.levels")] == ["mp4a.40.2"] * 3
    assert abs(page.evaluate("audio.duration") - SECONDS) < 0.05
    assert page.evaluate("audio.buffered.start(0)") == pytest.approx(0, abs=0.001)
    for second in (0, 11.5, 18):
        assert abs(page.evaluate(PLAY_AT, second) - 1000) < 10


def test_goes_on_while_the_quality_changes(page: Page) -> None:
    page.evaluate(LOAD, 0)
    heard, reached = page.evaluate(SWITCH)

    assert heard[-3:] == [2, 1, 0]
    assert 1.5 < reached < SECONDS


def test_the_waveform_is_read_by_the_library_of_its_makers(page: Page) -> None:
    said = page.evaluate(
        "async () => { const w = WaveformData.create(await (await fetch('waveform.json')).json());"
        " return [w.length, w.duration, w.channels, w.channel(0).max_sample(900)] }"
    )

    assert 1700 < said[0] < 1900
    assert said[1] == pytest.approx(SECONDS, abs=0.05)
    assert said[2:] == [1, 64]
