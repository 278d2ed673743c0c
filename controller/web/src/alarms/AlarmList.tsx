import { age } from "../clock/format";
import type { Alarm } from "../gen/drover/v1/site_pb";
import { lang, textOfCode, useT } from "../i18n";
import { keyOf, select } from "../fleet/robots";
import { Icon } from "../icons";
import { fleetNow, status, statusChanged } from "../store/site";
import { useTick } from "../store/tick";
import { useTopic } from "../store/topic";

export function AlarmList() {
  const t = useT();
  useTopic(statusChanged);
  useTick();
  const alarms = status()?.alarms ?? [];
  if (alarms.length === 0) return <p className="empty">{t("alarms.empty")}</p>;
  return (
    <ul className="rows alarm-rows">
      {alarms.map((alarm) => (
        <AlarmRow key={String(alarm.id)} alarm={alarm} />
      ))}
    </ul>
  );
}

function AlarmRow({ alarm }: { alarm: Alarm }) {
  const t = useT();
  const { robot, device, code } = alarm;
  const isGood = code === "DEVICE_BACK" || code === "EDGE_OPEN" || code === "LAYOUT_CHANGED";
  // The service's own sentence is in English only.
  const detail = lang() === "en" ? alarm.text : undefined;
  return (
    <li className={isGood ? "alarm good" : "alarm"} data-code={code}>
      <Icon name={isGood ? "check" : "alert"} size={18} />
      <span className="alarm-text" title={detail}>
        <b>
          {robot && (
            <button type="button" className="name" onClick={() => select(keyOf(robot))}>{robot.serial}</button>
          )}
          {device && <span className="name">{device}</span>}
        </b>
        {textOfCode("alarm", code)}
      </span>
      <small className="age">{age(Number(alarm.atMs), fleetNow(), t)}</small>
    </li>
  );
}
