// The streams of the page: each is opened again, with growing pauses, for as long as the page is looked at.
import { Topic } from "../store/topic";
import { signInNeeded } from "../session/session";
import { codeOf } from "./failure";

export type FeedName = "robots" | "jobs" | "status" | "layout";
export type FeedState =
  | { is: "connecting" }
  | { is: "live" }
  | { is: "retrying"; at: number; code: string }
  | { is: "resting" };

export interface Feed {
  name: FeedName;
  /** Resolves when the stream ended, rejects when it broke. Calls `live` at the first sign of life. */
  run(signal: AbortSignal, live: () => void): Promise<void>;
  /** Broken when it was silent for this long. */
  silentMs?: number;
  /** It runs once and is done. */
  once?: boolean;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A page that nobody sees keeps its connections for this long: a browser has six to a plain http address. */
const HIDDEN_MS = 10_000;

export const linkChanged = new Topic(200);
const states = new Map<FeedName, FeedState>();
const wakers = new Set<() => void>();
let isHidden = false;

export function feedStates(): ReadonlyMap<FeedName, FeedState> {
  return states;
}

export function isLive(): boolean {
  return states.get("status")?.is === "live";
}

/** Opens every stream anew, at once. */
export function reconnect(): void {
  for (const wake of [...wakers]) wake();
}

export function pauseAfter(failures: number, random: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return full * (0.75 + random / 4);
}

function show(name: FeedName, state: FeedState): void {
  states.set(name, state);
  linkChanged.touch();
}

export async function keep(feed: Feed): Promise<void> {
  let failures = 0;
  for (;;) {
    if (isHidden) await rest(feed.name);
    const stop = new AbortController();
    let isWoken = false;
    const wake = () => {
      isWoken = true;
      stop.abort();
    };
    wakers.add(wake);
    show(feed.name, { is: "connecting" });
    const watch = watchdog(feed, stop);
    let code = "UNAVAILABLE";
    try {
      await feed.run(stop.signal, () => {
        failures = 0;
        watch.fed();
        if (states.get(feed.name)?.is !== "live") show(feed.name, { is: "live" });
      });
      if (feed.once) return void show(feed.name, { is: "live" });
    } catch (reason) {
      if (!stop.signal.aborted) code = codeOf(reason);
    } finally {
      watch.end();
      wakers.delete(wake);
      // Else a stream that ended by itself may leave its connection open.
      stop.abort();
    }
    if (code === "UNAUTHENTICATED") signInNeeded(code);
    if (isWoken) continue;
    failures += 1;
    await pause(feed.name, code, pauseAfter(failures, Math.random()));
  }
}

function watchdog(feed: Feed, stop: AbortController): { fed(): void; end(): void } {
  const limit = feed.silentMs;
  if (limit === undefined) return { fed: () => {}, end: () => {} };
  let timer = setTimeout(() => stop.abort(), limit);
  return {
    fed: () => {
      clearTimeout(timer);
      // What silenced this stream has most likely silenced the others, too.
      timer = setTimeout(reconnect, limit);
    },
    end: () => clearTimeout(timer),
  };
}

function pause(name: FeedName, code: string, ms: number): Promise<void> {
  show(name, { is: "retrying", at: performance.now() + ms, code });
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      wakers.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    wakers.add(wake);
  });
}

function rest(name: FeedName): Promise<void> {
  show(name, { is: "resting" });
  return new Promise((resolve) => {
    const wake = () => {
      if (isHidden) return;
      wakers.delete(wake);
      resolve();
    };
    wakers.add(wake);
  });
}

export function restWhenHidden(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.visibilityState === "hidden") {
      timer = setTimeout(() => {
        isHidden = true;
        reconnect();
      }, HIDDEN_MS);
    } else if (isHidden) {
      isHidden = false;
      reconnect();
    }
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("online", reconnect);
}
