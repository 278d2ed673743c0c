// Twice a second, for what changes by itself: clocks, ages, countdowns.
import { Topic, useTopic } from "./topic";

const TICK_MS = 500;
const ticked = new Topic(0);

export function startTicking(): void {
  setInterval(() => ticked.flush(), TICK_MS);
}

export function useTick(): void {
  useTopic(ticked);
}
