// The site's status as last heard: zones, devices, alarms, who leads and who looks.
import type { SiteStatus } from "../gen/drover/v1/site_pb";
import { FleetClock } from "../clock/fleetClock";
import { asRole, refusal, type Refusal, type Role } from "../session/roles";
import { isLive } from "../api/link";
import { Topic } from "./topic";

export const statusChanged = new Topic(400);
const clock = new FleetClock();
let current: SiteStatus | undefined;

export function status(): SiteStatus | undefined {
  return current;
}

export function hear(next: SiteStatus, wallMs: number): void {
  current = next;
  clock.hear(Number(next.nowMs), next.speed, wallMs);
  statusChanged.touch();
}

export function fleetNow(): number | undefined {
  return clock.at(performance.now());
}

export function role(): Role | undefined {
  return current && asRole(current.role);
}

/** Why a button that needs the role can't be pressed now; undefined when it can. */
export function whyNot(needs: Role): Refusal | undefined {
  return refusal(needs, role(), isLive(), current?.leads ?? false);
}

/** As above for a stop: it is tried also when the connection looks broken. */
export function whyNoStop(needs: Role): Refusal | undefined {
  return refusal(needs, role(), current !== undefined, current?.leads ?? false);
}
