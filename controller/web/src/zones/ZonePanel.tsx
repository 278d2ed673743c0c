import { useEffect, useState } from "react";
import { change } from "../api/change";
import { siteService } from "../api/clients";
import { linkChanged } from "../api/link";
import { duration } from "../clock/format";
import type { Zone } from "../gen/drover/v1/site_pb";
import { t as now, useT } from "../i18n";
import { Icon } from "../icons";
import { refusalText } from "../session/words";
import { fleetNow, status, statusChanged, whyNoStop, whyNot } from "../store/site";
import { useTick } from "../store/tick";
import { useTopic } from "../store/topic";
import { HoldButton } from "./HoldButton";
import { zoneKey } from "./words";

const SHOWN_WITHIN_MS = 2_500;

export function ZonePanel() {
  const t = useT();
  useTopic(statusChanged);
  useTopic(linkChanged);
  const zones = status()?.zones ?? [];
  return (
    <section className="panel zones" aria-label={t("zones.title")}>
      <div className="zones-head">
        <h2>{t("zones.title")}</h2>
        <p className="zones-note">{t("zones.note")}</p>
      </div>
      {status() && zones.length === 0 && <p className="empty">{t("zones.empty")}</p>}
      <div className="zone-grid">
        {zones.map((zone) => (
          <Tile key={zone.id} zone={zone} />
        ))}
      </div>
    </section>
  );
}

function Tile({ zone }: { zone: Zone }) {
  const [isSending, setSending] = useState(false);
  // Until the status shows what the press did.
  useEffect(() => setSending(false), [zone.stopped]);
  const send = async (request: Promise<boolean>) => {
    setSending(true);
    const isDone = await request;
    setTimeout(() => setSending(false), isDone ? SHOWN_WITHIN_MS : 0);
  };
  return (
    <div className="zone-place" data-zone={zone.id} data-stopped={zone.stopped}>
      {zone.stopped ? (
        <Stopped zone={zone} isSending={isSending} onResume={() => void send(resume(zone.id))} />
      ) : (
        <Running zone={zone} isSending={isSending} onStop={() => void send(stop(zone.id))} />
      )}
    </div>
  );
}

function stop(zone: string): Promise<boolean> {
  return change(
    (idempotencyKey, options) => siteService.stopZone({ idempotencyKey, zone, reason: now("zones.stopReason") }, options),
    ({ robots }) => now("zones.stopDone", { zone, n: robots.length }),
    now("zones.stopFailed", { zone }),
  );
}

function resume(zone: string): Promise<boolean> {
  return change(
    (idempotencyKey, options) => siteService.resumeZone({ idempotencyKey, zone }, options),
    () => now("zones.resumeDone", { zone }),
    now("zones.resumeFailed", { zone }),
  );
}

function Name({ zone }: { zone: Zone }) {
  const t = useT();
  return (
    <span className="zone-name">
      <b>{zone.id}</b>
      <small>{t(zoneKey(zone.temperature))}</small>
    </span>
  );
}

function Running({ zone, isSending, onStop }: { zone: Zone; isSending: boolean; onStop: () => void }) {
  const t = useT();
  const refusal = whyNoStop("operator");
  return (
    <button
      type="button"
      className={`zone running ${zone.temperature || "none"} ${refusal ? "refused" : ""}`}
      aria-label={t("zones.stopLabel", { zone: zone.id })}
      disabled={refusal !== undefined || isSending}
      onClick={onStop}
    >
      <Name zone={zone} />
      <span className="zone-act">
        {refusal ? (
          <small className="why">{refusalText(refusal, t)}</small>
        ) : (
          <>
            <Icon name="stop" size={26} />
            {t(isSending ? "zones.sending" : "zones.stop")}
          </>
        )}
      </span>
    </button>
  );
}

function Stopped({ zone, isSending, onResume }: { zone: Zone; isSending: boolean; onResume: () => void }) {
  const t = useT();
  useTick();
  const refusal = whyNot("operator");
  const [at, clock] = [zone.stoppedAtMs, fleetNow()];
  const since = at === undefined || clock === undefined ? "" : duration(clock - Number(at), t);
  const who = zone.stoppedBy || t("zones.byUnknown");
  return (
    <HoldButton
      className={refusal ? "zone stopped refused" : "zone stopped"}
      label={t("zones.resumeLabel", { zone: zone.id })}
      disabled={refusal !== undefined || isSending}
      onHeld={onResume}
    >
      {(isArmed) => (
        <>
          <span className="zone-name">
            <b>{zone.id}</b>
            <small>{`${t("zones.stopped")} · ${since ? t("zones.by", { who, since }) : who}`}</small>
          </span>
          <span className="zone-act">
            {refusal ? (
              <small className="why">{refusalText(refusal, t)}</small>
            ) : (
              <>
                <Icon name="play" size={20} />
                {t(isSending ? "zones.resuming" : isArmed ? "zones.resumeAgain" : "zones.resume")}
              </>
            )}
          </span>
        </>
      )}
    </HoldButton>
  );
}
