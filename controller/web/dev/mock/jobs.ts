// A wave of jobs: trucks with cut-offs some minutes apart, and a few jobs without a truck.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Job, type JobEvent, JobEventSchema, JobSchema, JobState } from "../../src/gen/drover/v1/job_pb";
import { RobotIdSchema } from "../../src/gen/drover/v1/common_pb";
import { Broadcast } from "./broadcast";
import type { Site } from "./site";

const TRUCKS = 12;
const PER_TRUCK = 24;
const LOOSE = 12;
const ORDER: Record<string, string> = { F: "frozen", C: "chilled", A: "ambient" };

interface Happening {
  robot?: { manufacturer: string; serial: string };
  leg?: number;
  code?: string;
  reason?: string;
}

export class Jobs {
  readonly all = new Map<string, Job>();
  readonly events = new Broadcast<JobEvent>();
  private waiting: string[] = [];
  private n = 0n;

  constructor(private readonly site: Site, nowMs: number) {
    const picks = site.stations.filter(({ id }) => id.startsWith("PICK"));
    for (let i = 0; i < TRUCKS * PER_TRUCK + LOOSE; i += 1) {
      const truck = i < TRUCKS * PER_TRUCK ? (Math.floor(i / PER_TRUCK) % TRUCKS) + 1 : 0;
      const pick = picks[(i * 29 + Math.floor(i / 7)) % picks.length]!;
      this.add(i, truck, pick.id, nowMs);
    }
  }

  private add(i: number, truck: number, pick: string, nowMs: number): void {
    const name = String(truck || 1).padStart(2, "0");
    const jobId = `J-${String(i + 1).padStart(6, "0")}`;
    const dueAtMs = truck ? BigInt(nowMs + (truck * 3.5 - 13) * 60_000) : undefined;
    const temperature = { frozen: 1, chilled: 2, ambient: 3 }[ORDER[pick.split("-")[1]!] ?? "ambient"];
    this.all.set(jobId, create(JobSchema, {
      spec: {
        jobId, orderId: `SO-${8000 + i}`, sequence: truck ? `TRUCK-${name}` : "", temperature, dueAtMs,
        legs: [{ station: pick, action: "pick", load: { id: `TOTE-${i + 1}`, type: "tote" } }, { station: `DOCK-${name}`, action: "drop" }],
      },
      state: JobState.ACCEPTED,
      acceptedAtMs: BigInt(nowMs + i),
    }));
    this.waiting.push(jobId);
  }

  next(): Job | undefined {
    const id = this.waiting.shift();
    return id === undefined ? undefined : this.all.get(id);
  }

  nodeOf(station: string): string {
    return this.site.stations.find(({ id }) => id === station)!.nodes[0]!;
  }

  /** Everything done before the page is opened, so that there is something to see. */
  backdate(share: number, nowMs: number): void {
    for (let left = Math.floor(this.all.size * share); left > 0; left -= 1) {
      const job = this.next();
      if (!job) return;
      Object.assign(job, { state: JobState.DONE, legsDone: 2, endedAtMs: BigInt(nowMs - 720_000 - left * 4_000) });
    }
  }

  tell(job: Job, state: JobState, nowMs: number, more: Happening = {}): void {
    job.state = state;
    if (more.robot) job.robot = create(RobotIdSchema, more.robot);
    if (state === JobState.LEG_DONE) job.legsDone += 1;
    if (state === JobState.DONE) Object.assign(job, { legsDone: job.spec!.legs.length, endedAtMs: BigInt(nowMs) });
    if (state === JobState.FAILED) Object.assign(job, { endedAtMs: BigInt(nowMs), code: more.code ?? "" });
    this.n += 1n;
    const event: MessageInitShape<typeof JobEventSchema> = {
      site: this.site.name, n: this.n, atMs: BigInt(nowMs), jobId: job.spec!.jobId, orderId: job.spec!.orderId,
      state, dueAtMs: job.spec!.dueAtMs, ...more, robot: job.robot,
    };
    this.events.send(create(JobEventSchema, event));
  }
}
