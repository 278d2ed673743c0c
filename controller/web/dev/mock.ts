// A controller to look at without a controller: the page's services on simulated robots, and the built page itself.
//
//   --port 8089 --robots 40 --hz 2 (reports a second) --speed 1 --site FOLDER
//   --auth (tokens: viewer, operator, admin) --standby --calm (no trouble) --ghosts (robots drive through each other)
//   --break-every S (every stream breaks after S seconds)
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { services } from "./mock/services";
import { readSite } from "./mock/site";
import { World } from "./mock/world";

const here = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({
  args: process.argv.slice(process.argv.indexOf("--") + 1 || 2),
  options: {
    port: { type: "string", default: "8089" },
    robots: { type: "string", default: "40" },
    hz: { type: "string", default: "2" },
    speed: { type: "string", default: "1" },
    site: { type: "string", default: join(here, "../../maps/sites/fresh-dc") },
    auth: { type: "boolean", default: false },
    standby: { type: "boolean", default: false },
    calm: { type: "boolean", default: false },
    ghosts: { type: "boolean", default: false },
    "break-every": { type: "string", default: "0" },
  },
});

const world = new World(readSite(values.site), {
  port: Number(values.port),
  robots: Number(values.robots),
  hz: Number(values.hz),
  speed: Number(values.speed),
  auth: values.auth,
  standby: values.standby,
  calm: values.calm,
  ghosts: values.ghosts,
  breakEveryS: Number(values["break-every"]),
});

const TYPES: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };

function page(request: IncomingMessage, response: ServerResponse): void {
  const path = normalize(decodeURIComponent((request.url ?? "/").split("?")[0]!)).replace(/^\/+/, "") || "index.html";
  const file = join(here, "dist", path);
  if (path.startsWith("..") || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  const cache = path === "index.html" ? "no-cache" : "public, max-age=31536000, immutable";
  response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "cache-control": cache });
  response.end(readFileSync(file));
}

const server = createServer(connectNodeAdapter({ routes: services(world), connect: false, grpc: false, fallback: (request, response) => page(request as IncomingMessage, response as ServerResponse) }));
server.listen(world.options.port, "127.0.0.1", () => {
  const address = server.address();
  world.start();
  console.log(`mock on http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
