// The layout: one list of shapes in centimetres, drawn on a canvas for the replay and as SVG for the waiting map.
const FLOOR = RUN.floor;
const nodeX = (node) => FLOOR.nodes[2 * node];
const nodeY = (node) => FLOOR.nodes[2 * node + 1];
const mapOf = (node) => (FLOOR.map_of.length ? FLOOR.map_of[node] : 0);
const NODE_COUNT = FLOOR.nodes.length / 2;
let level = 0;

const STATION_FONT = "600 11px system-ui, sans-serif";
const isDock = (name) => /dock/i.test(name);

/** East, north, west, south ends of everything, with a margin. */
const BOUNDS = (() => {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  const take = (x, y) => {
    left = Math.min(left, x);
    right = Math.max(right, x);
    low = Math.min(low, y);
    high = Math.max(high, y);
  };
  for (let node = 0; node < NODE_COUNT; node++) take(nodeX(node), nodeY(node));
  for (const [, , outline] of FLOOR.zones) for (let at = 0; at < outline.length; at += 2) take(outline[at], outline[at + 1]);
  const margin = Math.max(150, 0.015 * Math.max(right - left, high - low));
  return { left: left - margin, right: right + margin, low: low - margin, high: high + margin };
})();

/** Ways of the present level as lists of points. */
function* ways() {
  for (let place = 0; 3 * place < FLOOR.edges.length; place++) {
    const [from, to, oneWay] = FLOOR.edges.slice(3 * place, 3 * place + 3);
    if (mapOf(from) !== level && mapOf(to) !== level) continue;
    yield { points: [nodeX(from), nodeY(from), ...(FLOOR.bends[place] ?? []), nodeX(to), nodeY(to)], oneWay };
  }
}

function* nodesOf(kind) {
  for (let node = 0; node < NODE_COUNT; node++) if (FLOOR.kinds[node] === kind && mapOf(node) === level) yield node;
}

const stations = () => FLOOR.stations.filter(([, nodes]) => nodes.length && mapOf(nodes[0]) === level);
const centre = (nodes) => [0, 1].map((axis) => nodes.reduce((sum, node) => sum + FLOOR.nodes[2 * node + axis], 0) / nodes.length);

/** Doors: the middle of the edge and the direction of the way through it. */
function* doors() {
  for (const [name, edges] of FLOOR.devices) {
    const seen = new Set();
    for (const [from, to] of edges) {
      const key = Math.min(from, to) + ":" + Math.max(from, to);
      if (seen.has(key) || mapOf(from) !== level) continue;
      seen.add(key);
      const [dx, dy] = [nodeX(to) - nodeX(from), nodeY(to) - nodeY(from)];
      const length = Math.hypot(dx, dy) || 1;
      yield { name, x: (nodeX(from) + nodeX(to)) / 2, y: (nodeY(from) + nodeY(to)) / 2, ux: dx / length, uy: dy / length, isFirst: seen.size === 1 };
    }
  }
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["ground", "panel", "raised", "ink", "muted", "line", "edge", "accent", "bad", "ok", "warn", "frozen", "chilled", "ambient", "zone", "station", "charger", "door", "heat"];
  const out = Object.fromEntries(names.map((name) => [name, colour(name)]));
  out.states = Array.from({ length: STATES }, (_, state) => colour(`s${state}`));
  return out;
}
let colours = readColours();

/** Seconds waited at places: in traffic, or for a turn; the longest first. */
const HEAT = {
  traffic: RUN.heat.map(([node, seconds]) => [node, seconds]).filter(([, seconds]) => seconds > 0),
  turn: RUN.heat.map(([node, , seconds]) => [node, seconds]).filter(([, seconds]) => seconds > 0).sort((one, other) => other[1] - one[1]),
};
let heatOf = HEAT.traffic.length || !HEAT.turn.length ? "traffic" : "turn";
const hottest = () => Math.max(1, HEAT[heatOf][0]?.[1] ?? 1);
/** Radius of a heat spot, cm: its area is as large as the time waited. */
const heatRadius = (seconds) => 35 + (BOUNDS.right - BOUNDS.left) * 0.016 * Math.sqrt(seconds / hottest());

/** Draws the layout with `view` = {scale, x, y}: px = (cm - x) * scale, north is up. */
function drawFloor(context, view, { names, heat }) {
  const px = (x) => (x - view.x) * view.scale;
  const py = (y) => (view.y - y) * view.scale;
  const path = (points, closed) => {
    context.beginPath();
    for (let at = 0; at < points.length; at += 2) context.lineTo(px(points[at]), py(points[at + 1]));
    if (closed) context.closePath();
  };
  context.lineJoin = "round";
  for (const [name, temperature, outline] of FLOOR.zones) {
    if (!outline.length) continue;
    path(outline, true);
    context.fillStyle = colours[temperature] ?? colours.zone;
    context.fill();
    context.strokeStyle = colours.line;
    context.lineWidth = 1.5;
    context.stroke();
    label(context, temperature ? `${name} · ${t(temperature)}` : name, px(outline[0]) + 8, py(Math.max(...outline.filter((_, at) => at % 2))) + 18, colours.muted, "600 13px system-ui, sans-serif", "left");
  }
  context.strokeStyle = colours.edge;
  context.lineWidth = Math.max(1, Math.min(7, 14 * view.scale));
  context.lineCap = "round";
  context.beginPath();
  for (const { points } of ways()) {
    context.moveTo(px(points[0]), py(points[1]));
    for (let at = 2; at < points.length; at += 2) context.lineTo(px(points[at]), py(points[at + 1]));
  }
  context.stroke();
  if (view.scale > 0.16) drawArrows(context, px, py, view.scale);
  const size = Math.max(2, Math.min(14, 30 * view.scale));
  const dots = (kind, colour, shape) => {
    context.fillStyle = colour;
    for (const node of nodesOf(kind)) shape(px(nodeX(node)), py(nodeY(node)));
  };
  dots("p", colours.edge, (x, y) => context.fillRect(x - size * 0.8, y - size * 0.8, size * 1.6, size * 1.6));
  dots("c", colours.charger, (x, y) => {
    context.beginPath();
    context.arc(x, y, size, 0, 7);
    context.fill();
  });
  dots("s", colours.station, (x, y) => context.fillRect(x - size, y - size, 2 * size, 2 * size));
  if (heat) drawHeat(context, px, py, view.scale);
  for (const door of doors()) {
    const [x, y, half] = [px(door.x), py(door.y), Math.max(5, 75 * view.scale)];
    context.strokeStyle = colours.door;
    context.lineWidth = Math.max(2.5, 18 * view.scale);
    context.beginPath();
    context.moveTo(x - door.uy * half, y - door.ux * half);
    context.lineTo(x + door.uy * half, y + door.ux * half);
    context.stroke();
    if (door.isFirst && names && view.scale > 0.1) label(context, door.name, x + 8, y - 8, colours.door, "600 11px system-ui, sans-serif", "left");
  }
  if (names && view.scale > 0.05) drawStationNames(context, px, py, view.scale);
}

function drawArrows(context, px, py, scale) {
  context.fillStyle = colours.muted;
  const size = Math.min(7, 18 * scale);
  for (const { points, oneWay } of ways()) {
    if (!oneWay) continue;
    const [x0, y0, x1, y1] = [px(points[0]), py(points[1]), px(points[2]), py(points[3])];
    const turn = Math.atan2(y1 - y0, x1 - x0);
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    context.beginPath();
    for (const angle of [0, 2.5, -2.5]) context.lineTo(x + size * Math.cos(turn + angle), y + size * Math.sin(turn + angle));
    context.fill();
  }
}

function drawHeat(context, px, py, scale) {
  context.save();
  context.fillStyle = colours.heat;
  for (const [node, seconds] of HEAT[heatOf]) {
    if (mapOf(node) !== level) continue;
    context.globalAlpha = 0.18 + 0.42 * Math.sqrt(seconds / hottest());
    context.beginPath();
    context.arc(px(nodeX(node)), py(nodeY(node)), Math.max(1.5, heatRadius(seconds) * scale), 0, 7);
    context.fill();
  }
  context.restore();
}

/** Names that find room; docks first. */
function drawStationNames(context, px, py, scale) {
  const taken = [];
  const all = stations().slice().sort(([one], [other]) => isDock(other) - isDock(one));
  const isCrowded = scale < 0.24 && all.length > 60;
  context.font = STATION_FONT;
  for (const [name, nodes] of all) {
    if (isCrowded && !isDock(name)) continue;
    const [cx, cy] = centre(nodes);
    const [x, y] = [px(cx), py(cy) - Math.max(8, 36 * scale)];
    const half = context.measureText(name).width / 2 + 3;
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 13)) continue;
    taken.push({ x, y, half });
    label(context, name, x, y, colours.ink, STATION_FONT, "center");
  }
}

function label(context, text, x, y, colour, font, align) {
  context.font = font;
  context.textAlign = align;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = colours.panel;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

/** An SVG element with attributes and children; texts become text nodes. */
function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** An HTML element with properties and children; texts become text nodes. */
function html(name, properties = {}, ...children) {
  const { style, ...rest } = properties;
  const element = Object.assign(document.createElement(name), rest);
  if (style) Object.assign(element.style, style);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The waiting map. */
function heatSvg() {
  const { left, right, low, high } = BOUNDS;
  const [width, height] = [right - left, high - low];
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const x = (cm) => Math.round(cm - left);
  const y = (cm) => Math.round(high - cm);
  const path = (points) => points.reduce((text, cm, at) => text + (at % 2 ? `${y(cm)}` : `${at ? "L" : "M"}${x(cm)} `), "");
  for (const [name, temperature, outline] of FLOOR.zones) {
    if (!outline.length) continue;
    root.append(svg("path", { d: path(outline) + "Z", fill: `var(--${temperature ?? "zone"})`, stroke: "var(--line)", "stroke-width": width / 900 }));
    const top = Math.max(...outline.filter((_, at) => at % 2));
    root.append(svg("text", { x: x(outline[0]) + width / 120, y: y(top) + width / 55, style: `font-size:${width / 75}px;font-weight:600` }, temperature ? `${name} · ${t(temperature)}` : name));
  }
  root.append(svg("path", { d: [...ways()].map(({ points }) => path(points)).join(""), fill: "none", stroke: "var(--edge)", "stroke-width": Math.max(6, width / 900) }));
  const side = Math.max(20, width / 330);
  const squares = (nodes, half) => [...nodes].map((node) => `M${x(nodeX(node)) - half} ${y(nodeY(node)) - half}h${2 * half}v${2 * half}h${-2 * half}z`).join("");
  root.append(svg("path", { d: squares(nodesOf("p"), side * 0.8), fill: "var(--edge)" }));
  root.append(svg("path", { d: squares(nodesOf("s"), side), fill: "var(--station)" }));
  for (const node of nodesOf("c")) root.append(svg("circle", { cx: x(nodeX(node)), cy: y(nodeY(node)), r: side, fill: "var(--charger)" }));
  for (const [name, nodes] of stations().filter(([name], at, all) => isDock(name) || all.length <= 40)) {
    const [at, up] = centre(nodes);
    root.append(svg("text", { x: x(at), y: y(up) - side * 1.6, "text-anchor": "middle", style: `font-size:${width / 105}px` }, name));
  }
  for (const door of doors()) {
    const half = Math.max(75, width / 160);
    const ends = { x1: x(door.x - door.uy * half), y1: y(door.y + door.ux * half), x2: x(door.x + door.uy * half), y2: y(door.y - door.ux * half) };
    root.append(svg("line", { ...ends, stroke: "var(--door)", "stroke-width": width / 300 }, svg("title", {}, door.name)));
  }
  for (const [node, seconds] of HEAT[heatOf]) {
    if (mapOf(node) !== level) continue;
    const spot = { cx: x(nodeX(node)), cy: y(nodeY(node)), r: heatRadius(seconds), fill: "var(--heat)", "fill-opacity": (0.2 + 0.45 * Math.sqrt(seconds / hottest())).toFixed(2) };
    root.append(svg("circle", spot, svg("title", {}, `${FLOOR.names[node]}: ${span(seconds)}`)));
  }
  return root;
}
