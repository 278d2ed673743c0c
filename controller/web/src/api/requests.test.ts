import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { refusal } from "../session/roles";
import { codeOf, maybeNotSent } from "./failure";
import { freshKey } from "./key";
import { pauseAfter } from "./link";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const random = { getRandomValues: crypto.getRandomValues.bind(crypto) };

describe("an idempotency key", () => {
  it("is a UUID also where the browser makes none", () => {
    const keys = new Set(Array.from({ length: 200 }, () => freshKey(random as Crypto)));
    expect(keys.size).toBe(200);
    for (const key of keys) expect(key).toMatch(UUID_V4);
  });

  it("is the browser's own where there is one", () => {
    expect(freshKey({ ...random, randomUUID: () => "own" } as never)).toBe("own");
    expect(freshKey()).toMatch(UUID_V4);
  });
});

describe("the code of a failure", () => {
  it("is the stable one of the trailer", () => {
    expect(codeOf(new ConnectError("no", Code.FailedPrecondition, { "drover-code": "NOT_LEADER" }))).toBe("NOT_LEADER");
  });

  it("is the protocol's without one", () => {
    expect(codeOf(new ConnectError("no", Code.PermissionDenied))).toBe("PERMISSION_DENIED");
    expect(codeOf(new ConnectError("no", Code.Unauthenticated))).toBe("UNAUTHENTICATED");
    expect(codeOf(new Error("anything"))).toBe("UNKNOWN");
  });

  it("says that nothing was reached when the network broke", () => {
    const code = codeOf(new TypeError("Failed to fetch"));
    expect(code).toBe("UNAVAILABLE");
    expect(maybeNotSent(code)).toBe(true);
    expect(maybeNotSent("PERMISSION_DENIED")).toBe(false);
  });
});

describe("the pause before the next attempt", () => {
  it("grows to a limit and is never the same for all", () => {
    expect(pauseAfter(1, 1)).toBe(500);
    expect(pauseAfter(3, 1)).toBe(2_000);
    expect(pauseAfter(50, 1)).toBe(10_000);
    expect(pauseAfter(3, 0)).toBe(1_500);
  });
});

describe("a button", () => {
  it("needs its role, a connection and the leader", () => {
    expect(refusal("operator", "operator", true, true)).toBeUndefined();
    expect(refusal("operator", "admin", true, true)).toBeUndefined();
    expect(refusal("operator", "viewer", true, true)).toEqual({ why: "role", needs: "operator" });
    expect(refusal("operator", undefined, true, true)).toEqual({ why: "role", needs: "operator" });
    expect(refusal("operator", "admin", false, true)).toEqual({ why: "link" });
    expect(refusal("operator", "admin", true, false)).toEqual({ why: "standby" });
  });
});
