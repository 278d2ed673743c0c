// What a device's states are called, and how they look.
import type { Device } from "../gen/drover/v1/site_pb";
import type { Key } from "../i18n";

export type Look = "open" | "opening" | "closing" | "closed" | "fault" | "unknown";

const LOOKS: readonly string[] = ["open", "opening", "closing", "closed", "fault"];
const KINDS: readonly string[] = ["door", "lift", "conveyor", "charger"];

export function lookOf(device: Device): Look {
  return device.online && LOOKS.includes(device.state) ? (device.state as Look) : "unknown";
}

export function lookKey(look: Look): Key {
  return `door.${look}`;
}

export function kindKey(kind: string): Key {
  return KINDS.includes(kind) ? (`device.${kind}` as Key) : "device.other";
}
