// @ts-check
/** Joins the parts of the page: connection, stream, inputs, charts and words. */

import { Allocation, CARDS as ALLOCATION_CARDS } from "./allocation.js";
import { CARDS, Charts, setText } from "./charts.js";
import { ServerClock } from "./clock.js";
import { Connection } from "./connection.js";
import { ControlPanel } from "./control.js";
import { Controls } from "./controls.js";
import { DrawnView } from "./drawn.js";
import { listenToOrbit } from "./drawn_orbit.js";
import { DrawnPanel } from "./drawn_panel.js";
import { isState } from "./drawn_states.js";
import { Enabling } from "./enabling.js";
import { Hand } from "./hand.js";
import { HandView } from "./handview.js";
import { listenToGamepad } from "./input_gamepad.js";
import { listenToKeyboard } from "./input_keyboard.js";
import { listenToMouse } from "./input_mouse.js";
import { canEnterXr, enterXr } from "./input_xr.js";
import { Lesson } from "./lesson.js";
import { MotionToPhoton } from "./mtp.js";
import { Numbers } from "./numbers.js";
import { Status } from "./status.js";
import { StopLane } from "./stop_lane.js";
import { canDecodeVideo, Stream } from "./stream.js";
import { showTips } from "./tips.js";

const PING_FIRST_MS = 100;
/** The server takes a page that says nothing for gone; a tab in the background is given no timer, but messages. */
const PING_MS = 400;
/** A picture so old no longer shows what is so; at a low rate, this many periods. */
const FROZEN_MS = 2000;
const FROZEN_PERIODS = 3;
/** @type {Record<string, string>} */
const CODEC_WORDS = { jpeg: "JPEG", scene: "drawn here" };

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

const canvas = /** @type {HTMLCanvasElement} */ (byId("picture"));
const clock = new ServerClock();
const status = new Status();
const allocation = new Allocation();
const charts = new Charts([
  { parent: byId("charts"), cards: CARDS },
  { parent: byId("allocation-charts"), cards: ALLOCATION_CARDS },
]);
const handView = new HandView(byId("hand"));
/** @type {Record<string, any>} */
let hello = {};
/** @type {any} */
let xrSession = null;
/** What the newest picture was, or state. @type {{width: number, height: number, codec: string} | null} */
let shown = null;
let shownMs = -Infinity;
let pingedMs = -Infinity;
/** @type {{pageMs: number, bytes: number}[]} */
const drawn = [];
const videoWorks = canDecodeVideo();

/** Words that let the arm move again. */
const STARTS = ["engage", "lesson_start"];
/** @param {any} message */
function send(message) {
  // A Stop that is still being repeated must not come after them.
  if (message.type === "command" && STARTS.includes(message.name) && hand.enabled) stopLane.cancel();
  return connection.send(message);
}
const numbers = new Numbers();
const mtp = new MotionToPhoton((samples) => send({ type: "mtp", samples }));

const stream = new Stream(canvas, {
  ack: (ack, pageMs) => send({ type: "ack", ...ack, t_ms: pageMs, server_ns: clock.serverNs(pageMs) }),
  drawn: (header, pageMs) => {
    shown = header;
    shownMs = pageMs;
    mtp.drawn(header.input_seq, pageMs);
    controls.followSize(header.width, header.height, pageMs);
    drawn.push({ pageMs, bytes: header.bytes });
  },
  failed: async () => {
    if (hand.enabled && !(await videoWorks)) askForJpeg();
  },
});

const view = new DrawnView(byId("drawn"), (pageMs) => clock.serverNs(pageMs), {
  ack: (ack, pageMs) => send({ type: "ack", ...ack, t_ms: pageMs, server_ns: clock.serverNs(pageMs) }),
  drawn: (state, pageMs) => {
    shown = { ...state, codec: "scene" };
    shownMs = pageMs;
    mtp.drawn(state.input_seq, pageMs);
    drawn.push({ pageMs, bytes: state.bytes });
  },
  failed: (why) => {
    status.suggest(`The twin cannot be drawn here (${why}); pictures were asked for instead.`);
    askForPictures();
  },
});
const viewPanel = new DrawnPanel(byId("views"), byId("shown"), view, () => controls.command("stop"));

const hand = new Hand((message, pageMs) => {
  const sent = send({ ...message, server_ns: clock.serverNs(pageMs) });
  if (sent) mtp.input(hand.seq + 1, pageMs);
  if (sent && hand.clutch) advise();
  return sent;
});

hand.steer = (step) => (view.active && view.camera ? view.camera.toFirst(step) : step);
const enabling = new Enabling(send, hand);
hand.onHold = () => enabling.update();
const stopLane = new StopLane(send);
const panel = new ControlPanel(send);

const controls = new Controls(send, {
  onStop: () => stopLane.stop(),
  onCommand: (name) => {
    if (name === "recentre") hand.releaseAll();
  },
});

const lesson = new Lesson(canvas, send, (pageMs) => clock.serverNs(pageMs));

/** A hand that moves while the arm may not follow is told why. */
function advise() {
  const button = lesson.active ? "Start" : "Engage";
  if (status.mode === "off") status.suggest(`The arm is off. Press ${button} to let it follow your hand.`);
  if (status.mode === "hold") status.suggest(`The arm is on hold. Press ${button} to let it follow your hand.`);
}

/** @param {any} message */
async function hear(message) {
  const nowMs = performance.now();
  if (message.type === "pong") return clock.learn(message, nowMs);
  if (message.type === "telemetry") {
    if (nowMs - pingedMs > PING_MS) ping();
    status.hear(message, nowMs);
    stopLane.hear(message.stop);
    enabling.hear(message);
    message.allocator = allocation.hear(message, nowMs);
    controls.follow(message, status.mode, nowMs);
    lesson.hear(message.lesson);
    charts.push(nowMs, { ...numbers.sensible(withOwnNumbers(message, nowMs), nowMs), ...allocation.numbers });
    return;
  }
  if (message.type === "share") return controls.share.hear(message);
  if (message.type === "refused") return status.suggest(message.text);
  if (message.type === "control") return followControl(message, nowMs);
  if (message.type !== "hello") return;
  hello = message;
  hand.seq = Math.max(hand.seq, message.input_seq ?? 0);
  if (message.drawn) view.welcome(message.drawn);
  panel.viewer = message.viewer;
  stopLane.welcome(message);
  controls.offer(message);
  lesson.offer(message);
  allocation.offer(message);
  status.lesson = lesson.active;
  status.device = String(message.device || "");
  if (status.device) {
    const back = /** @type {HTMLElement} */ (document.querySelector("button[data-command=replay]"));
    setText(/** @type {HTMLElement} */ (back.querySelector("span")), `Back to the ${status.device}`);
    back.dataset.tip = `Let the ${status.device} drive again`;
  }
  setText(byId("version"), message.version ? `v${message.version}` : "");
}

/** Who drives may have changed. @param {any} standing @param {number} nowMs */
function followControl(standing, nowMs) {
  const changed = panel.hear(standing, nowMs);
  if (changed) status.suggest(changed);
  const drove = hand.enabled;
  if (!standing.you) hand.releaseAll();
  hand.enabled = standing.you;
  status.observer = !standing.you;
  controls.restrict(status.observer);
  controls.share.offer(standing);
  lesson.restrict(status.observer);
  if (standing.you && !drove && view.broken && status.telemetry.view?.codec === "scene") askForPictures();
}

/** This browser cannot draw: the distant machine shall. Who watches must leave that to who drives. */
async function askForPictures() {
  if (!hand.enabled) return;
  if (await videoWorks) send({ type: "settings", name: "view", values: { codec: "h264" } });
  else askForJpeg();
}

function askForJpeg() {
  send({ type: "settings", name: "view", values: { codec: "jpeg" } });
  if (!isSecureContext) status.trouble = "Sending JPEG pictures: this address is not secure, so the browser decodes no video.";
}

/** What the page measures itself fills what telemetry leaves out. @param {Record<string, any>} telemetry @param {number} nowMs */
function withOwnNumbers(telemetry, nowMs) {
  while (drawn.length && nowMs - drawn[0].pageMs > 1000) drawn.shift();
  const bits = 8 * drawn.reduce((sum, one) => sum + one.bytes, 0);
  const own = { mtp_ms: mtp.median(nowMs), frame_rate_hz: drawn.length, bitrate_mbps: bits / 1e6 };
  const filled = { ...telemetry };
  for (const [key, value] of Object.entries(own)) filled[key] ??= value;
  return filled;
}

const connection = new Connection("ws", {
  onText: hear,
  onPicture: (data) => {
    if (isState(data)) return view.receive(data);
    if (view.active) view.reset();
    stream.receive(data);
  },
  onChange: (open) => {
    status.connected = open;
    status.isOver = lesson.hasQuit;
    shown = null;
    stream.reset();
    view.reset();
    mtp.forget();
    hand.releaseAll();
    hand.enabled = false;
    panel.forget();
    clock.forget();
    if (open) for (let i = 0; i < 5; i += 1) setTimeout(ping, i * PING_FIRST_MS);
  },
  onRefused: (why) => (status.refusal = why),
});

function ping() {
  pingedMs = performance.now();
  send({ type: "ping", t_ms: pingedMs });
}
setInterval(ping, PING_MS);

const shownCamera = () => (view.active ? view.camera : null);
listenToOrbit(byId("picture-frame"), shownCamera, () => hand.releaseAll());
listenToMouse(canvas, hand, () => shownCamera()?.heightAt(hello.drawn.tool) ?? hello.view_height_m ?? 0.7);
const keys = {
  Escape: () => controls.command("stop"),
  Enter: () => (lesson.active ? lesson.command("start") : controls.command("engage")),
  KeyH: () => controls.command("hold"),
  KeyF: () => controls.command("forecast"),
  KeyR: () => controls.command("record"),
  KeyC: () => controls.command("recentre"),
  Slash: () => byId("help").showModal(),
};
const pressKeys = listenToKeyboard(hand, keys, () => !enabling.needed);
const pollGamepad = listenToGamepad(hand, {
  engage: () => controls.command("engage"),
  stop: () => controls.command("stop"),
});
document.addEventListener("visibilitychange", () => document.hidden && hand.releaseAll());
addEventListener("pagehide", () => hand.releaseAll());
// A window that others are in front of may not see what is let go; a clutch that was latched by Space is meant to stay,
// and a headset takes the focus while its controller is held.
addEventListener("blur", () => xrSession || hand.releaseAllBut(enabling.needed ? "" : "space"));
byId("help-open").addEventListener("click", () => byId("help").showModal());
showTips(byId("tip"));

async function offerXr() {
  byId("xr").hidden = !(await canEnterXr());
}
byId("xr").addEventListener("click", async () => {
  if (xrSession) return xrSession.end();
  try {
    xrSession = await enterXr(canvas, hand, (active) => {
      if (!active) xrSession = null;
      setText(byId("xr-label"), active ? "Leave VR" : "Enter VR");
    });
  } catch (error) {
    status.suggest(`VR could not start: ${error instanceof Error ? error.message : error}`);
  }
});
offerXr();

/** How the picture on the screen is. @param {number} nowMs */
function pictureState(nowMs) {
  if (!shown) return "none";
  const periodMs = 1000 / (status.telemetry.view?.rate_hz || Infinity);
  return nowMs - shownMs > Math.max(FROZEN_MS, FROZEN_PERIODS * periodMs) ? "frozen" : "live";
}

/** A device on the operator's host, or the page that drives while this one watches, is a person as well. */
function isMyHand() {
  return hand.clutch || (status.telemetry.hand === "person" && !status.observer && !status.device);
}

function handLabel() {
  const byPerson = status.telemetry.hand === "person";
  if (status.isMine && hand.clutch && status.mode !== "engaged") return "Your hand · the arm does not follow";
  if (status.isMine) return hand.clutch ? "Your hand · moving the arm" : "Your hand · clutch open";
  if (status.observer && byPerson) return "The driver's hand";
  if (lesson.active && !byPerson) return "At rest";
  return status.device || "Recorded hand";
}

/** @param {number} nowMs */
function showPicture(nowMs) {
  const told = status.telemetry.hand_xyz;
  status.isMine = isMyHand();
  status.stop = stopLane.words(nowMs);
  setText(byId("picture-info"), shown ? `${shown.width} × ${shown.height} · ${CODEC_WORDS[shown.codec] ?? "H.264"}` : "");
  viewPanel.show(view.active);
  status.show(nowMs, pictureState(nowMs));
  const position = status.isMine ? hand.position : (told ?? hand.position);
  panel.show(nowMs, status.isEngaged(nowMs));
  enabling.show(panel.isMine);
  handView.draw(position, status.isMine ? hand.clutch : Array.isArray(told));
  setText(byId("hand-label"), handLabel());
  lesson.draw(nowMs);
}

let lastMs = performance.now();
/** @param {number} nowMs */
function everyFrame(nowMs) {
  requestAnimationFrame(everyFrame);
  const dtS = Math.min(Math.max(nowMs - lastMs, 0), 50) / 1000;
  lastMs = nowMs;
  pressKeys(nowMs);
  pollGamepad(dtS, nowMs);
  hand.tick(nowMs);
  enabling.beat();
  view.tick(nowMs);
  charts.drawNext(performance.now());
  showPicture(performance.now());
}
requestAnimationFrame(everyFrame);

/** For checks from outside: what the page has counted so far. */
Object.assign(window, {
  teletwin: {
    view,
    snapshot: () => ({
      stream: { ...stream.counters },
      drawn: { ...view.counters, active: view.active, broken: view.broken, frame_ms: view.frameMs, step: view.step, in_worker: Boolean(view.worker) },
      counters: { ...status.telemetry.counters },
      mtp: { ...mtp.counters, median_ms: mtp.median(performance.now()) },
      input_seq: hand.seq,
      enable_seq: enabling.seq,
      control: { ...panel.standing },
      stop: { state: stopLane.state, number: stopLane.number, ...stopLane.counters },
      clutch: hand.clutch,
      hand: [...hand.position, ...hand.orientation],
      opened: connection.openedCount,
      codec: shown?.codec ?? null,
      engaged: status.isEngaged(performance.now()),
      offset_known: clock.serverNs(0) !== null,
      isolated: crossOriginIsolated,
      lesson: lesson.active ? { ...lesson.time(performance.now()), state: lesson.told?.state ?? null } : null,
    }),
  },
});
