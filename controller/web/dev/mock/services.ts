// The services of the contract that the page uses, over the mock's world.
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import type { RobotId } from "../../src/gen/drover/v1/common_pb";
import { FleetService } from "../../src/gen/drover/v1/fleet_pb";
import { JobService } from "../../src/gen/drover/v1/job_pb";
import { SiteService, type Zone } from "../../src/gen/drover/v1/site_pb";
import { layoutMessage, robotMessage, statusMessage } from "./messages";
import type { World } from "./world";

const ROLES = ["viewer", "operator", "admin"];

export function services(world: World): (router: ConnectRouter) => void {
  const done = new Map<string, bigint>();
  const receipt = (key: string) => {
    if (!key) throw refused("INVALID_ARGUMENT", Code.InvalidArgument);
    const repeated = done.has(key);
    if (!repeated) done.set(key, (world.seq += 1n));
    return { seq: done.get(key)!, repeated };
  };
  const caller = (context: HandlerContext) => {
    if (!world.options.auth) return { user: "local", role: "admin" };
    const role = /^Bearer (\w+)$/.exec(context.requestHeader.get("authorization") ?? "")?.[1] ?? "";
    if (!ROLES.includes(role)) throw refused("UNAUTHENTICATED", Code.Unauthenticated);
    return { user: { viewer: "visitor", operator: "kim.operator", admin: "lee.admin" }[role]!, role };
  };
  const operator = (context: HandlerContext) => {
    const who = caller(context);
    if (who.role === "viewer") throw refused("PERMISSION_DENIED", Code.PermissionDenied);
    if (world.options.standby) throw refused("NOT_LEADER", Code.FailedPrecondition);
    return who;
  };
  const pause = (ids: RobotId[], isPaused: boolean) => {
    const named = new Set(ids.map((id) => id.serial));
    for (const robot of world.robots.all) if (named.size === 0 || named.has(robot.serial)) robot.isPaused = isPaused;
  };
  const zone = (id: string): Zone => {
    const found = world.zones.find((one) => one.id === id);
    if (!found) throw refused("UNKNOWN_ZONE", Code.NotFound);
    return found;
  };
  return (router) => {
    router.service(SiteService, {
      getLayout: (_, context) => (caller(context), layoutMessage(world)),
      async *watchStatus(_, context) {
        const who = caller(context);
        for (const signal = until(world, context); !signal.aborted; await sleep(1_000, signal)) yield statusMessage(world, who.user, who.role);
        over(world, context);
      },
      stopZone: (request, context) => {
        const who = operator(context);
        const stopped = zone(request.zone);
        Object.assign(stopped, { stopped: true, stoppedBy: who.user, reason: request.reason, stoppedAtMs: BigInt(Math.round(world.now())) });
        const robots = world.robotsIn(stopped).map(({ serial }) => ({ manufacturer: "drover", serial }));
        return { receipt: receipt(request.idempotencyKey), robots };
      },
      resumeZone: (request, context) => {
        operator(context);
        Object.assign(zone(request.zone), { stopped: false, stoppedBy: "", reason: "", stoppedAtMs: undefined });
        return { receipt: receipt(request.idempotencyKey) };
      },
    });
    router.service(FleetService, {
      async *watch(_, context) {
        caller(context);
        const signal = until(world, context);
        for (const robot of world.robots.all) yield { change: { case: "robot", value: robotMessage(world, robot) } };
        yield { change: { case: "complete", value: true } };
        for await (const robot of world.reports.subscribe(signal)) yield { change: { case: "robot", value: robotMessage(world, robot) } };
        over(world, context);
      },
      pause: (request, context) => (operator(context), pause(request.robots, true), { receipt: receipt(request.idempotencyKey) }),
      resume: (request, context) => (operator(context), pause(request.robots, false), { receipt: receipt(request.idempotencyKey) }),
    });
    router.service(JobService, {
      list: (request, context) => {
        caller(context);
        const jobs = [...world.jobs.all.values()].reverse();
        const from = Number(request.page?.token || 0);
        const size = Math.min(1_000, request.page?.size || 100);
        return { jobs: jobs.slice(from, from + size), nextToken: from + size < jobs.length ? String(from + size) : "" };
      },
      async *watch(_, context) {
        caller(context);
        yield* world.jobs.events.subscribe(until(world, context));
        over(world, context);
      },
    });
  };
}

function refused(code: string, status: Code): ConnectError {
  return new ConnectError(`refused with ${code}`, status, { "drover-code": code });
}

/** Ends when the caller goes, or when the mock plays a broken network. */
function until(world: World, context: HandlerContext): AbortSignal {
  if (world.options.breakEveryS <= 0) return context.signal;
  return AbortSignal.any([context.signal, AbortSignal.timeout(world.options.breakEveryS * 1_000)]);
}

function over(_: World, context: HandlerContext): void {
  if (!context.signal.aborted) throw refused("UNAVAILABLE", Code.Unavailable);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
