// A fresh Chromium with nothing of its own to do.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export function findChromium() {
  const named = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = named.find((path) => path && existsSync(path));
  if (found) return found;
  try {
    return execFileSync("sh", ["-c", "command -v chromium"], { encoding: "utf8" }).trim();
  } catch {
    throw new Error("no Chromium found; install it (Debian: apt-get install chromium) or set CHROMIUM to its path");
  }
}

/** Runs `use(context)` in a browser of its own, which is gone afterwards. */
export async function withBrowser(options, use) {
  const profile = mkdtempSync(join(tmpdir(), "drover-page-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: FLAGS,
    viewport: { width: 1920, height: 1080 },
    colorScheme: "light",
    locale: "ko-KR",
    ...options,
  });
  try {
    return await use(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
