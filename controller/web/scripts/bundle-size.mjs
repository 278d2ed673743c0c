// Prints what a browser downloads, and fails above the limit.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 400_000;
const files = readdirSync("dist", { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
let total = 0;
for (const entry of files) {
  const path = join(entry.parentPath, entry.name);
  const bytes = readFileSync(path);
  const packed = gzipSync(bytes).length;
  total += packed;
  console.log(`${path}  ${bytes.length} bytes, ${packed} gzip`);
}
console.log(`total ${total} bytes gzip, limit ${LIMIT_BYTES}`);
if (total > LIMIT_BYTES) process.exit(1);
