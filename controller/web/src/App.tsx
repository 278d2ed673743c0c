import { useState } from "react";
import { AlarmList } from "./alarms/AlarmList";
import { DeviceList } from "./devices/DeviceList";
import { RobotCard } from "./fleet/RobotCard";
import { Header } from "./header/Header";
import { type Key, useT } from "./i18n";
import { TruckList } from "./jobs/TruckList";
import { MapPanel } from "./map/MapPanel";
import { Notices } from "./notices/Notices";
import { useMedia } from "./useMedia";
import { ZonePanel } from "./zones/ZonePanel";

/** As in the style sheet: here every list has a place of its own. */
const WALL = "(min-width: 1500px) and (min-height: 820px)";

export function App() {
  const t = useT();
  const isWall = useMedia(WALL);
  return (
    <>
      <a className="skip" href="#main">{t("app.skip")}</a>
      <Header />
      <main id="main" className="page">
        <MapPanel />
        <ZonePanel />
        <RobotCard />
        {isWall ? <Lists /> : <Tabs />}
      </main>
      <Notices />
    </>
  );
}

function Lists() {
  const t = useT();
  return (
    <>
      <section className="panel trucks" aria-label={t("trucks.title")}>
        <h2>{t("trucks.title")}</h2>
        <TruckList />
      </section>
      <section className="panel alarms" aria-label={t("alarms.title")}>
        <h2>{t("alarms.title")}</h2>
        <AlarmList />
      </section>
      <section className="panel devices" aria-label={t("devices.title")}>
        <h2>{t("devices.title")}</h2>
        <DeviceList />
      </section>
    </>
  );
}

const TABS: readonly [Key, () => React.JSX.Element][] = [
  ["trucks.title", TruckList],
  ["alarms.title", AlarmList],
  ["devices.title", DeviceList],
];

function Tabs() {
  const t = useT();
  const [chosen, choose] = useState(0);
  const [title, Shown] = TABS[chosen]!;
  return (
    <section className="panel tabs" aria-label={t(title)}>
      <div className="tab-row" role="tablist" aria-label={t("tabs.label")}>
        {TABS.map(([key], i) => (
          <button key={key} type="button" role="tab" aria-selected={i === chosen} aria-controls="tab-shown" onClick={() => choose(i)}>
            {t(key)}
          </button>
        ))}
      </div>
      <div id="tab-shown" role="tabpanel" className="tab-shown">
        <Shown />
      </div>
    </section>
  );
}
