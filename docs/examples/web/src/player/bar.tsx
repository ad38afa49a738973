import { Cover } from "../parts/cover";
import { clock } from "../parts/format";
import { Icon } from "../parts/icon";
import { LikeButton } from "../parts/like-button";
import { artistOf } from "../parts/track-row";
import { Link } from "../router";
import { useStore } from "../store";
import { playing, progress, seek, setLevel, setVolume, skip, toggle } from "./player";

/** What plays, at the foot of every view. */
export function PlayerBar() {
  const now = useStore(playing);
  if (!now.track) return null;
  const { track, isPlaying, isWaiting } = now;
  return (
    <section className="player" aria-label="Player" data-waiting={isWaiting || undefined}>
      <div className="what">
        <Cover id={track.id} url={track.artwork_url} />
        <div className="names">
          <Link to={`/tracks/${track.id}`} className="title">{track.title}</Link>
          <span className="quiet">{artistOf(track)}</span>
        </div>
        <LikeButton track={track} echo />
      </div>
      <div className="transport">
        <button type="button" className="bare" aria-label="Previous" onClick={() => skip(-1)}><Icon name="previous" /></button>
        <button type="button" className="play" aria-label={isPlaying ? "Pause" : "Play"} onClick={toggle}><Icon name={isPlaying ? "pause" : "play"} /></button>
        <button type="button" className="bare" aria-label="Next" onClick={() => skip(1)}><Icon name="next" /></button>
        <Slider />
      </div>
      <div className="extras">
        {now.levels.length > 1 ? <Quality /> : null}
        <Icon name="volume" />
        <input type="range" aria-label="Volume" min={0} max={1} step={0.05} value={now.volume} onChange={(event) => setVolume(Number(event.target.value))} />
      </div>
    </section>
  );
}

function Slider() {
  const { at, of } = useStore(progress);
  return (
    <div className="slider">
      <span className="number">{clock(at * 1000)}</span>
      <input
        type="range" aria-label="Position" aria-valuetext={`${clock(at * 1000)} of ${clock(of * 1000)}`}
        min={0} max={of || 1} step={0.1} value={Math.min(at, of)} onChange={(event) => seek(Number(event.target.value))}
      />
      <span className="number">{clock(of * 1000)}</span>
    </div>
  );
}

const NAMES = ["Low,", "Medium,", "High,"];

/** Which rendition is heard. */
export function Quality() {
  const { levels, level } = useStore(playing);
  return (
    <select aria-label="Quality" value={level} onChange={(event) => setLevel(Number(event.target.value))}>
      <option value={-1}>Auto</option>
      {levels.map((bitrate, n) => <option key={bitrate} value={n}>{NAMES[n] ?? ""} {Math.round(bitrate / 1000)} kbit/s</option>)}
    </select>
  );
}
