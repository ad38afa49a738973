import { api, ask } from "../api/client";
import { TrackList } from "../parts/track-row";
import { useLoad } from "../use-load";

export function Person({ username }: { username: string }) {
  const person = useLoad(`person ${username}`, () =>
    ask(api.GET("/api/v1/users/{username}", { params: { path: { username } } })),
  );
  const tracks = useLoad(`tracks of ${username}`, () =>
    ask(api.GET("/api/v1/tracks", { params: { query: { uploader: username, limit: 50, ordering: "-created_at" } } })),
  );
  if (person.failure) return <><h1>{username}</h1><p role="alert">{person.failure}</p></>;
  return (
    <>
      <h1>{person.data?.display_name || username}</h1>
      <p className="quiet">
        {person.data ? [person.data.location, `here since ${new Date(person.data.created_at).getFullYear()}`].filter(Boolean).join(" · ") : null}
      </p>
      {person.data?.bio ? <p className="prose">{person.data.bio}</p> : null}
      <TrackList tracks={tracks.data?.results ?? []} empty={tracks.data ? "Nothing public yet." : ""} />
    </>
  );
}
