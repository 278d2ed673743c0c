// What came of the last presses of a button.
import { Topic } from "../store/topic";

export interface Notice {
  id: number;
  kind: "done" | "failed";
  text: string;
}

const SHOWN_MS = { done: 6_000, failed: 20_000 };
const SHOWN_MAX = 4;

export const noticesChanged = new Topic(0);
let shown: readonly Notice[] = [];
let nextId = 1;

export function notices(): readonly Notice[] {
  return shown;
}

export function notify(kind: Notice["kind"], text: string): void {
  const id = nextId++;
  shown = [...shown, { id, kind, text }].slice(-SHOWN_MAX);
  noticesChanged.flush();
  setTimeout(() => dismiss(id), SHOWN_MS[kind]);
}

export function dismiss(id: number): void {
  shown = shown.filter((notice) => notice.id !== id);
  noticesChanged.flush();
}
