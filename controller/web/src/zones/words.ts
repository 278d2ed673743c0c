import type { Key } from "../i18n";

export function zoneKey(temperature: string): Key {
  if (temperature === "frozen" || temperature === "chilled" || temperature === "ambient") return `temperature.${temperature}`;
  return "temperature.none";
}
