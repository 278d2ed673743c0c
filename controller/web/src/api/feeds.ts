// The four feeds of the page, and which store each fills.
import type { CallOptions } from "@connectrpc/connect";
import type { Job, JobEvent } from "../gen/drover/v1/job_pb";
import { apply, beginPicture } from "../fleet/robots";
import { addJobs, applyEvent, jobsChanged, replaceJobs } from "../jobs/jobs";
import { setLayout, toLayout } from "../map/layout";
import { signedIn } from "../session/session";
import { hear } from "../store/site";
import { fleetService, jobService, siteService } from "./clients";
import { keep } from "./link";

const PAGE = 1_000;
/** New jobs are asked for together, this long after the first event that names one. */
const GATHER_MS = 700;
/** The watch has begun when its headers came, or after this long with servers that send them with the first event. */
const HEADERS_MS = 400;
const STATUS_SILENT_MS = 6_000;

export function startFeeds(): void {
  void keep({ name: "layout", once: true, run: runLayout });
  void keep({ name: "status", silentMs: STATUS_SILENT_MS, run: runStatus });
  void keep({ name: "robots", run: runRobots });
  void keep({ name: "jobs", run: runJobs });
}

let version = "";

async function runLayout(signal: AbortSignal, live: () => void): Promise<void> {
  const answer = await siteService.getLayout({}, { signal });
  version = answer.version;
  setLayout(toLayout(answer));
  live();
}

/** Another layout is in use than the one on the screen: it is fetched, once at a time. */
function follow(next: string): void {
  if (next === "" || version === "" || next === version) return;
  version = "";
  void keep({ name: "layout", once: true, run: runLayout });
}

async function runStatus(signal: AbortSignal, live: () => void): Promise<void> {
  for await (const status of siteService.watchStatus({}, { signal })) {
    hear(status, performance.now());
    follow(status.layoutVersion);
    signedIn();
    live();
  }
}

async function runRobots(signal: AbortSignal, live: () => void): Promise<void> {
  beginPicture();
  for await (const update of fleetService.watch({}, { signal, onHeader: live })) {
    apply(update, performance.now());
    live();
  }
}

// The watch begins before the list, so that no event falls between the two; those that came first are applied again.
async function runJobs(signal: AbortSignal, live: () => void): Promise<void> {
  let early: JobEvent[] | undefined = [];
  let begun = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
    setTimeout(resolve, HEADERS_MS);
  });
  const newcomers = new Newcomers(signal);
  const take = (event: JobEvent) => {
    if (!applyEvent(event)) newcomers.expect(event.jobId);
  };
  const watching = (async () => {
    for await (const event of jobService.watch({}, { signal, onHeader: begun })) {
      if (early) early.push(event);
      else take(event);
    }
  })();
  const listing = hasBegun.then(async () => {
    replaceJobs(await listAll({ signal }));
    early?.forEach(take);
    early = undefined;
    live();
  });
  await Promise.race([watching, listing.then(() => watching)]);
}

async function listAll(options: CallOptions): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let token = ""; ; ) {
    const page = await jobService.list({ page: { size: PAGE, token } }, options);
    jobs.push(...page.jobs);
    if (page.nextToken === "") return jobs;
    token = page.nextToken;
  }
}

/** Jobs that an event named before any list did. The newest come first in a list, so they are on its first pages. */
class Newcomers {
  private expected = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  expect(jobId: string): void {
    this.expected.add(jobId);
    this.timer ??= setTimeout(() => void this.fetch(), GATHER_MS);
  }

  private async fetch(): Promise<void> {
    this.timer = undefined;
    const wanted = this.expected;
    this.expected = new Set();
    try {
      const size = Math.min(PAGE, wanted.size + 50);
      for (let token = ""; wanted.size > 0; ) {
        const page = await jobService.list({ page: { size, token } }, { signal: this.signal });
        addJobs(page.jobs);
        for (const job of page.jobs) wanted.delete(job.spec?.jobId ?? "");
        if (page.nextToken === "") break;
        token = page.nextToken;
      }
    } catch {
      for (const id of wanted) this.expect(id);
    }
    jobsChanged.touch();
  }
}
