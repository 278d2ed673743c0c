// What a robot's states are called.
import { Mode, type Robot, RobotStatus } from "../gen/drover/v1/fleet_pb";
import type { SiteStatus } from "../gen/drover/v1/site_pb";
import type { Key, Translate } from "../i18n";

export const STATUS_KEY: Record<RobotStatus, Key> = {
  [RobotStatus.UNSPECIFIED]: "status.unspecified",
  [RobotStatus.OFFLINE]: "status.offline",
  [RobotStatus.IDLE]: "status.idle",
  [RobotStatus.DRIVING]: "status.driving",
  [RobotStatus.WAITING]: "status.waiting",
  [RobotStatus.ACTING]: "status.acting",
  [RobotStatus.CHARGING]: "status.charging",
  [RobotStatus.PAUSED]: "status.paused",
  [RobotStatus.LOST]: "status.lost",
  [RobotStatus.ERROR]: "status.error",
  [RobotStatus.NOT_OURS]: "status.notOurs",
};

export const STATUS_CLASS: Record<RobotStatus, string> = {
  [RobotStatus.UNSPECIFIED]: "offline",
  [RobotStatus.OFFLINE]: "offline",
  [RobotStatus.IDLE]: "idle",
  [RobotStatus.DRIVING]: "driving",
  [RobotStatus.WAITING]: "waiting",
  [RobotStatus.ACTING]: "acting",
  [RobotStatus.CHARGING]: "charging",
  [RobotStatus.PAUSED]: "paused",
  [RobotStatus.LOST]: "lost",
  [RobotStatus.ERROR]: "error",
  [RobotStatus.NOT_OURS]: "not-ours",
};

/** In the order in which an operator cares. */
export const STATUS_ORDER: readonly RobotStatus[] = [
  RobotStatus.ERROR,
  RobotStatus.LOST,
  RobotStatus.PAUSED,
  RobotStatus.WAITING,
  RobotStatus.DRIVING,
  RobotStatus.ACTING,
  RobotStatus.CHARGING,
  RobotStatus.IDLE,
  RobotStatus.OFFLINE,
  RobotStatus.NOT_OURS,
  RobotStatus.UNSPECIFIED,
];

export const MODE_KEY: Record<Mode, Key> = {
  [Mode.UNSPECIFIED]: "mode.unspecified",
  [Mode.AUTOMATIC]: "mode.automatic",
  [Mode.SEMIAUTOMATIC]: "mode.semiautomatic",
  [Mode.MANUAL]: "mode.manual",
  [Mode.SERVICE]: "mode.service",
  [Mode.TEACHIN]: "mode.teachin",
};

/** The name on the floor: a robot by its serial, whoever made it. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

export function waitsText(robot: Robot, site: Pick<SiteStatus, "devices" | "zones"> | undefined, t: Translate): string {
  if (robot.waitsFor.length === 0) return t("robot.waitsNone");
  const named = robot.waitsFor.map((name) => {
    if (name.includes("/")) return t("robot.waitsRobot", { name: shortName(name) });
    if (site?.zones.some((zone) => zone.id === name)) return t("robot.waitsZone", { name });
    const device = site?.devices.find((one) => one.id === name);
    return device === undefined ? name : t(device.kind === "door" ? "robot.waitsDoor" : "robot.waitsDevice", { name });
  });
  return named.join(", ");
}

export function loadText(robot: Robot, t: Translate): string {
  if (robot.loads.length > 0) return robot.loads.map((load) => load.id || load.type || "1").join(", ");
  return t(robot.loadsKnown ? "robot.loadNone" : "robot.loadUnknown");
}
