// Drives the page at a running controller (or at the mock) as an operator would. Prints JSON; exits 1 on any failure.
//
//   node e2e/page.mjs --url http://127.0.0.1:8080 [--shots DIR] [--expect-robots N] [--token T] [--seconds 10]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withBrowser } from "./browser.mjs";
import { firstPaint, frames, listen, moved, openPage, ready, waitFor } from "./steps.mjs";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    shots: { type: "string" },
    "expect-robots": { type: "string", default: "1" },
    token: { type: "string" },
    seconds: { type: "string", default: "10" },
  },
});

const SIZES = { wall: [1920, 1080], landscape: [1280, 800], portrait: [800, 1280] };
const PATIENCE_MS = 60_000;

async function main() {
  if (!values.url) throw new Error("--url is missing, e.g. --url http://127.0.0.1:8080");
  const expected = Number(values["expect-robots"]);
  return withBrowser({}, async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    const heard = listen(page);
    await openPage(page, `${values.url}/?lang=ko`, values.token);
    await ready(page, expected, PATIENCE_MS);
    const first_paint_ms = await firstPaint(page);
    const robots_moved = await moved(page, PATIENCE_MS);
    const measured = await frames(page, Number(values.seconds));
    await zoneStopAndResume(page);
    await pauseAndResume(page);
    await bothLanguages(page);
    const robots = (await page.evaluate(() => window.__drover.robots())).length;
    if (values.shots) await screenshots(page, values.shots);
    if (heard.errors.length > 0) throw new Error(`the page complained:\n${heard.errors.join("\n")}`);
    return { ok: true, first_paint_ms, robots, robots_moved, jobs: await page.evaluate(() => window.__drover.jobs()), ...measured, bundle_bytes: heard.bytes() };
  });
}

async function zoneStopAndResume(page) {
  const place = page.locator(".zone-place[data-stopped=false]").first();
  await place.waitFor({ timeout: PATIENCE_MS }).catch(() => { throw new Error("no zone that could be stopped is shown"); });
  const zone = await place.getAttribute("data-zone");
  const tile = page.locator(`.zone-place[data-zone="${zone}"]`);
  const button = tile.locator("button");
  const { height } = await button.boundingBox();
  if (height < 64) throw new Error(`the stop of zone ${zone} is ${height} px high, not 64`);
  if (await button.isDisabled()) throw new Error(`zone ${zone} can't be stopped: ${await button.innerText()}`);
  await button.click();
  const isStopped = (wanted) => page.evaluate(([id, is]) => window.__drover.zones().some((one) => one.id === id && one.stopped === is), [zone, wanted]);
  await waitFor(() => isStopped(true), PATIENCE_MS, `zone ${zone} wasn't shown as stopped`);
  await tile.locator("button.stopped").waitFor({ timeout: PATIENCE_MS });
  if (values.shots) await page.screenshot({ path: join(shotsFolder(), "zone-stopped-ko.png") });
  await tile.locator("button.stopped").click();
  await page.waitForTimeout(400);
  if (!(await isStopped(true))) throw new Error(`one short press resumed zone ${zone}`);
  await waitFor(async () => !(await tile.locator("button").isDisabled()), PATIENCE_MS, `zone ${zone} can't be resumed`);
  await tile.locator("button.stopped").hover();
  await page.mouse.down();
  await page.waitForTimeout(1_800);
  await page.mouse.up();
  await waitFor(() => isStopped(false), PATIENCE_MS, `zone ${zone} wasn't shown as resumed`);
}

async function pauseAndResume(page) {
  const key = await pressRobot(page);
  const card = page.locator(`section.robot[data-robot="${key}"]`);
  await card.waitFor({ timeout: PATIENCE_MS });
  const statusIs = (wanted) => page.evaluate(([id, is, status]) =>
    window.__drover.robots().some((robot) => robot.key === id && (robot.status === status) === is), [key, wanted, "PAUSED"]);
  await card.locator("button.pause").click({ timeout: PATIENCE_MS });
  await waitFor(() => statusIs(true), PATIENCE_MS, `robot ${key} wasn't shown as paused`);
  await card.locator("[data-status=PAUSED]").waitFor({ timeout: PATIENCE_MS });
  if (values.shots) await page.screenshot({ path: join(shotsFolder(), "robot-paused-ko.png") });
  await card.locator("button.resume").click({ timeout: PATIENCE_MS });
  await waitFor(() => statusIs(false), PATIENCE_MS, `robot ${key} wasn't shown as resumed`);
}

/** Presses a robot on the map: one that works, so that pausing it shows. */
async function pressRobot(page) {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const robots = await page.evaluate(() => window.__drover.robots());
    const working = robots.filter(({ status, screen }) => screen && ["DRIVING", "WAITING", "ACTING", "IDLE"].includes(status));
    const chosen = working[attempt % Math.max(1, working.length)];
    if (chosen) {
      await page.locator(".map canvas").click({ position: chosen.screen, force: true });
      const { selected } = await page.evaluate(() => window.__drover.state());
      if (selected && working.some(({ key }) => key === selected)) return selected;
    }
    await page.waitForTimeout(250);
  }
  throw new Error("no robot could be selected by pressing it on the map");
}

async function bothLanguages(page) {
  const title = () => page.locator("section.zones h2").innerText();
  for (const [lang, wanted] of [["en", "Zone stop"], ["ko", "구역 정지"]]) {
    await page.locator(`[data-lang=${lang}]`).click();
    await waitFor(async () => (await title()) === wanted, PATIENCE_MS, `the page isn't shown in ${lang}`);
    const note = lang === "en" ? "Not a safety e-stop: operational stop" : "안전 비상정지가 아님: 운영상의 정지";
    if (!(await page.getByText(note).isVisible())) throw new Error(`the note on zone stops isn't shown in ${lang}`);
  }
}

function shotsFolder() {
  mkdirSync(values.shots, { recursive: true });
  return values.shots;
}

async function screenshots(page, folder) {
  for (const [name, [width, height]] of Object.entries(SIZES)) {
    await page.setViewportSize({ width, height });
    for (const lang of ["ko", "en"]) {
      await page.locator(`[data-lang=${lang}]`).click();
      for (const close of await page.locator(".notice button").all()) await close.click().catch(() => {});
      await page.waitForTimeout(700);
      await page.screenshot({ path: join(folder, `${name}-${lang}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(folder, "wall-dark-en.png") });
}

main().then(
  (result) => console.log(JSON.stringify(result, null, 2)),
  (error) => {
    console.error(`page: ${error.message.split("\nCall log")[0]}`);
    process.exitCode = 1;
  },
);
