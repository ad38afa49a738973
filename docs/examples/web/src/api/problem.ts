/** What the server answers when it cannot do what was asked (RFC 9457), or why it did not answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Record<string, string>;

  constructor(status: number, document: unknown) {
    const told = (document ?? {}) as {
      code?: string;
      detail?: string;
      errors?: { field: string; detail: string }[];
    };
    super(told.detail ?? "The server gave no reason.");
    this.status = status;
    this.code = told.code ?? "unknown";
    this.fields = Object.fromEntries((told.errors ?? []).map((each) => [each.field, each.detail]));
  }

  /** One sentence for people. */
  get sentence(): string {
    return Object.values(this.fields)[0] ?? this.message;
  }
}

export const UNREACHABLE = "The server does not answer. Check your connection; nothing is lost.";

/** A sentence for whatever was thrown. */
export function sentenceOf(thrown: unknown): string {
  if (thrown instanceof Problem) return thrown.sentence;
  if (thrown instanceof TypeError) return UNREACHABLE; // what fetch throws when nobody answers
  return thrown instanceof Error ? thrown.message : String(thrown);
}
