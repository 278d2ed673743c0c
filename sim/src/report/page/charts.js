// Throughput, states, waiting and the timeline of each robot. Each draws itself anew when language, theme or width changes.
const byId = (id) => document.getElementById(id);
const CHART_HEIGHT = 210;
const CHART_LEFT = 44;
const STATE_ORDER = [0, 2, 3, 1, 5, 4];

/** Nice steps: about `count` of them up to `end`. */
function niceStep(end, count, steps) {
  return steps.find((step) => end / step <= count) ?? end;
}

const TIME_STEPS = [10, 50, 100, 300, 600, 1200, 3000, 6000, 9000, 18000, 36000, 72000, 144000, 432000, 864000];

function frame(width, top, unit) {
  const root = svg("svg", { width, height: CHART_HEIGHT, role: "img" });
  const x = (time) => CHART_LEFT + (time / END) * (width - CHART_LEFT - 8);
  const y = (value) => CHART_HEIGHT - 24 - (value / top) * (CHART_HEIGHT - 36);
  const step = niceStep(top, 4.5, [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000, 50000]);
  for (let value = 0; value <= top; value += step) {
    root.append(svg("line", { x1: CHART_LEFT, x2: width - 8, y1: y(value), y2: y(value), stroke: "var(--line)" }));
    root.append(svg("text", { x: CHART_LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, number(value) + unit));
  }
  const time = niceStep(END, Math.max(3, width / 110), TIME_STEPS);
  for (let at = 0; at <= END; at += time) {
    root.append(svg("text", { x: x(at), y: CHART_HEIGHT - 6, "text-anchor": at ? "middle" : "start" }, clock(at)));
  }
  return { root, x, y };
}

/** A line at the replay's time, and a tip and a jump under the pointer. */
function withCursor(element, root, x, tell) {
  const width = Number(root.getAttribute("width"));
  const line = svg("line", { y1: 8, y2: CHART_HEIGHT - 24, stroke: "var(--ink)", "stroke-width": 1.5, "stroke-dasharray": "3 3" });
  root.append(line);
  element.cursor = (time) => {
    line.setAttribute("x1", x(time));
    line.setAttribute("x2", x(time));
  };
  const timeOf = (event) => {
    const box = root.getBoundingClientRect();
    const at = ((event.clientX - box.left) * (width / box.width) - CHART_LEFT) / (width - CHART_LEFT - 8);
    return Math.min(END, Math.max(0, at * END));
  };
  root.addEventListener("pointermove", (event) => tip(event, tell(timeOf(event))));
  root.addEventListener("pointerleave", () => tip(null));
  root.addEventListener("click", (event) => seek(timeOf(event)));
  root.style.cursor = "pointer";
}

function tip(event, text) {
  const element = byId("tip");
  element.hidden = !event || !text;
  if (element.hidden) return;
  element.textContent = text;
  element.style.left = `${Math.min(event.clientX + 14, innerWidth - element.offsetWidth - 8)}px`;
  element.style.top = `${Math.max(6, event.clientY - element.offsetHeight - 10)}px`;
}

/** Jobs done at a time. */
function doneAt(time) {
  const place = before(RUN.series.at, time);
  if (place + 1 >= RUN.series.at.length) return time >= END ? RUN.report.jobs_done : (RUN.series.done[place] ?? 0);
  return place < 0 ? 0 : RUN.series.done[place];
}

function drawThroughput() {
  const element = byId("throughput");
  const width = element.clientWidth || 600;
  const step = niceStep(END, 40, TIME_STEPS);
  const bars = [];
  for (let from = 0; from < END; from += step) {
    const until = Math.min(END, from + step);
    const done = doneAt(until) - doneAt(from);
    bars.push({ from, until, done, rate: (done * 36000) / Math.max(until - from, step / 2) });
  }
  const top = Math.max(1, RUN.report.jobs_per_hour, ...bars.map((bar) => bar.rate)) * 1.08;
  const { root, x, y } = frame(width, top, "");
  for (const { from, until, rate } of bars) {
    root.append(svg("rect", { x: x(from) + 1, width: Math.max(1, x(until) - x(from) - 2), y: y(rate), height: y(0) - y(rate), fill: "var(--s0)", rx: 2 }));
  }
  const mean = RUN.report.jobs_per_hour;
  root.append(svg("line", { x1: CHART_LEFT, x2: width - 8, y1: y(mean), y2: y(mean), stroke: "var(--ink)", "stroke-width": 1.5 }));
  root.append(svg("text", { x: width - 10, y: y(mean) - 6, "text-anchor": "end", style: "fill:var(--ink);font-weight:650;paint-order:stroke;stroke:var(--panel);stroke-width:4px" }, t("mean", number(mean))));
  withCursor(element, root, x, (time) => {
    const bar = bars.find((one) => time < one.until) ?? bars[bars.length - 1];
    return `${clock(bar.from)} – ${clock(bar.until)}\n${number(bar.rate)} ${t("tile.rate")} (${number(bar.done)})\n${number(doneAt(bar.until))} ${t("tile.done")}`;
  });
  element.replaceChildren(root);
  byId("throughput-hint").textContent = t("throughput.hint", span(step / 10));
}

function drawStates() {
  const element = byId("states");
  const width = element.clientWidth || 600;
  const { at, states } = RUN.series;
  const { root, x, y } = frame(width, Math.max(1, ROBOTS.length), "");
  const stride = Math.max(1, Math.ceil(at.length / 400));
  const columns = [];
  for (let from = 0; from < at.length; from += stride) {
    const until = Math.min(at.length, from + stride);
    const mean = (state) => states[state].slice(from, until).reduce((sum, value) => sum + value, 0) / (until - from);
    columns.push({ at: at[from], of: states.map((_, state) => mean(state)) });
  }
  if (columns.length) columns.push({ ...columns[columns.length - 1], at: END });
  const floor = columns.map(() => 0);
  for (const state of STATE_ORDER) {
    const lower = floor.slice();
    columns.forEach((column, place) => (floor[place] += column.of[state]));
    const up = columns.map((column, place) => `${x(column.at).toFixed(1)},${y(floor[place]).toFixed(1)}`);
    const down = columns.map((column, place) => `${x(column.at).toFixed(1)},${y(lower[place]).toFixed(1)}`).reverse();
    root.append(svg("polygon", { points: up.concat(down).join(" "), fill: `var(--s${state})` }));
  }
  withCursor(element, root, x, (time) => {
    const place = Math.max(0, before(at, time));
    const lines = STATE_ORDER.filter((state) => states[state][place]).map((state) => `${t(`state${state}`)}: ${states[state][place]}`);
    return [clock(time), ...lines].join("\n");
  });
  const legend = html("div", { className: "legend" }, ...STATE_ORDER.map((state) => swatch(`var(--s${state})`, t(`state${state}`))));
  element.replaceChildren(legend, root);
  byId("states-hint").textContent = t("states.hint", number(ROBOTS.length));
}

const swatch = (background, text) => html("span", {}, html("i", { className: "swatch", style: { background } }), text);

function drawHeatMap() {
  byId("heat-map").replaceChildren(heatSvg());
  const list = byId("heat-list");
  const waits = KIND_NAMES.map((name, kind) => ({ name, kind, s: RUN.kinds_s[kind] })).filter(({ kind, s }) => STATE_OF[kind] === 1 && s > 0).sort((one, other) => other.s - one.s);
  const rows = HEAT[heatOf].slice(0, 10).map(([node, seconds]) =>
    html("tr", {}, html("td", {}, html("button", { type: "button", onclick: () => lookAt(node) }, FLOOR.names[node])), html("td", { className: "number" }, span(seconds))));
  const causes = waits.map(({ name, s }) => html("tr", {}, html("td", {}, t(name)), html("td", { className: "number" }, span(s))));
  const places = rows.length ? html("table", {}, html("tbody", {}, ...rows)) : html("p", { className: "hint" }, t("noWaiting"));
  list.replaceChildren(heatSwitch(), places, html("p", { className: "hint", style: { margin: "14px 0 4px" } }, t("causes")), html("table", {}, html("tbody", {}, ...causes)));
}

function heatSwitch() {
  const choice = (name) => pressed(t(name), heatOf === name, () => {
    heatOf = name;
    drawHeatMap();
    redraw();
  });
  return html("div", { className: "switch" }, choice("traffic"), choice("turn"));
}

// The timeline: only the rows in sight are drawn.
const ROW = 18;
const NAME_WIDTH = 74;
const shown = { from: 0, until: END };
const patterns = { wait_robot: 1, wait_device: 1, wait_zone: 1, wait_plan: 1, wait_answer: 1, wait_turn: 0.55, to_park: 0.45, to_charge: 0.7, to_pick: 0.72, act: 1, confirm: 0.6 };

function fitCanvas(canvas, width, height) {
  const ratio = Math.min(3, devicePixelRatio || 1);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

const timelineX = (time, width) => NAME_WIDTH + ((time - shown.from) / (shown.until - shown.from)) * (width - NAME_WIDTH - 10);

function drawTimeline() {
  const scroll = byId("timeline-scroll");
  const width = scroll.clientWidth;
  byId("timeline-height").style.height = `${ROBOTS.length * ROW + 6}px`;
  const height = Math.min(scroll.clientHeight || 430, ROBOTS.length * ROW + 6);
  const axis = fitCanvas(byId("timeline-axis"), width, 26);
  const context = fitCanvas(byId("timeline"), width, height);
  axis.font = context.font = "12px system-ui, sans-serif";
  axis.fillStyle = colours.muted;
  const step = niceStep(shown.until - shown.from, Math.max(3, width / 120), TIME_STEPS);
  for (let at = Math.ceil(shown.from / step) * step; at <= shown.until; at += step) {
    const x = timelineX(at, width);
    axis.textAlign = x > width - 40 ? "right" : "center";
    axis.fillText(clock(at), x, 17);
    context.fillStyle = colours.line;
    context.fillRect(x, 0, 1, height);
  }
  const first = Math.floor(scroll.scrollTop / ROW);
  for (let place = first; place < Math.min(ROBOTS.length, first + Math.ceil(height / ROW) + 1); place++) {
    drawRow(context, ROBOTS[place], place * ROW - scroll.scrollTop + 3, width);
  }
  context.fillStyle = colours.ink;
  const now = timelineX(player.time, width);
  if (now >= NAME_WIDTH) context.fillRect(now - 0.75, 0, 1.5, height);
}

function drawRow(context, robot, top, width) {
  const isChosen = player.chosen === robot.index;
  if (isChosen) {
    context.fillStyle = colours.line;
    context.fillRect(0, top - 1, width, ROW);
  }
  context.fillStyle = isChosen ? colours.accent : colours.muted;
  context.font = `${isChosen ? 700 : 500} 12px system-ui, sans-serif`;
  context.textAlign = "right";
  context.fillText(robot.short.slice(0, 10), NAME_WIDTH - 8, top + 12);
  const { at, kind } = robot.spans;
  for (let place = Math.max(0, before(at, shown.from)); place < at.length && at[place] < shown.until; place++) {
    const x = Math.max(NAME_WIDTH, timelineX(at[place], width));
    const end = timelineX(Math.min(shown.until, at[place + 1] ?? END), width);
    context.globalAlpha = patterns[KIND_NAMES[kind[place]]] ?? 1;
    context.fillStyle = colours.states[STATE_OF[kind[place]]];
    context.fillRect(x, top, Math.max(0.6, end - x), ROW - 4);
  }
  context.globalAlpha = 1;
  const now = spanAt(robot, player.time);
  if (isChosen) {
    context.strokeStyle = colours.ink;
    context.lineWidth = 2;
    const [x, end] = [Math.max(NAME_WIDTH, timelineX(now.from, width)), timelineX(Math.min(now.until, shown.until), width)];
    if (end > NAME_WIDTH && x < width) context.strokeRect(x, top, Math.max(2, end - x), ROW - 4);
  }
}

function under(event) {
  const box = byId("timeline").getBoundingClientRect();
  const time = shown.from + ((event.clientX - box.left - NAME_WIDTH) / (box.width - NAME_WIDTH - 10)) * (shown.until - shown.from);
  const row = Math.floor((event.clientY - box.top + byId("timeline-scroll").scrollTop - 1) / ROW);
  return { time: Math.min(END, Math.max(0, time)), robot: ROBOTS[row] };
}

/** What a robot did, in a line or two. */
function describe(robot, time) {
  const now = spanAt(robot, time);
  const whom = partner(now);
  const duty = dutyAt(robot, time);
  return `${t(KIND_NAMES[now.kind])}${whom ? `: ${whom}` : ""}\n${clock(now.from)} – ${clock(now.until)} (${span((now.until - now.from) / 10)})${duty ? `\n${duty.job}` : ""}`;
}

function zoomTimeline(factor, around = player.time) {
  const length = Math.min(END, Math.max(300, (shown.until - shown.from) * factor));
  const part = Math.min(1, Math.max(0, (around - shown.from) / (shown.until - shown.from)));
  shown.from = Math.min(END - length, Math.max(0, around - part * length));
  shown.until = shown.from + length;
  drawTimeline();
}

function setUpTimeline() {
  const canvas = byId("timeline");
  canvas.addEventListener("pointermove", (event) => {
    const { time, robot } = under(event);
    tip(event, robot && `${robot.short} · ${describe(robot, time)}`);
  });
  canvas.addEventListener("pointerleave", () => tip(null));
  canvas.addEventListener("click", (event) => {
    const { time, robot } = under(event);
    if (robot) choose(robot.index);
    seek(time);
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    zoomTimeline(event.deltaY > 0 || event.deltaX > 0 ? 1.25 : 0.8, under(event).time);
  }, { passive: false });
  byId("timeline-scroll").addEventListener("scroll", drawTimeline);
}
