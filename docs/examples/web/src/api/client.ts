/** The typed client: every path, parameter and answer is checked against the OpenAPI file. */
import createClient, { type Middleware } from "openapi-fetch";

import { Problem } from "./problem";
import type { paths } from "./schema";
import { accessToken, end, refresh } from "./session";

const bearer = (token: string) => `Bearer ${token}`;
const LOST = new Set(["token_invalid", "not_authenticated"]);

// A request whose token turns out too old is sent once more with a new one.
const again = new Map<string, Request>();

const authorized: Middleware = {
  async onRequest({ request, schemaPath, id }) {
    if (schemaPath === "/api/v1/auth/login" || schemaPath === "/api/v1/auth/register") return;
    const token = await accessToken();
    if (!token) return;
    request.headers.set("Authorization", bearer(token));
    again.set(id, request.clone());
  },
  async onResponse({ response, id }) {
    const before = again.get(id);
    again.delete(id);
    if (response.status !== 401 || !before) return;
    const { code } = (await response.clone().json()) as { code: string };
    if (code === "token_expired") {
      const token = await refresh(before.headers.get("Authorization")!.slice(bearer("").length));
      if (!token) return;
      before.headers.set("Authorization", bearer(token));
      return fetch(before);
    }
    if (LOST.has(code)) end("You were signed out: this session was ended, here or on another device.");
  },
  onError({ id }) {
    again.delete(id);
  },
};

export const api = createClient<paths>({ baseUrl: "/" });
api.use(authorized);

/** The body of an answer. Throws a Problem for a refusal, a TypeError when nobody answers. */
export async function ask<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new Problem(response.status, error);
  return data as T;
}
