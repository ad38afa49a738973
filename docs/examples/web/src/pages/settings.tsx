import { useState } from "react";

import { api, ask } from "../api/client";
import { accessToken, end, session, setUser } from "../api/session";
import { hangUp } from "../live/connection";
import { useRoom } from "../live/use-room";
import { attempt, say } from "../notices";
import { Field } from "../parts/field";
import { ago } from "../parts/format";
import { ThemeChoice } from "../parts/theme";
import { stop } from "../player/player";
import { go } from "../router";
import { useStore } from "../store";
import { useLoad } from "../use-load";
import { TwoFactor } from "./two-factor";

export function Settings() {
  const { user } = useStore(session)!;
  const readAgain = () => void attempt(async () => setUser(await ask(api.GET("/api/v1/users/me"))));
  useRoom(`user:${user.id}`, ({ type }) => type === "user.updated" && readAgain());
  return (
    <>
      <header className="page-head">
        <h1>Settings</h1>
        <button type="button" className="second" onClick={() => void signOut()}>Sign out</button>
      </header>
      <Profile />
      <section className="card">
        <h2>Appearance</h2>
        <ThemeChoice />
      </section>
      <TwoFactor isOn={user.two_factor} onChange={readAgain} />
      <Sessions />
    </>
  );
}

/** Here and in the other tabs first, so that none of them takes it for somebody else's doing. */
async function signOut(): Promise<void> {
  const headers = { Authorization: `Bearer ${await accessToken()}` };
  hangUp();
  stop();
  end();
  go("/");
  await attempt(() => ask(api.POST("/api/v1/auth/logout", { headers })));
}

function Profile() {
  const { user } = useStore(session)!;
  const save = async (form: FormData) => {
    const body = { display_name: String(form.get("display_name")), bio: String(form.get("bio")) };
    const done = await attempt(async () => setUser(await ask(api.PATCH("/api/v1/users/me", { body: body as never }))));
    if (done) say("Saved.");
  };
  return (
    <form className="card" action={save}>
      <h2>Profile</h2>
      <p className="quiet">{user.username} · {user.email}{user.email_verified ? "" : " (not verified yet)"}</p>
      <Field key={user.display_name} label="Name" name="display_name" defaultValue={user.display_name} maxLength={100} />
      <Field key={user.bio} label="About you" name="bio" defaultValue={user.bio} maxLength={500} />
      <button type="submit">Save</button>
    </form>
  );
}

function Sessions() {
  const { user } = useStore(session)!;
  const [isBusy, setBusy] = useState(false);
  const sessions = useLoad("sessions", () => ask(api.GET("/api/v1/auth/sessions", { params: { query: { limit: 100 } } })));
  useRoom(`user:${user.id}`, ({ type }) => type.startsWith("session.") && sessions.reload(), sessions.reload);

  const revoke = async (work: () => Promise<unknown>, told: string) => {
    setBusy(true);
    if (await attempt(work)) say(told);
    setBusy(false);
    sessions.reload();
  };
  const one = (id: string) => () => ask(api.DELETE("/api/v1/auth/sessions/{session_id}", { params: { path: { session_id: id } } }));
  const others = () => ask(api.DELETE("/api/v1/auth/sessions"));

  return (
    <section className="card" aria-label="Sessions">
      <div className="page-head">
        <h2>Where you are signed in</h2>
        {(sessions.data?.results.length ?? 0) > 1 ? (
          <button type="button" className="second" disabled={isBusy} onClick={() => void revoke(others, "Signed out everywhere else.")}>Sign out everywhere else</button>
        ) : null}
      </div>
      {sessions.failure ? <p role="alert">{sessions.failure}</p> : null}
      <ul className="sessions">
        {sessions.data?.results.map((each) => (
          <li key={each.id}>
            <div>
              <strong>{each.device || each.user_agent || "Unknown device"}</strong>
              <span className="quiet">{[each.place, each.ip, `last used ${ago(each.last_used_at)}`].filter(Boolean).join(" · ")}</span>
            </div>
            {each.current ? (
              <span className="tag">This one</span>
            ) : (
              <button type="button" className="second" disabled={isBusy} onClick={() => void revoke(one(each.id), "That session has ended.")}>Sign out</button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
