// The stable code of whatever went wrong with a request.
import { Code, ConnectError } from "@connectrpc/connect";

export function codeOf(reason: unknown): string {
  const error = ConnectError.from(reason);
  const stable = error.metadata.get("drover-code");
  if (stable) return stable;
  // The browser reports a connection that can't be made, or broke, as a TypeError.
  if (error.cause instanceof TypeError) return "UNAVAILABLE";
  return (Code[error.code] ?? "Unknown").replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** Nobody knows whether the request arrived: it may be sent again with the same key. */
export function maybeNotSent(code: string): boolean {
  return code === "UNAVAILABLE" || code === "DEADLINE_EXCEEDED";
}
