import { age } from "../clock/format";
import { type Robot, RobotStatus } from "../gen/drover/v1/fleet_pb";
import { lang, textOfCode, type Translate, useT } from "../i18n";
import { Icon } from "../icons";
import { fleetNow, status, statusChanged } from "../store/site";
import { useTick } from "../store/tick";
import { useTopic } from "../store/topic";
import { RobotButtons } from "./RobotButtons";
import { allRobots, robotsChanged, type Seen, select, selectedKey, selectionChanged } from "./robots";
import { loadText, MODE_KEY, shortName, STATUS_CLASS, STATUS_KEY, waitsText } from "./words";

export function RobotCard() {
  const t = useT();
  useTopic(robotsChanged);
  useTopic(selectionChanged);
  const key = selectedKey();
  const seen = key === undefined ? undefined : allRobots().get(key);
  return (
    <section className="panel robot" aria-label={t("robot.title")} data-robot={key}>
      <div className="robot-card">
        <div className="robot-head">
          <h2>{t("robot.title")}</h2>
          <Chooser chosen={key} />
          {seen && <Status seen={seen} />}
          {key !== undefined && (
            <button type="button" className="plain" aria-label={t("robot.close")} title={t("robot.close")} onClick={() => select(undefined)}>
              <Icon name="close" size={18} />
            </button>
          )}
        </div>
        {seen ? (
          <Details seen={seen} />
        ) : (
          <p className="empty">{key === undefined ? t("robot.hint") : t("robot.gone", { robot: shortName(key) })}</p>
        )}
      </div>
    </section>
  );
}

function Chooser({ chosen }: { chosen: string | undefined }) {
  const t = useT();
  const names = [...allRobots().values()].sort((a, b) => a.label.localeCompare(b.label, "en", { numeric: true }));
  return (
    <select aria-label={t("robot.choose")} value={chosen ?? ""} onChange={(event) => select(event.target.value || undefined)}>
      <option value="">{t("robot.none")}</option>
      {names.map(({ key, label }) => (
        <option key={key} value={key}>{label}</option>
      ))}
    </select>
  );
}

function Details({ seen }: { seen: Seen }) {
  const t = useT();
  useTick();
  useTopic(statusChanged);
  const { robot } = seen;
  const lastState = robot.lastStateAtMs === undefined ? undefined : Number(robot.lastStateAtMs);
  const isWaiting = robot.waitsFor.length > 0;
  return (
    <>
        <dl className="facts">
          <div>
            <dt>{t("robot.battery")}</dt>
            <dd><Battery seen={seen} /></dd>
          </div>
          <Fact name={t("robot.job")} value={robot.jobId || t("robot.jobNone")} />
          <Fact name={t("robot.load")} value={loadText(robot, t)} />
          <Fact name={t("robot.waits")} value={waitsText(robot, status(), t)} mark={isWaiting ? "wait" : undefined} />
          <Fact name={t("robot.mode")} value={t(MODE_KEY[robot.mode])} />
          <Fact name={t("robot.lastState")} value={robot.online ? age(lastState, fleetNow(), t) : `${t("robot.offline")} · ${age(lastState, fleetNow(), t)}`} />
          <Fact name={t("robot.lastNode")} value={robot.lastNode || "–"} />
        {robot.errors.length > 0 && <Fact name={t("robot.errors")} value={errorText(robot, t)} mark="bad" />}
        </dl>
      <RobotButtons seen={seen} />
    </>
  );
}

function Status({ seen: { robot } }: { seen: Seen }) {
  const t = useT();
  return (
    <span className="status" data-status={RobotStatus[robot.status]}>
      <span className={`dot ${STATUS_CLASS[robot.status]}`} />
      {t(STATUS_KEY[robot.status])}
    </span>
  );
}

function Fact({ name, value, mark }: { name: string; value: string; mark?: "wait" | "bad" | undefined }) {
  return (
    <div className={mark}>
      <dt>{name}</dt>
      <dd title={value}>{value}</dd>
    </div>
  );
}

function Battery({ seen }: { seen: Seen }) {
  const t = useT();
  const { battery } = seen.robot;
  if (!battery) return "–";
  const percent = Math.round(battery.chargePercent);
  const level = percent < 15 ? "low" : percent < 30 ? "middle" : "good";
  const more = battery.charging ? t("robot.charging") : battery.reachM !== undefined ? t("robot.reach", { m: String(battery.reachM) }) : "";
  return (
    <span className={`battery ${level}`}>
      <span className="battery-bar" role="img" aria-label={`${t("robot.battery")} ${percent}%`}>
        <span style={{ width: `${percent}%` }} />
      </span>
      <b>{percent}%</b>
      {battery.charging && <Icon name="bolt" size={16} />}
      {more && <small>{more}</small>}
    </span>
  );
}

/** What a robot writes about its error is in the language of its maker; only its type is a code. */
function errorText({ errors }: Robot, t: Translate): string {
  const texts = errors.map(({ type, description, fatal }) => {
    const what = lang() === "en" ? [type, description].filter(Boolean).join(": ") : textOfCode("alarm", type);
    return fatal ? `${what} · ${t("robot.errorFatal")}` : what;
  });
  return texts.join(", ");
}
