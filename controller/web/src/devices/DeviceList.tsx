import type { Device } from "../gen/drover/v1/site_pb";
import { useT } from "../i18n";
import { status, statusChanged } from "../store/site";
import { useTopic } from "../store/topic";
import { kindKey, lookKey, lookOf } from "./words";

export function DeviceList() {
  const t = useT();
  useTopic(statusChanged);
  const devices = status()?.devices ?? [];
  if (devices.length === 0) return <p className="empty">{t("devices.empty")}</p>;
  return (
    <ul className="rows device-rows">
      {devices.map((device) => (
        <DeviceRow key={device.id} device={device} />
      ))}
    </ul>
  );
}

function DeviceRow({ device }: { device: Device }) {
  const t = useT();
  const look = lookOf(device);
  const { requested } = device;
  const isWantedOtherwise = (requested === "open" || requested === "closed") && requested !== look;
  return (
    <li className={`device ${look}`} data-device={device.id} data-look={look}>
      <span className="device-mark" />
      <b>{device.id}</b>
      <span className="device-kind">{t(kindKey(device.kind))}</span>
      {isWantedOtherwise && <small>{t("door.wanted", { state: t(lookKey(requested)) })}</small>}
      <span className="device-state">{t(lookKey(look))}</span>
    </li>
  );
}
