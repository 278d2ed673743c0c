import { useMemo } from "react";
import { timeOfDay } from "../clock/format";
import { lang, type Lang, setLang, useT } from "../i18n";
import { allJobs, jobsChanged } from "../jobs/jobs";
import { byTruck, totals } from "../jobs/trucks";
import { layout, layoutChanged } from "../map/layout";
import { fleetNow, status, statusChanged } from "../store/site";
import { useTick } from "../store/tick";
import { useTopic } from "../store/topic";
import { LinkState } from "./LinkState";
import { SignIn } from "./SignIn";

export function Header() {
  return (
    <header className="header">
      <SiteName />
      <LinkState />
      <Clock />
      <JobCounts />
      <div className="header-end">
        <LangSwitch />
        <SignIn />
      </div>
    </header>
  );
}

function SiteName() {
  const t = useT();
  useTopic(statusChanged);
  useTopic(layoutChanged);
  const now = status();
  const leads = now?.leads ?? false;
  return (
    <div className="site">
      <span className="brand">Drover</span>
      <h1>{now?.site || layout()?.site || "–"}</h1>
      {now && (
        <span className={leads ? "chip leader" : "chip standby"} title={t(leads ? "header.leaderHint" : "header.standbyHint")}>
          {t(leads ? "header.leader" : "header.standby")}
        </span>
      )}
    </div>
  );
}

function Clock() {
  const t = useT();
  useTick();
  const now = fleetNow();
  const speed = status()?.speed ?? 1;
  return (
    <div className="figure clock">
      <span className="figure-name">{t("header.clock")}</span>
      <span className="figure-value">
        {now === undefined ? "--:--:--" : timeOfDay(now)}
        {speed !== 1 && <small>{t("header.speed", { n: speed })}</small>}
      </span>
    </div>
  );
}

function JobCounts() {
  const t = useT();
  const version = useTopic(jobsChanged);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the version stands for the store's contents.
  const sum = useMemo(() => totals(byTruck(allJobs().values())), [version]);
  const share = sum.total > 0 ? sum.done / sum.total : 0;
  return (
    <>
      <div className="figure jobs-done">
        <span className="figure-name">{t("header.jobs")}</span>
        <span className="figure-value">
          {sum.done}<small> / {sum.total}</small>
        </span>
        <span className="bar" role="img" aria-label={t("header.jobsDone", { done: sum.done, total: sum.total })}>
          <span style={{ width: `${share * 100}%` }} />
        </span>
      </div>
      <div className="figure">
        <span className="figure-name">{t("header.onTime")}</span>
        <span className="figure-value">
          {sum.withDue > 0 ? `${Math.floor((sum.onTime / sum.withDue) * 1000) / 10}%` : "–"}
        </span>
      </div>
      {sum.atRisk + sum.failed > 0 && (
        <div className="figure bad">
          <span className="figure-name">{`${t("header.atRisk")} · ${t("header.failed")}`}</span>
          <span className="figure-value">{`${sum.atRisk} · ${sum.failed}`}</span>
        </div>
      )}
    </>
  );
}

const LANGS: readonly Lang[] = ["ko", "en"];

function LangSwitch() {
  const t = useT();
  return (
    <div className="lang" role="group" aria-label={t("lang.label")}>
      {LANGS.map((one) => (
        <button key={one} type="button" lang={one} aria-pressed={lang() === one} data-lang={one} onClick={() => setLang(one)}>
          {t(`lang.${one}`)}
        </button>
      ))}
    </div>
  );
}
