// Colours of the canvas, taken from the style sheet so that the theme is told in one place.
import { RobotStatus } from "../gen/drover/v1/fleet_pb";
import { STATUS_CLASS } from "../fleet/words";

export interface Palette {
  ground: string;
  ink: string;
  muted: string;
  edge: string;
  panel: string;
  accent: string;
  danger: string;
  ok: string;
  warn: string;
  pick: string;
  dock: string;
  charger: string;
  zones: Record<string, { fill: string; line: string; ink: string }>;
  robots: Record<RobotStatus, string>;
}

const STATUSES = Object.values(RobotStatus).filter((value): value is RobotStatus => typeof value === "number");

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const zone = (name: string) => ({ fill: colour(`zone-${name}`), line: colour(`zone-${name}-line`), ink: colour(`zone-${name}-ink`) });
  return {
    ground: colour("ground"),
    ink: colour("ink"),
    muted: colour("muted"),
    edge: colour("edge"),
    panel: colour("panel"),
    accent: colour("accent"),
    danger: colour("danger"),
    ok: colour("ok"),
    warn: colour("warn"),
    pick: colour("pick"),
    dock: colour("dock"),
    charger: colour("charger"),
    zones: { frozen: zone("frozen"), chilled: zone("chilled"), ambient: zone("ambient"), "": zone("none") },
    robots: Object.fromEntries(STATUSES.map((status) => [status, colour(`robot-${STATUS_CLASS[status]}`)])) as Record<RobotStatus, string>,
  };
}
