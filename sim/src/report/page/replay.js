// The replay: true poses over time on the layout, with a time slider, marks on it, and a robot to follow.
const SPEEDS = [1, 5, 20, 50, 100];
const player = { time: 0, isPlaying: false, speed: 20, chosen: null, isFollowing: false, heat: false, names: true };
const view = { scale: 1, x: 0, y: 0 };
let ground = null;
let groundKey = "";
let isDirty = true;
let isFitted = true;

const stage = byId("stage");
const canvas = byId("map");

/** The whole layout in sight. */
function fit() {
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  view.scale = Math.min(width / (BOUNDS.right - BOUNDS.left), height / (BOUNDS.high - BOUNDS.low));
  view.x = (BOUNDS.left + BOUNDS.right) / 2 - width / 2 / view.scale;
  view.y = (BOUNDS.low + BOUNDS.high) / 2 + height / 2 / view.scale;
  isFitted = true;
  redraw();
}

function centreOn(x, y) {
  isFitted = false;
  view.x = x - stage.clientWidth / 2 / view.scale;
  view.y = y + stage.clientHeight / 2 / view.scale;
}

function zoomBy(factor, px = stage.clientWidth / 2, py = stage.clientHeight / 2) {
  isFitted = false;
  const [x, y] = [view.x + px / view.scale, view.y - py / view.scale];
  view.scale = Math.min(3, Math.max(0.004, view.scale * factor));
  view.x = x - px / view.scale;
  view.y = y + py / view.scale;
  redraw();
}

function lookAt(node) {
  level = mapOf(node);
  player.heat = true;
  player.isFollowing = false;
  view.scale = Math.max(view.scale, 0.25);
  centreOn(nodeX(node), nodeY(node));
  renderMapTools();
  redraw();
  byId("replay").scrollIntoView({ behavior: "smooth", block: "start" });
}

function redraw() {
  isDirty = true;
}

function drawStage() {
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  const chosen = ROBOTS[player.chosen];
  if (chosen && player.isFollowing) {
    const pose = poseAt(chosen, player.time);
    if (pose) centreOn(pose.x, pose.y);
  }
  const context = fitCanvas(canvas, width, height);
  const key = [width, height, view.scale, view.x, view.y, level, player.heat, player.names, heatOf, document.documentElement.dataset.theme, language].join();
  if (key !== groundKey) {
    ground ??= document.createElement("canvas");
    drawFloor(fitCanvas(ground, width, height), view, player);
    groundKey = key;
  }
  context.drawImage(ground, 0, 0, width, height);
  const there = ROBOTS.map((robot) => ({ robot, pose: poseAt(robot, player.time), now: spanAt(robot, player.time) })).filter(({ pose }) => pose && isOnLevel(pose));
  if (chosen) drawWay(context, chosen);
  for (const { robot, pose, now } of there) drawLink(context, pose, now, robot);
  for (const one of there) drawRobot(context, one, one.robot === chosen);
  drawAlerts(context);
}

const isOnLevel = (pose) => FLOOR.maps.length < 2 || FLOOR.maps[level] === pose.map;
const toPx = ({ x, y }) => [(x - view.x) * view.scale, (view.y - y) * view.scale];

function drawRobot(context, { robot, pose, now }, isChosen) {
  const [x, y] = toPx(pose);
  const grow = Math.max(1, 9 / (robot.length * view.scale));
  const [length, width] = [robot.length * view.scale * grow, robot.width * view.scale * grow];
  context.save();
  context.translate(x, y);
  context.rotate(-pose.theta);
  context.beginPath();
  context.roundRect(-length / 2, -width / 2, length, width, Math.min(4, width / 3));
  context.fillStyle = colours.states[STATE_OF[now.kind]];
  context.fill();
  context.lineWidth = isChosen ? 2.5 : 1;
  context.strokeStyle = isChosen ? colours.ink : colours.panel;
  context.stroke();
  context.fillStyle = colours.panel;
  context.fillRect(length * 0.24, -width * 0.32, Math.max(1.2, length * 0.1), width * 0.64);
  context.restore();
  if (isChosen) {
    context.strokeStyle = colours.accent;
    context.lineWidth = 3;
    context.beginPath();
    context.arc(x, y, length / 2 + 8, 0, 7);
    context.stroke();
  }
  if (isChosen || (player.names && view.scale > 0.11)) label(context, robot.short, x, y - length / 2 - 7, isChosen ? colours.accent : colours.ink, "700 11px system-ui, sans-serif", "center");
}

/** From a robot that waits to the robot it waits for. */
function drawLink(context, pose, now, robot) {
  if (KIND_NAMES[now.kind] !== "wait_robot" || !ROBOTS[now.with] || ROBOTS[now.with] === robot) return;
  const other = poseAt(ROBOTS[now.with], player.time);
  if (!other || !isOnLevel(other)) return;
  context.strokeStyle = colours.states[1];
  context.lineWidth = 1.5;
  context.setLineDash([4, 4]);
  context.beginPath();
  context.moveTo(...toPx(pose));
  context.lineTo(...toPx(other));
  context.stroke();
  context.setLineDash([]);
}

/** Where the chosen robot comes from and goes to: the last and the next minute. */
function drawWay(context, robot) {
  for (const [from, until, alpha, dash] of [[player.time - 600, player.time, 0.75, []], [player.time, player.time + 600, 0.5, [2, 7]]]) {
    context.beginPath();
    for (let at = from; at <= until; at += 2) {
      const pose = at >= 0 && at <= END ? poseAt(robot, at) : null;
      if (pose && isOnLevel(pose)) context.lineTo(...toPx(pose));
    }
    context.globalAlpha = alpha;
    context.setLineDash(dash);
    context.lineCap = "round";
    context.strokeStyle = colours.accent;
    context.lineWidth = 3;
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** Rings round the robots of a violation near this time. */
function drawAlerts(context) {
  for (const event of EVENTS) {
    if (event.sort !== "violation" || Math.abs(event.from - player.time) > 30) continue;
    for (const robot of event.robots) {
      const pose = poseAt(ROBOTS[robot], player.time);
      if (!pose || !isOnLevel(pose)) continue;
      context.strokeStyle = colours.bad;
      context.lineWidth = 4;
      context.beginPath();
      context.arc(...toPx(pose), 20, 0, 7);
      context.stroke();
    }
  }
}

/** The robot at a place of the canvas, if one is near. */
function robotAt(px, py) {
  let best = null;
  for (const robot of ROBOTS) {
    const pose = poseAt(robot, player.time);
    if (!pose || !isOnLevel(pose)) continue;
    const [x, y] = toPx(pose);
    const away = Math.hypot(x - px, y - py);
    if (away < Math.max(18, robot.length * view.scale) && (!best || away < best.away)) best = { robot, away };
  }
  return best?.robot;
}

function choose(index) {
  player.chosen = index;
  player.isFollowing = index !== null && view.scale > 0.11;
  renderSide();
  drawTimeline();
  redraw();
}

function seek(time) {
  player.time = Math.min(END, Math.max(0, time));
  moved();
}

function moved() {
  byId("slider").value = String(Math.round(player.time));
  byId("clock").textContent = clock(player.time);
  for (const id of ["throughput", "states"]) byId(id).cursor?.(player.time);
  renderSide();
  drawTimeline();
  redraw();
}

function setPlaying(isPlaying) {
  if (isPlaying && player.time >= END) player.time = 0;
  player.isPlaying = isPlaying;
  renderPlayer();
}

function renderPlayer() {
  const play = byId("play");
  play.textContent = player.isPlaying ? "❚❚" : "▶";
  play.setAttribute("aria-label", t(player.isPlaying ? "pause" : "play"));
  byId("speeds").replaceChildren(...SPEEDS.map((speed) => pressed(`${speed}×`, player.speed === speed, () => {
    player.speed = speed;
    renderPlayer();
  })));
}

function pressed(text, isPressed, onclick) {
  const button = html("button", { type: "button", onclick }, text);
  button.setAttribute("aria-pressed", String(isPressed));
  return button;
}

function renderMapTools() {
  const toggle = (key, word) => pressed(t(word), player[key], () => {
    player[key] = !player[key];
    renderMapTools();
    redraw();
  });
  const levels = FLOOR.maps.length < 2 ? [] : FLOOR.maps.map((name, place) => pressed(name, place === level, () => {
    level = place;
    renderMapTools();
    drawHeatMap();
    redraw();
  }));
  byId("map-tools").replaceChildren(...(levels.length ? [html("div", { className: "switch" }, ...levels)] : []), html("div", { className: "switch" }, toggle("names", "names"), toggle("heat", "heatLayer")));
}

/** Counts by state, and the chosen robot. */
function renderSide() {
  const counts = Array(STATES).fill(0);
  for (const robot of ROBOTS) counts[stateAt(robot, player.time)] += 1;
  const rows = STATE_ORDER.map((state) => html("div", {}, html("i", { className: "swatch", style: { background: `var(--s${state})` } }), t(`state${state}`), html("b", {}, number(counts[state]))));
  const jobs = html("div", {}, html("i"), t("tile.done"), html("b", {}, `${number(doneAt(player.time))} / ${number(RUN.report.jobs_total)}`));
  byId("side").replaceChildren(html("h3", {}, t("now")), html("div", { className: "counts" }, ...rows, jobs), player.chosen === null ? html("p", { className: "hint" }, t("hint")) : robotPanel(ROBOTS[player.chosen]), signs());
}

/** What the signs on the map mean. */
function signs() {
  const shown = [["station", FLOOR.stations.length], ["charger", FLOOR.kinds.includes("c")], ["parking", FLOOR.kinds.includes("p")], ["door", FLOOR.devices.length]].filter(([, has]) => has);
  return html("div", { className: "signs" }, ...shown.map(([name]) => html("span", {}, html("i", { className: `swatch sign-${name}` }), t(name))));
}

function robotPanel(robot) {
  const now = spanAt(robot, player.time);
  const whom = partner(now);
  const duty = dutyAt(robot, player.time);
  const sums = Array(STATES).fill(0);
  robot.spans.at.forEach((from, place) => (sums[STATE_OF[robot.spans.kind[place]]] += (robot.spans.at[place + 1] ?? END) - from));
  const shares = STATE_ORDER.map((state) => html("i", { title: `${t(`state${state}`)}: ${number((100 * sums[state]) / END)} %`, style: { background: `var(--s${state})`, width: `${(100 * sums[state]) / END}%` } }));
  const follow = pressed(t(player.isFollowing ? "release" : "follow"), player.isFollowing, () => {
    player.isFollowing = !player.isFollowing;
    if (player.isFollowing) view.scale = Math.max(view.scale, 0.16);
    renderSide();
    redraw();
  });
  const zoomToSpan = html("button", { type: "button", onclick: () => {
    byId("timeline-scroll").scrollTop = Math.max(0, robot.index * ROW - 150);
    byId("timeline-scroll").scrollIntoView({ behavior: "smooth", block: "center" });
  } }, t("showInTimeline"));
  const close = html("button", { type: "button", onclick: () => choose(null) }, t("close"));
  return html("div", { className: "panel" },
    html("strong", {}, robot.name),
    html("p", { className: "now" }, html("i", { className: "swatch", style: { background: `var(--s${STATE_OF[now.kind]})` } }), `${t(KIND_NAMES[now.kind])}${whom ? `: ${whom}` : ""}`),
    html("p", { className: "hint" }, `${t("since", clock(now.from))} · ${span((player.time - now.from) / 10)} / ${span((now.until - now.from) / 10)}`),
    html("p", {}, duty ? duty.job : t("nothing")),
    html("div", { className: "shares" }, ...shares),
    html("div", { className: "row" }, follow, zoomToSpan, close));
}

/** Faults as bars, violations and alarms as ticks above the slider. */
function renderMarks() {
  const root = svg("svg", { viewBox: "0 0 1000 18", preserveAspectRatio: "none" });
  const x = (time) => (1000 * time) / END;
  for (const event of EVENTS) {
    const shapes = {
      fault: () => svg("rect", { x: x(event.from), y: 3, width: Math.max(3, x(event.until) - x(event.from)), height: 7, rx: 2, fill: "var(--warn)", "fill-opacity": 0.55 }),
      alarm: () => svg("rect", { x: x(event.from) - 0.75, y: 10, width: 1.5, height: 6, fill: "var(--warn)" }),
      violation: () => svg("rect", { x: x(event.from) - 1.5, y: 0, width: 3, height: 18, fill: "var(--bad)" }),
    };
    const shape = shapes[event.sort]();
    shape.style.cursor = "pointer";
    shape.addEventListener("click", () => seek(event.from));
    shape.addEventListener("pointermove", (pointer) => tip(pointer, `${t(event.sort)} ${clock(event.from)}\n${event.code} ${event.text}`));
    shape.addEventListener("pointerleave", () => tip(null));
    root.append(shape);
  }
  byId("marks").replaceChildren(root);
}

function setUpGestures() {
  const pointers = new Map();
  let start = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    start = pointers.size === 1 ? { at: place(event), isDrag: false } : null;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return hover(event, ...place(event));
    const was = pointers.get(event.pointerId);
    const is = place(event);
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      zoomBy(Math.hypot(is[0] - other[0], is[1] - other[1]) / Math.max(1, Math.hypot(was[0] - other[0], was[1] - other[1])), (is[0] + other[0]) / 2, (is[1] + other[1]) / 2);
    } else if (start && (start.isDrag || Math.hypot(is[0] - start.at[0], is[1] - start.at[1]) > 5)) {
      start.isDrag = true;
      isFitted = false;
      if (player.isFollowing) {
        player.isFollowing = false;
        renderSide();
      }
      view.x -= (is[0] - was[0]) / view.scale;
      view.y += (is[1] - was[1]) / view.scale;
      redraw();
    }
    pointers.set(event.pointerId, is);
  });
  const lift = (event) => {
    pointers.delete(event.pointerId);
    if (start && !start.isDrag && event.type === "pointerup") choose(robotAt(...place(event))?.index ?? null);
    start = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => tip(null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 500), ...place(event));
  }, { passive: false });
}

function hover(event, px, py) {
  const robot = robotAt(px, py);
  canvas.style.cursor = robot ? "pointer" : "";
  tip(event, robot && `${robot.short} · ${describe(robot, player.time)}`);
}

/** One turn of the clock: the wall's time decides how far the run goes on. */
let lastFrame = 0;
function frameTurn(now) {
  const passed = Math.min(200, now - lastFrame);
  lastFrame = now;
  if (player.isPlaying) {
    player.time = Math.min(END, player.time + (passed / 100) * player.speed);
    if (player.time >= END) setPlaying(false);
    moved();
  }
  if (isDirty) {
    isDirty = false;
    drawStage();
  }
  requestAnimationFrame(frameTurn);
}
