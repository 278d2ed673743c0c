// Measures the page on the mock: 200 robots, one report a second each. Prints JSON; asserts nothing.
// The same browser on an empty page tells what the machine itself drops meanwhile.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { withBrowser } from "./browser.mjs";
import { firstPaint, frames, listen, moved, openPage, ready } from "./steps.mjs";

const { values } = parseArgs({
  options: { robots: { type: "string", default: "200" }, hz: { type: "string", default: "1" }, seconds: { type: "string", default: "20" } },
});
const PATIENCE_MS = 60_000;

function startMock() {
  const args = ["dev/mock.ts", "--", "--port", "0", "--robots", values.robots, "--hz", values.hz, "--ghosts"];
  const mock = spawn("vite-node", args, { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    mock.once("error", reject);
    mock.once("exit", (code) => reject(new Error(`the mock ended with ${code}`)));
    mock.stdout.on("data", (text) => {
      const url = /http:\S+/.exec(String(text))?.[0];
      if (url) resolve({ url, stop: () => mock.kill() });
    });
  });
}

const EMPTY = `data:text/html,<script>
  const gaps = []; let last; let period = 0;
  requestAnimationFrame(function frame(at) { if (last) gaps.push(at - last); last = at; requestAnimationFrame(frame); });
  window.read = () => { const s = [...gaps].sort((a, b) => a - b); period = s[s.length >> 1];
    return { frames: gaps.length, frames_dropped: gaps.reduce((n, gap) => n + Math.max(0, Math.round(gap / period) - 1), 0) }; };
</script>`;

async function emptyPage() {
  return withBrowser({}, async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(EMPTY);
    await page.waitForTimeout(Number(values.seconds) * 1_000);
    return page.evaluate(() => window.read());
  });
}

async function site(url, viewport) {
  return withBrowser({ viewport }, async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    const heard = listen(page);
    await openPage(page, `${url}/?lang=ko`);
    await ready(page, Number(values.robots), PATIENCE_MS);
    const robots_moved = await moved(page, PATIENCE_MS);
    const first_paint_ms = await firstPaint(page);
    return { viewport: `${viewport.width}x${viewport.height}`, first_paint_ms, robots_moved, ...(await frames(page, Number(values.seconds))), bundle_bytes: heard.bytes() };
  });
}

const mock = await startMock();
try {
  const empty_page = await emptyPage();
  const wall = await site(mock.url, { width: 1920, height: 1080 });
  const tablet = await site(mock.url, { width: 1280, height: 800 });
  console.log(JSON.stringify({ robots: Number(values.robots), hz: Number(values.hz), empty_page, wall, tablet }, null, 2));
} finally {
  mock.stop();
}
