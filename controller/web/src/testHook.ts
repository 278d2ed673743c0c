// What tests of the page may read: `window.__drover`. It changes nothing but its own frame count.
import { feedStates, isLive } from "./api/link";
import { RobotStatus } from "./gen/drover/v1/fleet_pb";
import { allRobots, selectedKey } from "./fleet/robots";
import { lang } from "./i18n";
import { allJobs } from "./jobs/jobs";
import type { FrameCount } from "./map/frames";
import type { Point } from "./map/layout";
import type { Scene } from "./map/scene";
import { role, status } from "./store/site";

interface RobotSeen {
  key: string;
  label: string;
  status: string;
  x: number;
  y: number;
  screen: Point | undefined;
}

export interface TestHook {
  robots(): RobotSeen[];
  jobs(): number;
  zones(): { id: string; stopped: boolean }[];
  state(): { live: boolean; lang: string; role: string | undefined; selected: string | undefined; feeds: Record<string, string> };
  frames(): FrameCount;
  resetFrames(): void;
}

declare global {
  interface Window {
    __drover?: TestHook;
  }
}

export function showToTests(scene: Scene): void {
  window.__drover = Object.freeze<TestHook>({
    robots: () =>
      [...allRobots().values()].map(({ key, label, robot, drawn }) => ({
        key,
        label,
        status: RobotStatus[robot.status],
        x: drawn.x,
        y: drawn.y,
        screen: scene.screenOf(drawn),
      })),
    jobs: () => allJobs().size,
    zones: () => (status()?.zones ?? []).map(({ id, stopped }) => ({ id, stopped })),
    state: () => ({
      live: isLive(),
      lang: lang(),
      role: role(),
      selected: selectedKey(),
      feeds: Object.fromEntries([...feedStates()].map(([name, state]) => [name, state.is])),
    }),
    frames: () => scene.frames.read(),
    resetFrames: () => scene.frames.reset(),
  });
}
