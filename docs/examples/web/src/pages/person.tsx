import { api, ask } from "../api/client";
import { More } from "../parts/more";
import { TrackList } from "../parts/track-row";
import { useLoad } from "../use-load";
import { usePages } from "../use-pages";

export function Person({ username }: { username: string }) {
  const person = useLoad(`person ${username}`, () =>
    ask(api.GET("/api/v1/users/{username}", { params: { path: { username } } })),
  );
  const tracks = usePages(`tracks of ${username}`, (cursor) =>
    ask(api.GET("/api/v1/tracks", { params: { query: { uploader: username, limit: 100, ordering: "-created_at", cursor } } })),
  );
  if (person.failure) return <><h1>{username}</h1><p role="alert">{person.failure}</p></>;
  return (
    <>
      <header className="person">
        {person.data?.avatar_url ? <img className="face" src={person.data.avatar_url} alt="" /> : null}
        <h1>{person.data?.display_name || username}</h1>
      </header>
      <p className="quiet">
        {person.data ? [person.data.location, `here since ${new Date(person.data.created_at).getFullYear()}`].filter(Boolean).join(" · ") : null}
      </p>
      {person.data?.bio ? <p className="prose">{person.data.bio}</p> : null}
      <TrackList tracks={tracks.rows ?? []} empty={tracks.rows ? "Nothing public yet." : ""} />
      <More of={tracks} name="tracks" />
    </>
  );
}
