import { type FeedName, feedStates, linkChanged, reconnect } from "../api/link";
import { useT, type Translate } from "../i18n";
import { Icon } from "../icons";
import { askedWith, sessionChanged } from "../session/session";
import { useTick } from "../store/tick";
import { useTopic } from "../store/topic";

export function LinkState() {
  const t = useT();
  useTopic(linkChanged);
  useTopic(sessionChanged);
  useTick();
  const { kind, text } = linkWords(t);
  return (
    <div className={`link ${kind}`} role="status" data-link={kind}>
      <span className="link-dot" />
      <span>{text}</span>
      {kind === "broken" && (
        <button type="button" className="plain" aria-label={t("link.retry")} title={t("link.retry")} onClick={reconnect}>
          <Icon name="retry" size={18} />
        </button>
      )}
    </div>
  );
}

type Words = { kind: "live" | "partial" | "wait" | "broken"; text: string };

function linkWords(t: Translate): Words {
  const states = feedStates();
  const main = states.get("status");
  if (askedWith() === "UNAUTHENTICATED") return { kind: "broken", text: t("link.signIn") };
  if (main?.is === "resting") return { kind: "wait", text: t("link.resting") };
  if (main?.is === "retrying") {
    const s = Math.ceil((main.at - performance.now()) / 1000);
    return { kind: "broken", text: s > 0 ? t("link.retrying", { s }) : t("link.retryingNow") };
  }
  if (main?.is !== "live") return { kind: "wait", text: t("link.connecting") };
  const broken: FeedName[] = [...states].filter(([, state]) => state.is === "retrying").map(([name]) => name);
  if (broken.length === 0) return { kind: "live", text: t("link.live") };
  return { kind: "partial", text: t("link.partial", { what: broken.map((name) => t(`feed.${name}`)).join(", ") }) };
}
