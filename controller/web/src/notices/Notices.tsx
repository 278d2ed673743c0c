import { useT } from "../i18n";
import { Icon } from "../icons";
import { useTopic } from "../store/topic";
import { dismiss, notices, noticesChanged } from "./notices";

export function Notices() {
  const t = useT();
  useTopic(noticesChanged);
  return (
    <div className="notices" aria-live="polite">
      {notices().map(({ id, kind, text }) => (
        <div key={id} className={`notice ${kind}`}>
          <Icon name={kind === "done" ? "check" : "alert"} />
          <span>{text}</span>
          <button type="button" className="plain" aria-label={t("notice.dismiss")} onClick={() => dismiss(id)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
