import { type Job, JobState } from "../gen/drover/v1/job_pb";
import { lang, textOfCode, useT } from "../i18n";
import { keyOf, select } from "../fleet/robots";
import { fleetNow } from "../store/site";
import { hasEnded } from "./jobs";
import { isLate } from "./trucks";
import { JOB_CLASS, JOB_KEY } from "./words";

/** Rows of one list; more is scrolled past, not read. */
const SHOWN_MAX = 200;

export function JobRows({ jobs }: { jobs: Job[] }) {
  const t = useT();
  const sorted = [...jobs.filter((job) => !hasEnded(job.state)), ...jobs.filter((job) => hasEnded(job.state))];
  return (
    <ul className="job-rows">
      {sorted.slice(0, SHOWN_MAX).map((job) => (
        <JobRow key={job.spec?.jobId} job={job} />
      ))}
      {sorted.length > SHOWN_MAX && <li className="more">{t("trucks.more", { n: sorted.length - SHOWN_MAX })}</li>}
    </ul>
  );
}

function JobRow({ job }: { job: Job }) {
  const t = useT();
  const { spec, robot } = job;
  if (!spec) return null;
  const stations = spec.legs.map((leg) => leg.station).join(" → ");
  const why = job.code ? textOfCode("code", job.code) : lang() === "en" ? job.reason : "";
  return (
    <li className="job">
      <span className={`job-state ${JOB_CLASS[job.state]}`}>{t(JOB_KEY[job.state])}</span>
      <span className="job-name">
        <b className={isLate(job, fleetNow()) ? "late" : undefined}>{spec.jobId}</b>
        <small title={stations}>{why && job.state !== JobState.DONE ? why : stations}</small>
      </span>
      <small className="job-legs">{t("job.legs", { done: job.legsDone, total: spec.legs.length })}</small>
      {robot ? (
        <button type="button" className="name" onClick={() => select(keyOf(robot))}>{robot.serial}</button>
      ) : (
        <span className="name none">–</span>
      )}
    </li>
  );
}
