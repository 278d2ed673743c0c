import { useState } from "react";
import type { Look } from "../devices/words";
import { type Key, useT } from "../i18n";
import { Icon } from "../icons";
import { useMedia } from "../useMedia";

const LOOKS: readonly Look[] = ["open", "opening", "closing", "closed", "fault", "unknown"];
const PLACES: readonly ["pick" | "dock" | "charger", Key][] = [
  ["pick", "legend.pick"],
  ["dock", "legend.dock"],
  ["charger", "legend.charger"],
];

/** Room enough to show all of it at once. */
const WIDE = "(min-width: 1500px)";

export function Legend() {
  const t = useT();
  const isWide = useMedia(WIDE);
  const [isOpen, open] = useState(false);
  return (
    <div className="legend">
      <ul aria-label={t("legend.zones")}>
        {(["frozen", "chilled", "ambient"] as const).map((one) => (
          <li key={one}>
            <span className={`swatch ${one}`} />
            {t(`temperature.${one}`)}
          </li>
        ))}
      </ul>
      {isWide ? (
        <>
          <Doors />
          <Places />
        </>
      ) : (
        <button type="button" className="plain" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
          {t(isOpen ? "legend.hide" : "legend.show")}
          <span className={isOpen ? "chevron" : "chevron open"}>
            <Icon name="chevron" size={16} />
          </span>
        </button>
      )}
      {isOpen && !isWide && (
        <div className="legend-more">
          <h3>{t("legend.doors")}</h3>
          <Doors />
          <h3>{t("legend.places")}</h3>
          <Places />
        </div>
      )}
    </div>
  );
}

function Doors() {
  const t = useT();
  return (
    <ul aria-label={t("legend.doors")}>
      {LOOKS.map((look) => (
        <li key={look}>
          <span className={`door-swatch ${look}`} />
          {t(`door.${look}`)}
        </li>
      ))}
    </ul>
  );
}

function Places() {
  const t = useT();
  return (
    <ul aria-label={t("legend.places")}>
      {PLACES.map(([kind, key]) => (
        <li key={kind}>
          <span className={`place-swatch ${kind}`} />
          {t(key)}
        </li>
      ))}
      <li>
        <span className="place-swatch loaded" />
        {t("legend.loaded")}
      </li>
      <li>
        <span className="place-swatch blocked" />
        {t("legend.blocked")}
      </li>
    </ul>
  );
}
