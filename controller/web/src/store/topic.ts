// A thing that changes often and is read seldom: listeners hear of it at most once per gap.
import { useSyncExternalStore } from "react";

export class Topic {
  private version = 0;
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private publishedAt = -Infinity;

  constructor(private readonly gapMs = 500) {}

  /** Something changed; tell it when the gap is over. */
  touch(): void {
    if (this.timer !== undefined) return;
    const wait = Math.max(0, this.publishedAt + this.gapMs - performance.now());
    this.timer = setTimeout(() => this.flush(), wait);
  }

  /** Something changed that the user did: tell it now. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.publishedAt = performance.now();
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): number => this.version;
}

export function useTopic(topic: Topic): number {
  return useSyncExternalStore(topic.subscribe, topic.snapshot);
}
