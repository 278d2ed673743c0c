import { JobState } from "../gen/drover/v1/job_pb";
import type { Key } from "../i18n";

export const JOB_KEY: Record<JobState, Key> = {
  [JobState.UNSPECIFIED]: "job.unspecified",
  [JobState.ACCEPTED]: "job.accepted",
  [JobState.ASSIGNED]: "job.assigned",
  [JobState.STARTED]: "job.started",
  [JobState.LEG_DONE]: "job.legDone",
  [JobState.AT_RISK]: "job.atRisk",
  [JobState.BLOCKED]: "job.blocked",
  [JobState.DONE]: "job.done",
  [JobState.FAILED]: "job.failed",
  [JobState.CANCELLED]: "job.cancelled",
};

export const JOB_CLASS: Record<JobState, string> = {
  [JobState.UNSPECIFIED]: "waiting",
  [JobState.ACCEPTED]: "waiting",
  [JobState.ASSIGNED]: "under-way",
  [JobState.STARTED]: "under-way",
  [JobState.LEG_DONE]: "under-way",
  [JobState.AT_RISK]: "at-risk",
  [JobState.BLOCKED]: "at-risk",
  [JobState.DONE]: "done",
  [JobState.FAILED]: "failed",
  [JobState.CANCELLED]: "cancelled",
};
