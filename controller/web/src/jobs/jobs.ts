// Every job the service knows, kept up to date by its events.
import { type Job, type JobEvent, JobState } from "../gen/drover/v1/job_pb";
import { Topic } from "../store/topic";

/** Beyond this many, jobs that ended long ago are forgotten: the page may stay open for weeks. */
const KEPT_MAX = 5_000;
const LONG_AGO_MS = 3_600_000n;

export const jobsChanged = new Topic(500);
const jobs = new Map<string, Job>();

export function allJobs(): ReadonlyMap<string, Job> {
  return jobs;
}

export function replaceJobs(listed: Job[]): void {
  jobs.clear();
  addJobs(listed);
}

export function addJobs(listed: Job[]): void {
  for (const job of listed) if (job.spec) jobs.set(job.spec.jobId, job);
  jobsChanged.touch();
}

function forgetOld(nowMs: bigint): void {
  for (const [id, job] of jobs) if (job.endedAtMs !== undefined && nowMs - job.endedAtMs > LONG_AGO_MS) jobs.delete(id);
}

/** False when the job isn't known yet: its event alone doesn't say which truck it is for. */
export function applyEvent(event: JobEvent): boolean {
  if (jobs.size > KEPT_MAX) forgetOld(event.atMs);
  const job = jobs.get(event.jobId);
  if (!job?.spec) return false;
  jobs.set(event.jobId, { ...job, spec: { ...job.spec, dueAtMs: event.dueAtMs ?? job.spec.dueAtMs }, ...changes(job, event) });
  jobsChanged.touch();
  return true;
}

function changes(job: Job, event: JobEvent): Partial<Job> {
  const common = {
    state: event.state,
    robot: event.robot ?? job.robot,
    reason: event.reason,
    code: event.code,
    etaMs: event.etaMs ?? job.etaMs,
  };
  if (event.state === JobState.STARTED) return { ...common, startedAtMs: event.atMs };
  if (event.state === JobState.LEG_DONE) return { ...common, legsDone: Math.max(job.legsDone, (event.leg ?? 0) + 1) };
  if (!hasEnded(event.state)) return common;
  const legsDone = event.state === JobState.DONE ? (job.spec?.legs.length ?? job.legsDone) : job.legsDone;
  return { ...common, endedAtMs: event.atMs, legsDone };
}

export function hasEnded(state: JobState): boolean {
  return state === JobState.DONE || state === JobState.FAILED || state === JobState.CANCELLED;
}
