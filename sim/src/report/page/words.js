"use strict";
// Words in two languages; nothing else knows a sentence.
const WORDS = {
  en: {
    brand: "Drover simulation report", skip: "Skip to the replay", light: "Light", dark: "Dark", held: "Held", broke: "Broke",
    "verdict.held": "All {0} rules held", "verdict.broke": "{0} of {1} rules broke", about: "{0} · seed {1} · policy {2}",
    "tile.done": "jobs done", "tile.rate": "jobs per hour", "tile.late": "late", "tile.failed": "failed or refused", "tile.violations": "invariants broken",
    "tile.robots": "robots", "tile.time": "simulated", "tile.job": "mean job time", "tile.p95": "95 % of jobs within", "tile.empty": "empty, of {0} km driven", "tile.wait": "of moving time waited", "tile.sequences": "sequences broken",
    replay: "Replay", play: "Play", pause: "Pause", follow: "Follow", release: "Let go", close: "Close", fit: "Fit", heatLayer: "Waiting", names: "Names", level: "Level",
    now: "Now", robot: "Robot", hint: "Click a robot to follow it. Space plays, arrow keys step.", nothing: "no job", since: "since {0}", waitsFor: "for {0}", showInTimeline: "In the timeline",
    throughput: "Throughput", "throughput.hint": "jobs done per hour, in steps of {0}", states: "Robots by state", "states.hint": "{0} robots; click to go there",
    timeline: "Timeline per robot", zoomIn: "Zoom in", zoomOut: "Zoom out", all: "All", heat: "Where robots waited", "heat.hint": "Seconds that robots stood at a place although they had somewhere to go",
    place: "Place", traffic: "In traffic", turn: "For its turn", noWaiting: "Nobody waited.", rules: "What had to hold", invariant: "Invariants", expectation: "Expectations",
    events: "Faults and alarms", noEvents: "No faults were planted and no alarms were raised.", when: "When", what: "What", toEnd: "end", goThere: "Show", fault: "Fault", alarm: "Alarm", violation: "Violation",
    again: "Run it again", "again.hint": "The same seed and version give the same run, bit for bit", copy: "Copy", copied: "Copied", digest: "digest {0}", mean: "mean {0}", causes: "Waiting, by cause", nearness: "Ways are shown to within {0} cm.",
    state0: "Driving", state1: "Waiting", state2: "Working", state3: "Charging", state4: "Idle", state5: "Out",
    idle: "Idle", to_park: "To parking", to_pick: "To pick", to_drop: "To drop", wait_turn: "Waits for its turn", wait_robot: "Waits for a robot", wait_device: "Waits for a door", wait_zone: "Zone is stopped", wait_plan: "Waits for the plan", wait_answer: "Waits for an answer",
    act: "Works", confirm: "A person confirms", to_charge: "To a charger", charge: "Charges", paused: "Paused", faulted: "Can't go on", manual: "Driven by a person", lost: "Not heard", absent: "Hasn't joined", unled: "Nobody leads",
    frozen: "frozen", chilled: "chilled", ambient: "ambient", station: "Station", dock: "Dock", charger: "Charger", parking: "Parking", door: "Door", oneway: "One way", s: "s", min: "min", h: "h",
  },
  ko: {
    brand: "Drover 시뮬레이션 보고서", skip: "재생으로 건너뛰기", light: "밝게", dark: "어둡게", held: "통과", broke: "실패",
    "verdict.held": "규칙 {0}개를 모두 지켰습니다", "verdict.broke": "규칙 {1}개 중 {0}개가 깨졌습니다", about: "{0} · 시드 {1} · 배정 정책 {2}",
    "tile.done": "완료한 작업", "tile.rate": "시간당 작업", "tile.late": "마감 초과", "tile.failed": "실패 또는 거부", "tile.violations": "깨진 불변식",
    "tile.robots": "로봇", "tile.time": "시뮬레이션 시간", "tile.job": "작업 평균 시간", "tile.p95": "95 % 작업의 최대 시간", "tile.empty": "빈 주행, 총 {0} km", "tile.wait": "이동 시간 중 대기", "tile.sequences": "깨진 시퀀스",
    replay: "재생", play: "재생", pause: "멈춤", follow: "따라가기", release: "놓기", close: "닫기", fit: "전체", heatLayer: "대기 표시", names: "이름", level: "층",
    now: "지금", robot: "로봇", hint: "로봇을 누르면 따라갑니다. 스페이스: 재생, 화살표: 이동.", nothing: "작업 없음", since: "{0}부터", waitsFor: "대상: {0}", showInTimeline: "타임라인에서 보기",
    throughput: "처리량", "throughput.hint": "시간당 완료한 작업, {0} 단위", states: "상태별 로봇", "states.hint": "로봇 {0}대, 누르면 그 시각으로 이동",
    timeline: "로봇별 타임라인", zoomIn: "확대", zoomOut: "축소", all: "전체", heat: "로봇이 기다린 곳", "heat.hint": "갈 곳이 있는데도 그 자리에 서 있던 시간(초)",
    place: "위치", traffic: "통행 대기", turn: "차례 대기", noWaiting: "기다린 로봇이 없습니다.", rules: "지켜야 할 규칙", invariant: "불변식", expectation: "기대값",
    events: "장애와 알람", noEvents: "심은 장애도, 울린 알람도 없습니다.", when: "시각", what: "내용", toEnd: "끝", goThere: "보기", fault: "장애", alarm: "알람", violation: "위반",
    again: "다시 실행", "again.hint": "같은 시드와 버전이면 한 비트까지 같은 실행입니다", copy: "복사", copied: "복사됨", digest: "다이제스트 {0}", mean: "평균 {0}", causes: "원인별 대기", nearness: "경로 표시 오차 {0} cm 이내.",
    state0: "주행", state1: "대기", state2: "작업", state3: "충전", state4: "유휴", state5: "제외",
    idle: "유휴", to_park: "주차하러 이동", to_pick: "피킹하러 이동", to_drop: "내리러 이동", wait_turn: "차례를 기다림", wait_robot: "다른 로봇을 기다림", wait_device: "문을 기다림", wait_zone: "구역 정지됨", wait_plan: "경로 계획을 기다림", wait_answer: "응답을 기다림",
    act: "작업 중", confirm: "사람 확인 대기", to_charge: "충전하러 이동", charge: "충전 중", paused: "일시 정지", faulted: "스스로 못 움직임", manual: "사람이 운전", lost: "응답 없음", absent: "아직 없음", unled: "제어기 없음",
    frozen: "냉동", chilled: "냉장", ambient: "상온", station: "스테이션", dock: "도크", charger: "충전기", parking: "주차", door: "문", oneway: "일방통행", s: "초", min: "분", h: "시간",
  },
};

let language = (navigator.languages || [navigator.language]).some((name) => /^ko\b/i.test(name)) ? "ko" : "en";

/** The words for a key; {0}, {1} are filled in. */
function t(key, ...values) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\d)\}/g, (_, place) => values[place]);
}

const number = (value, digits = 0) =>
  value.toLocaleString(language === "ko" ? "ko-KR" : "en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** `1:02:03` of tenths of a second. */
function clock(ds) {
  const s = Math.floor(ds / 10);
  const two = (value) => String(value).padStart(2, "0");
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** A time in words: seconds. */
function span(s) {
  if (s < 100) return `${number(s)} ${t("s")}`;
  if (s < 6000) return `${number(s / 60, s < 600 ? 1 : 0)} ${t("min")}`;
  return `${number(s / 3600, 1)} ${t("h")}`;
}
