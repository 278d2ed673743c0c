// Fails when src/gen isn't what the contract in ../../proto gives today.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const committed = "src/gen";
const scratch = mkdtempSync(join(tmpdir(), "drover-gen-"));

function files(root) {
  const found = readdirSync(root, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).sort();
}

try {
  execFileSync("buf", ["generate", "--output", scratch], { stdio: "inherit" });
  const fresh = join(scratch, committed);
  const stale = [...new Set([...files(fresh), ...files(committed)])].filter((name) => {
    try {
      return readFileSync(join(fresh, name), "utf8") !== readFileSync(join(committed, name), "utf8");
    } catch {
      return true;
    }
  });
  if (stale.length > 0) {
    console.error(`generated code is stale: ${stale.join(", ")}; run \`npm run gen\``);
    process.exitCode = 1;
  } else {
    console.log("generated code is fresh");
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
