// Robots by status, in the colours of the map: its legend, too.
import { useT } from "../i18n";
import { useTopic } from "../store/topic";
import { allRobots, countByStatus, robotsChanged } from "./robots";
import { STATUS_CLASS, STATUS_KEY, STATUS_ORDER } from "./words";

export function RobotCounts() {
  const t = useT();
  useTopic(robotsChanged);
  const counts = countByStatus();
  return (
    <div className="robot-counts">
      <span className="figure-name">{`${t("header.robots")} ${allRobots().size}`}</span>
      <ul>
        {STATUS_ORDER.filter((one) => counts.has(one)).map((one) => (
          <li key={one}>
            <span className={`dot ${STATUS_CLASS[one]}`} />
            {t(STATUS_KEY[one])}
            <b>{counts.get(one)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}
