// Jobs grouped by truck: a sequence is a truck, its cut-off the earliest due time of what is still open.
import { type Job, JobState } from "../gen/drover/v1/job_pb";
import { hasEnded } from "./jobs";

export interface Truck {
  /** Empty for jobs without a truck. */
  name: string;
  cutoffMs: number | undefined;
  jobs: Job[];
  total: number;
  done: number;
  late: number;
  atRisk: number;
  failed: number;
  blocked: number;
  isFinished: boolean;
}

export interface Totals {
  total: number;
  done: number;
  onTime: number;
  withDue: number;
  atRisk: number;
  failed: number;
}

export function isLate(job: Job, nowMs: number | undefined): boolean {
  const due = job.spec?.dueAtMs;
  if (due === undefined || job.state === JobState.CANCELLED) return false;
  if (job.endedAtMs !== undefined) return job.endedAtMs > due;
  return nowMs !== undefined && nowMs > Number(due);
}

export function byTruck(jobs: Iterable<Job>): Truck[] {
  const groups = new Map<string, Job[]>();
  for (const job of jobs) {
    const name = job.spec?.sequence ?? "";
    const group = groups.get(name);
    if (group) group.push(job);
    else groups.set(name, [job]);
  }
  return [...groups].map(([name, group]) => toTruck(name, group)).sort(inOrder);
}

/** Open trucks by cut-off, then finished ones; jobs without a truck last. */
function inOrder(a: Truck, b: Truck): number {
  return (
    Number(a.name === "") - Number(b.name === "") ||
    Number(a.isFinished) - Number(b.isFinished) ||
    (a.cutoffMs ?? Infinity) - (b.cutoffMs ?? Infinity) ||
    a.name.localeCompare(b.name, "en", { numeric: true })
  );
}

function toTruck(name: string, jobs: Job[]): Truck {
  const wanted = jobs.filter((job) => job.state !== JobState.CANCELLED);
  const open = wanted.filter((job) => !hasEnded(job.state));
  const count = (state: JobState) => jobs.filter((job) => job.state === state).length;
  const dues = (of: Job[]) => of.flatMap((job) => job.spec?.dueAtMs ?? []).map(Number);
  const openDues = dues(open);
  const allDues = dues(wanted);
  const cutoffMs = openDues.length > 0 ? Math.min(...openDues) : allDues.length > 0 ? Math.max(...allDues) : undefined;
  return {
    name,
    cutoffMs,
    jobs: jobs.sort((a, b) => Number(a.acceptedAtMs - b.acceptedAtMs) || compareIds(a, b)),
    total: wanted.length,
    done: count(JobState.DONE),
    late: jobs.filter((job) => isLate(job, undefined)).length,
    atRisk: count(JobState.AT_RISK),
    failed: count(JobState.FAILED),
    blocked: count(JobState.BLOCKED),
    isFinished: open.length === 0,
  };
}

function compareIds(a: Job, b: Job): number {
  return (a.spec?.jobId ?? "").localeCompare(b.spec?.jobId ?? "", "en", { numeric: true });
}

export function totals(trucks: readonly Truck[]): Totals {
  const sum = { total: 0, done: 0, onTime: 0, withDue: 0, atRisk: 0, failed: 0 };
  for (const truck of trucks) {
    sum.total += truck.total;
    sum.done += truck.done;
    sum.atRisk += truck.atRisk;
    sum.failed += truck.failed;
    for (const job of truck.jobs) {
      if (job.state !== JobState.DONE || job.spec?.dueAtMs === undefined) continue;
      sum.withDue += 1;
      if (!isLate(job, undefined)) sum.onTime += 1;
    }
  }
  return sum;
}
