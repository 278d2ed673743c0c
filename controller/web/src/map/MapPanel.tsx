import { useEffect, useRef, useState } from "react";
import { feedStates, linkChanged } from "../api/link";
import { allRobots, robotsChanged, selectionChanged } from "../fleet/robots";
import { RobotCounts } from "../fleet/RobotCounts";
import { useT } from "../i18n";
import { Icon } from "../icons";
import { askedWith, sessionChanged } from "../session/session";
import { showToTests } from "../testHook";
import { statusChanged } from "../store/site";
import { useTopic } from "../store/topic";
import { listenToGestures } from "./gestures";
import { layout, layoutChanged } from "./layout";
import { Legend } from "./Legend";
import { Scene } from "./scene";

const STEP = 1.4;
/** More than two pixels per pixel costs time and shows nothing. */
const DPR_MAX = 2;

export function MapPanel() {
  const t = useT();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [scene, setScene] = useState<Scene>();
  useEffect(() => {
    const made = new Scene(canvas.current!);
    setScene(made);
    return begin(made, canvas.current!);
  }, []);
  useEffect(() => scene?.invalidate());
  return (
    <section className="panel map" aria-label={t("feed.layout")}>
      <div className="map-head">
        <RobotCounts />
        <Floors scene={scene} />
      </div>
      <div className="map-floor">
        <MapCanvas canvas={canvas} />
        <MapNotes />
      </div>
      <div className="map-foot">
        <Legend />
        <div className="map-buttons">
          <button type="button" aria-label={t("map.zoomIn")} title={t("map.zoomIn")} onClick={() => scene?.zoom(STEP)}>
            <Icon name="plus" />
          </button>
          <button type="button" aria-label={t("map.zoomOut")} title={t("map.zoomOut")} onClick={() => scene?.zoom(1 / STEP)}>
            <Icon name="minus" />
          </button>
          <button type="button" aria-label={t("map.fit")} title={t("map.fit")} onClick={() => scene?.fit()}>
            <Icon name="fit" />
          </button>
        </div>
      </div>
    </section>
  );
}

function MapCanvas({ canvas }: { canvas: React.RefObject<HTMLCanvasElement | null> }) {
  const t = useT();
  useTopic(robotsChanged);
  return <canvas ref={canvas} tabIndex={0} role="img" aria-label={t("map.label", { n: allRobots().size })} />;
}

function begin(scene: Scene, canvas: HTMLCanvasElement): () => void {
  const fitIn = new ResizeObserver(() => {
    const box = canvas.parentElement!.getBoundingClientRect();
    scene.resize({ width: box.width, height: box.height }, Math.min(DPR_MAX, devicePixelRatio || 1));
  });
  fitIn.observe(canvas.parentElement!);
  const theme = matchMedia("(prefers-color-scheme: dark)");
  const recolour = () => scene.recolour();
  theme.addEventListener("change", recolour);
  const again = () => scene.invalidate();
  const topics = [statusChanged, robotsChanged, selectionChanged].map((topic) => topic.subscribe(again));
  topics.push(layoutChanged.subscribe(() => scene.relay()));
  const stopGestures = listenToGestures(canvas, scene);
  showToTests(scene);
  return () => {
    fitIn.disconnect();
    theme.removeEventListener("change", recolour);
    topics.forEach((off) => off());
    stopGestures();
    scene.stop();
  };
}

function MapNotes() {
  const t = useT();
  useTopic(layoutChanged);
  useTopic(linkChanged);
  const isBroken = feedStates().get("status")?.is === "retrying" || feedStates().get("robots")?.is === "retrying";
  useTopic(sessionChanged);
  if (!layout()) return <p className="map-note">{t(askedWith() === "UNAUTHENTICATED" ? "session.needed" : "map.loading")}</p>;
  return isBroken ? <p className="map-note stale">{t("link.stale")}</p> : null;
}

function Floors({ scene }: { scene: Scene | undefined }) {
  const t = useT();
  useTopic(layoutChanged);
  const [, shown] = useState("");
  const maps = layout()?.maps ?? [];
  if (!scene || maps.length < 2) return null;
  const show = (map: string) => {
    scene.map = map;
    scene.fit();
    shown(map);
  };
  return (
    <div className="floors" role="group" aria-label={t("map.floor")}>
      {maps.map((map) => (
        <button key={map} type="button" aria-pressed={scene.map === map} onClick={() => show(map)}>{map}</button>
      ))}
    </div>
  );
}
