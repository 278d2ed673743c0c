// Puts the page together; everything with words is drawn anew when the language changes.
const BROKEN = RUN.verdicts.filter(([, broken]) => broken !== null);
let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

function renderVerdict() {
  const isHeld = BROKEN.length === 0;
  const badge = html("span", { className: isHeld ? "badge" : "badge bad" }, isHeld ? `✓ ${t("held")}` : `✕ ${t("broke")}`);
  const sentence = isHeld ? t("verdict.held", number(RUN.verdicts.length)) : t("verdict.broke", number(BROKEN.length), number(RUN.verdicts.length));
  const about = html("p", { className: "about" }, [RUN.what, t("about", RUN.name, RUN.seed, RUN.policy)].filter(Boolean).join(" — "));
  byId("verdict").replaceChildren(badge, html("div", {}, html("h1", {}, sentence), about));
}

function tile(value, unit, word, isBad = false) {
  return html("div", { className: isBad ? "tile bad" : "tile" }, html("b", {}, value, unit ? html("small", {}, unit) : null), html("span", {}, ...(typeof word === "string" ? [t(word)] : [t(...word)])));
}

function renderTiles() {
  const { jobs_total, jobs_done, jobs_late, jobs_failed, sequences_broken, invariant_violations, robots, sim_seconds, jobs_per_hour } = RUN.report;
  const states = Array(STATES).fill(0);
  RUN.kinds_s.forEach((s, kind) => (states[STATE_OF[kind]] += s));
  const moving = states[0] + states[1];
  const [driven, empty] = RUN.driven_m;
  byId("tiles").replaceChildren(
    tile(number(jobs_done), `/ ${number(jobs_total)}`, "tile.done", jobs_done < jobs_total),
    tile(number(jobs_per_hour, 0), "", "tile.rate"),
    tile(number(jobs_late), "", "tile.late", jobs_late > 0),
    tile(number(jobs_failed), "", "tile.failed", jobs_failed > 0),
    tile(number(invariant_violations), "", "tile.violations", invariant_violations > 0),
    tile(number(sequences_broken), "", "tile.sequences", sequences_broken > 0),
    tile(number(robots), "", "tile.robots"),
    tile(clock(sim_seconds * 10), "", "tile.time"),
    tile(span(RUN.took_ms[0] / 1000), "", "tile.job"),
    tile(span(RUN.took_ms[1] / 1000), "", "tile.p95"),
    tile(driven ? number((100 * empty) / driven) : "0", "%", ["tile.empty", number(driven / 1000, 1)]),
    tile(moving ? number((100 * states[1]) / moving) : "0", "%", "tile.wait"));
}

function renderStories() {
  const stories = BROKEN.map(([name, broken]) => {
    const first = EVENTS.find((event) => event.sort === "violation" && event.code === name);
    const show = first && html("button", { type: "button", onclick: () => showEvent(first) }, `${t("goThere")} ${clock(first.from)}`);
    return html("article", { className: "story" }, html("h3", {}, `✕ ${name}`, show), html("pre", {}, broken));
  });
  byId("stories").replaceChildren(...stories);
}

/** A few seconds before it, with its robot. */
function showEvent(event) {
  seek(Math.max(0, event.from - 50));
  if (event.robots.length) {
    view.scale = Math.max(view.scale, 0.16);
    choose(event.robots[0]);
  }
  byId("replay").scrollIntoView({ behavior: "smooth", block: "start" });
}

function renderRules() {
  const isInvariant = ([name]) => /^[A-Z]/.test(name);
  const list = (title, verdicts) => [
    html("h3", { className: "hint", style: { margin: "4px 0" } }, title),
    html("ul", { className: "rules" }, ...verdicts.map(([name, broken]) => html("li", {}, html("span", { className: broken === null ? "yes" : "no" }, broken === null ? "✓" : "✕"), name))),
  ];
  byId("rules").replaceChildren(...list(t("invariant"), RUN.verdicts.filter(isInvariant)), ...list(t("expectation"), RUN.verdicts.filter((verdict) => !isInvariant(verdict))));
}

function renderEvents() {
  const rows = EVENTS.slice(0, 500).map((event) => {
    const until = event.sort === "fault" ? ` – ${event.isOpen ? t("toEnd") : clock(event.until)}` : "";
    const jump = html("button", { type: "button", onclick: () => showEvent(event) }, clock(event.from) + until);
    return html("tr", {}, html("td", { className: "tight" }, jump), html("td", { className: "tight" }, t(event.sort)), html("td", {}, [event.code, event.text].filter(Boolean).join(": ")));
  });
  const head = html("tr", {}, ...["when", "", "what"].map((key) => html("th", {}, key ? t(key) : "")));
  byId("events").replaceChildren(rows.length ? html("table", {}, html("thead", {}, head), html("tbody", {}, ...rows)) : html("p", { className: "hint" }, t("noEvents")));
}

function renderTools() {
  for (const button of document.querySelectorAll("#languages button")) button.setAttribute("aria-pressed", String(button.dataset.lang === language));
  byId("theme").textContent = t(theme === "dark" ? "light" : "dark");
  const button = (text, word, onclick) => {
    const made = html("button", { type: "button", onclick, title: t(word) }, text);
    made.setAttribute("aria-label", t(word));
    return made;
  };
  byId("zoom").replaceChildren(button("+", "zoomIn", () => zoomBy(1.5)), button("−", "zoomOut", () => zoomBy(1 / 1.5)), button("⤢", "fit", fit));
  const all = () => {
    [shown.from, shown.until] = [0, END];
    drawTimeline();
  };
  byId("timeline-tools").replaceChildren(html("div", { className: "switch" }, button("+", "zoomIn", () => zoomTimeline(0.5)), button("−", "zoomOut", () => zoomTimeline(2)), html("button", { type: "button", onclick: all }, t("all"))));
  const tones = ["to_drop", "to_pick", "to_park", "act", "charge", "wait_robot", "wait_turn", "lost", "idle"].map((name) => toned(name));
  byId("timeline-legend").replaceChildren(...tones);
}

/** A swatch in the colour that an activity has in the timeline. */
function toned(name) {
  const made = swatch(`var(--s${STATE_OF[KIND_NAMES.indexOf(name)]})`, name === "wait_robot" ? t("traffic") : name === "lost" ? t("state5") : t(name));
  made.firstChild.style.opacity = patterns[name] ?? 1;
  return made;
}

/** Everything with words. */
function render() {
  document.documentElement.lang = language;
  document.documentElement.dataset.theme = theme;
  document.title = `${BROKEN.length ? "✕" : "✓"} ${RUN.name} · ${t("brand")}`;
  colours = readColours();
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  byId("again").textContent = RUN.again;
  byId("digest").textContent = `${t("digest", RUN.report.digest)} · ${t("nearness", RUN.near_cm)}`;
  for (const draw of [renderVerdict, renderTiles, renderStories, renderTools, renderMapTools, renderPlayer, renderMarks, renderRules, renderEvents, drawHeatMap]) draw();
  drawCharts();
}

function drawCharts() {
  drawThroughput();
  drawStates();
  moved();
}

function setUpKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLElement && event.target.closest("button, input, a")) return;
    const step = event.shiftKey ? 600 : 50;
    const keys = { " ": () => setPlaying(!player.isPlaying), ArrowRight: () => seek(player.time + step), ArrowLeft: () => seek(player.time - step), Escape: () => choose(null) };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function setUp() {
  byId("slider").max = String(END);
  byId("slider").addEventListener("input", (event) => seek(Number(event.target.value)));
  byId("play").addEventListener("click", () => setPlaying(!player.isPlaying));
  for (const button of document.querySelectorAll("#languages button")) {
    button.addEventListener("click", () => {
      language = button.dataset.lang;
      render();
    });
  }
  byId("theme").addEventListener("click", () => {
    theme = theme === "dark" ? "light" : "dark";
    render();
  });
  byId("copy").addEventListener("click", () => {
    navigator.clipboard?.writeText(RUN.again).then(() => (byId("copy").textContent = t("copied")), () => {});
  });
  setUpGestures();
  setUpTimeline();
  setUpKeys();
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (isFitted) fit();
      drawCharts();
    }, 120);
  });
  const first = EVENTS.find((event) => event.sort === "violation");
  player.time = first ? Math.max(0, first.from - 50) : Math.min(END, Math.round(END / 3));
  render();
  fit();
  requestAnimationFrame(frameTurn);
}

setUp();
