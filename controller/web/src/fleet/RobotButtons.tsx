import { useState } from "react";
import { change } from "../api/change";
import { fleetService } from "../api/clients";
import { linkChanged } from "../api/link";
import { RobotStatus } from "../gen/drover/v1/fleet_pb";
import { t as now, useT } from "../i18n";
import { Icon } from "../icons";
import { refusalText } from "../session/words";
import { statusChanged, whyNot } from "../store/site";
import { useTopic } from "../store/topic";
import type { Seen } from "./robots";

export function RobotButtons({ seen }: { seen: Seen }) {
  const t = useT();
  useTopic(statusChanged);
  useTopic(linkChanged);
  const [isSending, setSending] = useState(false);
  const refusal = whyNot("operator");
  const isPaused = seen.robot.status === RobotStatus.PAUSED;
  const send = async (request: Promise<boolean>) => {
    setSending(true);
    await request;
    setSending(false);
  };
  const disabled = refusal !== undefined || isSending;
  return (
    <div className="robot-buttons">
      <button type="button" className="pause" disabled={disabled || isPaused} onClick={() => void send(pause(seen))}>
        <Icon name="pause" />
        {t("robot.pause")}
      </button>
      <button type="button" className="resume" disabled={disabled} onClick={() => void send(resume(seen))}>
        <Icon name="play" />
        {t("robot.resume")}
      </button>
      {refusal && <small className="why">{refusalText(refusal, t)}</small>}
    </div>
  );
}

function pause({ robot, label }: Seen): Promise<boolean> {
  const robots = robot.id ? [robot.id] : [];
  return change(
    (idempotencyKey, options) => fleetService.pause({ idempotencyKey, robots, reason: now("robot.pauseReason") }, options),
    () => now("robot.pauseDone", { robot: label }),
    now("robot.pauseFailed", { robot: label }),
  );
}

function resume({ robot, label }: Seen): Promise<boolean> {
  const robots = robot.id ? [robot.id] : [];
  return change(
    (idempotencyKey, options) => fleetService.resume({ idempotencyKey, robots }, options),
    () => now("robot.resumeDone", { robot: label }),
    now("robot.resumeFailed", { robot: label }),
  );
}
