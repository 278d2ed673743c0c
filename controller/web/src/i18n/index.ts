// Which language is shown, and the text of a key in it.
import { Topic, useTopic } from "../store/topic";
import { en } from "./en";
import { ko } from "./ko";

export type Lang = "ko" | "en";
export type Key = keyof typeof ko;
export type Params = Record<string, string | number>;
export type Translate = (key: Key, params?: Params) => string;

const STORED_AS = "drover.lang";
const dictionaries: Record<Lang, Record<Key, string>> = { ko, en };
const changed = new Topic(0);
let current: Lang = "ko";

/** The address first, then what was chosen before, then the browser's own. */
export function chooseLang(query: string, stored: string | null, browser: string): Lang {
  for (const wish of [new URLSearchParams(query).get("lang"), stored]) {
    if (wish === "ko" || wish === "en") return wish;
  }
  return browser.toLowerCase().startsWith("ko") ? "ko" : "en";
}

export function fill(text: string, params: Params = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

export const t: Translate = (key, params) => fill(dictionaries[current][key], params);

/** The text of a code in a family of keys; a code without a text is shown as it is. */
export function textOfCode(family: "code" | "alarm", code: string): string {
  const key = `${family}.${code}`;
  if (code !== "unknown" && Object.hasOwn(ko, key)) return t(key as Key);
  return t(`${family}.unknown`, { code: code || "-" });
}

export function lang(): Lang {
  return current;
}

export function setLang(next: Lang): void {
  current = next;
  document.documentElement.lang = next;
  document.title = t("app.title");
  try {
    localStorage.setItem(STORED_AS, next);
  } catch {
    // A browser that stores nothing still shows the page.
  }
  changed.flush();
}

export function startLang(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED_AS);
  } catch {
    // As above.
  }
  current = chooseLang(location.search, stored, navigator.language);
  document.documentElement.lang = current;
  document.title = t("app.title");
}

/** The translator; the component renders again when the language changes. */
export function useT(): Translate {
  useTopic(changed);
  return t;
}
