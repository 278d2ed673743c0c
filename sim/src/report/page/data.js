// The run's data, unpacked once, and questions to it. Times are tenths of a second since the start.
const RUN = JSON.parse(document.getElementById("data").textContent);
const END = Math.max(1, Math.round(RUN.report.sim_seconds * 10));
const KIND_NAMES = RUN.kinds.map((kind) => kind[0]);
const STATE_OF = RUN.kinds.map((kind) => kind[1]);
const STATES = 6;

/** Bytes of unpadded base64. */
function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) out[at] = raw.charCodeAt(at);
  return out;
}

/** Whole numbers, seven bits a byte. */
function wholes(text) {
  const from = bytes(text);
  const out = new Float64Array(from.length);
  let count = 0;
  let value = 0;
  let scale = 1;
  for (const byte of from) {
    value += (byte & 127) * scale;
    if (byte & 128) {
      scale *= 128;
    } else {
      out[count++] = value;
      value = 0;
      scale = 1;
    }
  }
  return out.subarray(0, count);
}

const unfold = (value) => (value % 2 ? -(value + 1) / 2 : value / 2);

/** A robot's way: `at`, `x`, `y` (cm), `theta` (tenths of a degree), each a list. */
function track(text) {
  const flat = wholes(text);
  const count = flat.length / 4;
  const columns = [0, 1, 2, 3].map(() => new Int32Array(count));
  const sum = [0, 0, 0, 0];
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < 4; column++) {
      sum[column] += unfold(flat[row * 4 + column]);
      columns[column][row] = sum[column];
    }
  }
  const [at, x, y, theta] = columns;
  return { at, x, y, theta };
}

/** A robot's activities: from when, kind, whom it is about (-1 = nobody). */
function activities(text) {
  const flat = wholes(text);
  const count = flat.length / 3;
  const out = { at: new Int32Array(count), kind: new Uint8Array(count), with: new Int32Array(count) };
  let at = 0;
  for (let row = 0; row < count; row++) {
    at += flat[row * 3];
    out.at[row] = at;
    out.kind[row] = flat[row * 3 + 1];
    out.with[row] = flat[row * 3 + 2] - 1;
  }
  return out;
}

/** The last place of a rising list that isn't after `time`; -1 if all are. */
function before(list, time) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const duties = RUN.robots.map(() => []);
for (const [robot, from, until, job] of RUN.duties) {
  duties[robot].push({ from: from / 100, until: until === null ? END : until / 100, job });
}

const ROBOTS = RUN.robots.map(([name, length, width], index) => ({
  index,
  name,
  short: name.slice(name.indexOf("/") + 1),
  length: length / 10,
  width: width / 10,
  track: track(RUN.tracks[index]),
  spans: activities(RUN.spans[index]),
  duties: duties[index],
  maps: RUN.map_changes[index] ?? [],
}));

/** Where a robot was: x, y in cm, theta in radians, map by name. */
function poseAt(robot, time) {
  const { at, x, y, theta } = robot.track;
  if (!at.length) return null;
  const from = Math.max(0, before(at, time));
  const to = Math.min(from + 1, at.length - 1);
  const part = at[to] > at[from] ? Math.min(1, Math.max(0, (time - at[from]) / (at[to] - at[from]))) : 0;
  const mix = (list) => list[from] + (list[to] - list[from]) * part;
  const change = robot.maps.filter(([since]) => since <= time).pop();
  return { x: mix(x), y: mix(y), theta: (mix(theta) / 1800) * Math.PI, map: RUN.map_names[change ? change[1] : 0] };
}

/** What a robot did: kind, with, from, until. */
function spanAt(robot, time) {
  const place = before(robot.spans.at, time);
  if (place < 0) return { kind: KIND_NAMES.indexOf("absent"), with: -1, from: 0, until: robot.spans.at[0] ?? END };
  return {
    kind: robot.spans.kind[place],
    with: robot.spans.with[place],
    from: robot.spans.at[place],
    until: robot.spans.at[place + 1] ?? END,
  };
}

const stateAt = (robot, time) => STATE_OF[spanAt(robot, time).kind];

/** The robot, door or zone that an activity is about, by name; empty if nobody. */
function partner({ kind, with: whom }) {
  if (whom < 0) return "";
  const lists = { wait_robot: () => ROBOTS[whom]?.short, wait_device: () => RUN.floor.devices[whom]?.[0], wait_zone: () => RUN.floor.zones[whom]?.[0] };
  return lists[KIND_NAMES[kind]]?.() ?? "";
}

const dutyAt = (robot, time) => robot.duties.find((duty) => duty.from <= time && time < duty.until);

/** Violations, faults and alarms in one list, by time. */
const EVENTS = [
  ...RUN.violations.map(([at, code, robots, text]) => ({ sort: "violation", from: at / 100, code, robots, text })),
  ...RUN.faults.map(([text, from, until]) => ({ sort: "fault", from: from / 100, until: until === null ? END : until / 100, isOpen: until === null, code: "", robots: [], text })),
  ...RUN.alarms.map(([at, code, robot, text]) => ({ sort: "alarm", from: at / 100, code, robots: robot === null ? [] : [robot], text })),
].sort((one, other) => one.from - other.from);
