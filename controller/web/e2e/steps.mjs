// What the page's tests and measurements have in common.

export async function waitFor(isSo, limitMs, complaint) {
  const until = Date.now() + limitMs;
  while (Date.now() < until) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  throw new Error(`${complaint} (waited ${limitMs / 1000} s)`);
}

/** Collects what the page complains of, and how much it downloads. */
export function listen(page) {
  const errors = [];
  const sizes = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => errors.push(`uncaught: ${error.message}`));
  page.on("response", (response) => {
    if (/\.(js|css)(\?|$)/.test(response.url())) sizes.push(response.body().then((body) => body.length, () => 0));
  });
  const heard = { errors, bytes: () => heard.total, total: 0 };
  page.on("load", () => void Promise.all(sizes).then((all) => { heard.total = all.reduce((sum, size) => sum + size, 0); }));
  return heard;
}

export async function openPage(page, url, token) {
  await page.addInitScript((bearer) => {
    window.__paints = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.__paints.push([entry.name, entry.startTime]);
    }).observe({ type: "paint", buffered: true });
    if (bearer) sessionStorage.setItem("drover.token", bearer);
  }, token);
  const response = await page.goto(url, { waitUntil: "domcontentloaded" });
  if (!response?.ok()) throw new Error(`${url} answered ${response?.status()}`);
}

export async function ready(page, robots, limitMs) {
  const state = () => page.evaluate(() => window.__drover && { count: window.__drover.robots().length, drawn: window.__drover.robots().filter((one) => one.screen).length, ...window.__drover.state() });
  const isReady = async () => {
    const now = await state();
    return now?.live && now.count >= robots && now.drawn === now.count;
  };
  try {
    await waitFor(isReady, limitMs, `${robots} robots weren't drawn`);
  } catch (error) {
    throw new Error(`${error.message}; the page says ${JSON.stringify(await state())}`);
  }
}

export async function firstPaint(page) {
  const paints = Object.fromEntries(await page.evaluate(() => window.__paints));
  return Math.round(paints["first-contentful-paint"] ?? paints["first-paint"] ?? -1);
}

/** How many robots are drawn elsewhere than before; waits for the first. */
export async function moved(page, limitMs) {
  const places = async () => new Map((await page.evaluate(() => window.__drover.robots())).map((robot) => [robot.key, robot]));
  const before = await places();
  let count = 0;
  await waitFor(async () => {
    const now = [...(await places()).values()];
    count = now.filter(({ key, x, y }) => before.has(key) && Math.hypot(x - before.get(key).x, y - before.get(key).y) > 0.2).length;
    return count > 0;
  }, limitMs, "no robot moved on the map");
  return count;
}

export async function frames(page, seconds) {
  await page.evaluate(() => window.__drover.resetFrames());
  await page.waitForTimeout(seconds * 1_000);
  const { frames: drawn, dropped, ...times } = await page.evaluate(() => window.__drover.frames());
  return { seconds, frames: drawn, frames_dropped: dropped, ...times };
}
