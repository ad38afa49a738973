/** The shapes that the views speak of, out of the generated schema. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Track = Schemas["TrackInListOutput"];
export type WholeTrack = Schemas["TrackOutput"];
export type TrackStatus = Schemas["StatusOutput"];
export type Playlist = Schemas["PlaylistOutput"];
export type PlaylistItem = Schemas["PlaylistItemOutput"];
export type User = Schemas["OwnUserOutput"];
export type SignedIn = Schemas["SessionOutput"];
export type Game = Schemas["GameOutput"];
export type Round = Schemas["RoundOutput"];
export type Price = Schemas["PriceOutput"];
export type Visibility = Track["visibility"];

/** What every message of a room is, whatever it says. */
export interface Envelope<D = Record<string, unknown>> {
  id: string;
  type: string;
  time: string;
  subject: { type: string; id: string } | null;
  actor: { type: string; id: string } | null;
  data: D;
  room: string;
}
