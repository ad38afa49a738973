import { type FormEvent, type ReactNode, useEffect, useRef } from "react";

import { session } from "./api/session";
import { link } from "./live/connection";
import { dismiss, notices } from "./notices";
import { Activity } from "./pages/activity";
import { Front } from "./pages/front";
import { Games } from "./pages/games";
import { Library } from "./pages/library";
import { Person } from "./pages/person";
import { PlaylistPage } from "./pages/playlist";
import { Playlists } from "./pages/playlists";
import { Search } from "./pages/search";
import { Settings } from "./pages/settings";
import { SignIn } from "./pages/sign-in";
import { SignUp } from "./pages/sign-up";
import { TrackPage } from "./pages/track";
import { UploadPage } from "./pages/upload";
import { Icon, type IconName } from "./parts/icon";
import { StepUp } from "./parts/step-up";
import { PlayerBar } from "./player/bar";
import { go, Link, match, usePath, useQuery } from "./router";
import { useStore } from "./store";

type View = (found: Record<string, string>) => ReactNode;

/** Every address. The server answers each of them with this page: CLIENT_PATHS in veza/pages/client.py. */
const VIEWS: [pattern: string, view: View, needsAccount?: boolean][] = [
  ["/", () => <Front />],
  ["/search", () => <Search />],
  ["/sign-in", () => <SignIn />],
  ["/sign-up", () => <SignUp />],
  ["/library", () => <Library />, true],
  ["/upload", () => <UploadPage />, true],
  ["/settings", () => <Settings />, true],
  ["/playlists", () => <Playlists />],
  ["/playlists/:id", ({ id }) => <PlaylistPage key={id} id={id!} />],
  ["/tracks/:id", ({ id }) => <TrackPage key={id} id={id!} />],
  ["/people/:username", ({ username }) => <Person key={username} username={username!} />],
  ["/activity", () => <Activity />],
  ["/games", () => <Games />],
];

const PLACES: [to: string, icon: IconName, name: string, needsAccount?: boolean][] = [
  ["/", "home", "Listen"],
  ["/library", "library", "My tracks", true],
  ["/upload", "upload", "Upload", true],
  ["/playlists", "list", "Playlists"],
  ["/activity", "pulse", "Activity"],
  ["/games", "dice", "Games"],
];

export function App() {
  return (
    <>
      <a className="skip" href="#main">Skip to the content</a>
      <Top />
      <Places />
      <LinkState />
      <Main />
      <Notices />
      <StepUp />
      <PlayerBar />
    </>
  );
}

function Main() {
  const path = usePath();
  const now = useStore(session);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const [found, view, needsAccount] = find(path);
  const isBarred = needsAccount && !now;

  useEffect(() => {
    if (isBarred) go(`/sign-in?next=${encodeURIComponent(path)}`, { replace: true });
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path, isBarred]);

  return (
    <main id="main" ref={main} tabIndex={-1}>
      {isBarred ? null : view(found)}
    </main>
  );
}

function find(path: string): [Record<string, string>, View, boolean | undefined] {
  for (const [pattern, view, needsAccount] of VIEWS) {
    const found = match(pattern, path);
    if (found) return [found, view, needsAccount];
  }
  return [{}, () => <><h1>Nothing here</h1><p><Link to="/">To the front page</Link></p></>, false];
}

function Top() {
  const now = useStore(session);
  const query = useQuery();
  const search = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const words = String(new FormData(event.currentTarget).get("q")).trim();
    go(`/search?q=${encodeURIComponent(words)}`);
  };
  return (
    <header className="top">
      <Link to="/" className="brand"><img src="/static/veza/icon.svg" alt="" width="28" height="28" />Veza</Link>
      <form role="search" onSubmit={search}>
        <Icon name="search" />
        <input key={query.get("q")} type="search" name="q" defaultValue={query.get("q") ?? ""} maxLength={200} placeholder="Tracks, people, playlists" aria-label="Search" />
      </form>
      {now ? (
        <Link to="/settings" className="button second" aria-label={`Settings of ${now.user.display_name || now.user.username}`}><Icon name="settings" /><span>{now.user.display_name || now.user.username}</span></Link>
      ) : (
        <Link to="/sign-in" className="button">Sign in</Link>
      )}
    </header>
  );
}

function Places() {
  const now = useStore(session);
  return (
    <nav className="places" aria-label="Main">
      {PLACES.filter(([, , , needsAccount]) => now || !needsAccount).map(([to, icon, name]) => (
        <Link key={to} to={to}><Icon name={icon} /><span>{name}</span></Link>
      ))}
    </nav>
  );
}

/** Says when live changes stop coming, and when they are back. */
function LinkState() {
  const now = useStore(link);
  if (now === "lost")
    return <p className="link-state" role="status">The connection was lost. Trying again; what you miss will be shown then.</p>;
  if (now === "stopped")
    return <p className="link-state" role="status">This tab follows no changes any more. <button type="button" className="bare" onClick={() => location.reload()}>Reload</button></p>;
  return null;
}

function Notices() {
  const now = useStore(notices);
  return (
    <div className="notices" role="status">
      {now.map(({ id, text, isBad }) => (
        <p key={id} data-bad={isBad || undefined}>
          {text}
          <button type="button" className="bare" aria-label="Dismiss" onClick={() => dismiss(id)}><Icon name="close" /></button>
        </p>
      ))}
    </div>
  );
}
