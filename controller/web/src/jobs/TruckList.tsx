import { useMemo, useState } from "react";
import { countdown, urgency } from "../clock/format";
import { useT } from "../i18n";
import { Icon } from "../icons";
import { fleetNow } from "../store/site";
import { useTick } from "../store/tick";
import { useTopic } from "../store/topic";
import { JobRows } from "./JobRows";
import { allJobs, jobsChanged } from "./jobs";
import { byTruck, type Truck } from "./trucks";

export function TruckList() {
  const t = useT();
  const version = useTopic(jobsChanged);
  useTick();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the version stands for the store's contents.
  const trucks = useMemo(() => byTruck(allJobs().values()), [version]);
  const [opened, open] = useState<string | undefined>(undefined);
  if (trucks.length === 0) return <p className="empty">{t("trucks.empty")}</p>;
  return (
    <ul className="truck-rows">
      {trucks.map((truck) => (
        <TruckRow key={truck.name} truck={truck} isOpen={opened === truck.name} onToggle={() => open(opened === truck.name ? undefined : truck.name)} />
      ))}
    </ul>
  );
}

function TruckRow({ truck, isOpen, onToggle }: { truck: Truck; isOpen: boolean; onToggle: () => void }) {
  const t = useT();
  const name = truck.name || t("trucks.other");
  const share = truck.total > 0 ? (truck.done / truck.total) * 100 : 0;
  return (
    <li className="truck" data-truck={truck.name}>
      <button type="button" className="truck-row" aria-expanded={isOpen} aria-label={t("trucks.expand", { truck: name })} onClick={onToggle}>
        <Icon name={truck.name ? "truck" : "list"} size={22} />
        <span className="truck-middle">
          <span className="truck-line">
            <b>{name}</b>
            <Marks truck={truck} />
            <span className="truck-count">{t("trucks.progress", { done: truck.done, total: truck.total })}</span>
          </span>
          <span className={`bar ${truck.failed + truck.blocked > 0 ? "bad" : truck.atRisk > 0 ? "risk" : ""}`}>
            <span style={{ width: `${share}%` }} />
          </span>
        </span>
        <Cutoff truck={truck} />
        <span className={isOpen ? "chevron open" : "chevron"}>
          <Icon name="chevron" size={18} />
        </span>
      </button>
      {isOpen && <JobRows jobs={truck.jobs} />}
    </li>
  );
}

function Marks({ truck }: { truck: Truck }) {
  const t = useT();
  return (
    <>
      {truck.atRisk > 0 && <span className="mark risk">{t("trucks.atRisk", { n: truck.atRisk })}</span>}
      {truck.blocked > 0 && <span className="mark risk">{t("trucks.blocked", { n: truck.blocked })}</span>}
      {truck.failed > 0 && <span className="mark bad">{t("trucks.failed", { n: truck.failed })}</span>}
    </>
  );
}

function Cutoff({ truck }: { truck: Truck }) {
  const t = useT();
  const now = fleetNow();
  if (truck.isFinished) {
    const text = truck.late > 0 ? t("trucks.finishedLate", { n: truck.late }) : t("trucks.finished");
    return (
      <span className={truck.late > 0 ? "cutoff finished late" : "cutoff finished"}>
        <Icon name={truck.late > 0 ? "alert" : "check"} size={18} />
        <small>{text}</small>
      </span>
    );
  }
  if (truck.cutoffMs === undefined || now === undefined) {
    return (
      <span className="cutoff">
        <small>{t("trucks.noCutoff")}</small>
      </span>
    );
  }
  const left = truck.cutoffMs - now;
  return (
    <span className={`cutoff ${urgency(left)}`}>
      <b>{countdown(left)}</b>
      <small>{t(left < 0 ? "trucks.late" : "trucks.left")}</small>
    </span>
  );
}
