import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, it } from "vitest";
import { type Job, JobEventSchema, JobSchema, JobState } from "../gen/drover/v1/job_pb";
import { allJobs, applyEvent, replaceJobs } from "./jobs";
import { byTruck, totals } from "./trucks";

interface Made {
  truck?: string;
  state?: JobState;
  due?: number;
  ended?: number;
}

function job(jobId: string, { truck = "", state = JobState.ACCEPTED, due, ended }: Made = {}): Job {
  return create(JobSchema, {
    spec: { jobId, sequence: truck, legs: [{ station: "PICK-1" }, { station: "DOCK-1" }], dueAtMs: due === undefined ? undefined : BigInt(due) },
    state,
    endedAtMs: ended === undefined ? undefined : BigInt(ended),
  });
}

describe("jobs by truck", () => {
  it("are sorted by cut-off, finished trucks after open ones, jobs without a truck last", () => {
    const trucks = byTruck([
      job("j1"),
      job("j2", { truck: "T-DONE", state: JobState.DONE, due: 50, ended: 40 }),
      job("j3", { truck: "T-10", due: 300 }),
      job("j4", { truck: "T-2", due: 300 }),
      job("j5", { truck: "T-FIRST", due: 200 }),
      job("j6", { truck: "T-NO-CUTOFF" }),
    ]);
    expect(trucks.map(({ name }) => name)).toEqual(["T-FIRST", "T-2", "T-10", "T-NO-CUTOFF", "T-DONE", ""]);
  });

  it("have the earliest due time of what is still open as their cut-off", () => {
    const [truck] = byTruck([
      job("j1", { truck: "T", state: JobState.DONE, due: 100, ended: 90 }),
      job("j2", { truck: "T", due: 300 }),
      job("j3", { truck: "T", due: 200 }),
    ]);
    expect(truck).toMatchObject({ cutoffMs: 200, total: 3, done: 1, isFinished: false });
  });

  it("count what needs a person, and leave out what was cancelled", () => {
    const [truck] = byTruck([
      job("j1", { truck: "T", state: JobState.AT_RISK }),
      job("j2", { truck: "T", state: JobState.BLOCKED }),
      job("j3", { truck: "T", state: JobState.FAILED, due: 10, ended: 5 }),
      job("j4", { truck: "T", state: JobState.CANCELLED, due: 10, ended: 50 }),
      job("j5", { truck: "T", state: JobState.DONE, due: 10, ended: 11 }),
    ]);
    expect(truck).toMatchObject({ atRisk: 1, blocked: 1, failed: 1, total: 4, done: 1, late: 1 });
  });

  it("add up to what the header shows", () => {
    const trucks = byTruck([
      job("j1", { truck: "T", state: JobState.DONE, due: 10, ended: 10 }),
      job("j2", { truck: "T", state: JobState.DONE, due: 10, ended: 11 }),
      job("j3", { truck: "U", state: JobState.DONE }),
      job("j4", { truck: "U" }),
    ]);
    expect(totals(trucks)).toMatchObject({ total: 4, done: 3, withDue: 2, onTime: 1 });
  });
});

describe("an event", () => {
  const event = (more: object) => create(JobEventSchema, { jobId: "j1", atMs: 77n, ...more });
  beforeEach(() => replaceJobs([job("j1", { truck: "T", due: 100 })]));

  it("of an unknown job asks for the job", () => {
    expect(applyEvent(event({ jobId: "j2", state: JobState.ACCEPTED }))).toBe(false);
  });

  it("moves its job on", () => {
    expect(applyEvent(event({ state: JobState.LEG_DONE, leg: 0, robot: { serial: "r07" } }))).toBe(true);
    expect(allJobs().get("j1")).toMatchObject({ state: JobState.LEG_DONE, legsDone: 1, robot: { serial: "r07" } });
    applyEvent(event({ state: JobState.DONE }));
    expect(allJobs().get("j1")).toMatchObject({ state: JobState.DONE, legsDone: 2, endedAtMs: 77n, robot: { serial: "r07" } });
  });

  it("may come twice", () => {
    applyEvent(event({ state: JobState.LEG_DONE, leg: 0 }));
    applyEvent(event({ state: JobState.LEG_DONE, leg: 0 }));
    expect(allJobs().get("j1")?.legsDone).toBe(1);
  });

  it("brings a new due time", () => {
    applyEvent(event({ state: JobState.ACCEPTED, dueAtMs: 500n }));
    expect(allJobs().get("j1")?.spec?.dueAtMs).toBe(500n);
  });
});
