// Times as a person reads them.
import type { Translate } from "../i18n";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Minutes and seconds left; with a minus sign when the time is over. */
export function countdown(leftMs: number): string {
  const isLate = leftMs < 0;
  const seconds = isLate ? Math.ceil(-leftMs / SECOND) : Math.floor(leftMs / SECOND);
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return isLate && seconds > 0 ? `\u2212${text}` : text;
}

export type Urgency = "late" | "soon" | "calm";

export function urgency(leftMs: number): Urgency {
  if (leftMs < 0) return "late";
  return leftMs < 5 * MINUTE ? "soon" : "calm";
}

export function duration(ms: number, t: Translate): string {
  const span = Math.max(0, ms);
  if (span < MINUTE) return t("unit.seconds", { n: Math.floor(span / SECOND) });
  if (span < HOUR) return t("unit.minutes", { n: Math.floor(span / MINUTE) });
  if (span < DAY) return t("unit.hours", { n: Math.floor(span / HOUR) });
  return t("unit.days", { n: Math.floor(span / DAY) });
}

export function age(sinceMs: number | undefined, nowMs: number | undefined, t: Translate): string {
  if (sinceMs === undefined || nowMs === undefined) return t("age.unknown");
  return t("age.ago", { age: duration(nowMs - sinceMs, t) });
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", hour12: false });

/** On the clock of the place where the page is looked at, 24 hours in every language. */
export function timeOfDay(ms: number): string {
  return CLOCK.format(ms);
}
