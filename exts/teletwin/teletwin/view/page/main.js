// @ts-check
/** Joins the parts of the page: connection, stream, inputs, charts and words. */

import { Allocation, CARDS as ALLOCATION_CARDS } from "./allocation.js";
import { CARDS, Charts, setText } from "./charts.js";
import { ServerClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Hand } from "./hand.js";
import { HandView } from "./handview.js";
import { listenToGamepad } from "./input_gamepad.js";
import { listenToKeyboard } from "./input_keyboard.js";
import { listenToMouse } from "./input_mouse.js";
import { canEnterXr, enterXr } from "./input_xr.js";
import { Lesson } from "./lesson.js";
import { MotionToPhoton } from "./mtp.js";
import { Status } from "./status.js";
import { canDecodeVideo, Stream } from "./stream.js";
import { showTips } from "./tips.js";

const PING_FIRST_MS = 100;
const PING_MS = 1000;
/** A picture so old no longer shows what is so; at a low rate, this many periods. */
const FROZEN_MS = 2000;
const FROZEN_PERIODS = 3;

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
/** @type {import("./stream.js").Header | null} */
let shown = null;
let shownMs = -Infinity;
/** @type {{pageMs: number, bytes: number}[]} */
const drawn = [];
const videoWorks = canDecodeVideo();

/** @param {object} message */
const send = (message) => connection.send(message);
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
});

const hand = new Hand((message, pageMs) => {
  const sent = send({ ...message, server_ns: clock.serverNs(pageMs) });
  if (sent) mtp.input(hand.seq + 1, pageMs);
  if (sent && hand.clutch) advise();
  return sent;
});

const controls = new Controls(send, (name) => {
  if (name === "recentre") hand.releaseAll();
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
    status.hear(message, nowMs);
    message.allocator = allocation.hear(message, nowMs);
    controls.follow(message, status.mode, nowMs);
    lesson.hear(message.lesson);
    charts.push(nowMs, { ...withOwnNumbers(message, nowMs), ...allocation.numbers });
    return;
  }
  if (message.type === "refused") return status.suggest(message.text);
  if (message.type !== "hello") return;
  hello = message;
  hand.seq = Math.max(hand.seq, message.input_seq ?? 0);
  status.observer = message.role === "observer";
  hand.enabled = !status.observer;
  if (status.observer) hand.releaseAll();
  controls.offer(message);
  controls.restrict(status.observer);
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
  if (!(await videoWorks)) askForJpeg();
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
  const numbers = { ...telemetry };
  for (const [key, value] of Object.entries(own)) numbers[key] ??= value;
  return numbers;
}

const connection = new Connection({
  onText: hear,
  onPicture: (data) => stream.receive(data),
  onChange: (open) => {
    status.connected = open;
    status.isOver = lesson.hasQuit;
    shown = null;
    stream.reset();
    mtp.forget();
    hand.releaseAll();
    clock.forget();
    if (open) for (let i = 0; i < 5; i += 1) setTimeout(ping, i * PING_FIRST_MS);
  },
  onRefused: (why) => (status.refusal = why),
});

function ping() {
  send({ type: "ping", t_ms: performance.now() });
}
setInterval(ping, PING_MS);

listenToMouse(canvas, hand, () => hello.view_height_m ?? 0.7);
const pressKeys = listenToKeyboard(hand, {
  Escape: () => controls.command("stop"),
  Enter: () => (lesson.active ? lesson.command("start") : controls.command("engage")),
  KeyH: () => controls.command("hold"),
  KeyR: () => controls.command("record"),
  KeyC: () => controls.command("recentre"),
  Slash: () => byId("help").showModal(),
});
const pollGamepad = listenToGamepad(hand, {
  engage: () => controls.command("engage"),
  stop: () => controls.command("stop"),
});
document.addEventListener("visibilitychange", () => document.hidden && hand.releaseAll());
byId("help-open").addEventListener("click", () => byId("help").showModal());
showTips(byId("tip"));

async function offerXr() {
  byId("xr").hidden = !(await canEnterXr());
}
/** @type {any} */
let xrSession = null;
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
  if (status.isMine) return hand.clutch ? "Your hand · moving the arm" : "Your hand · clutch open";
  if (status.observer && byPerson) return "The driver's hand";
  if (lesson.active && !byPerson) return "At rest";
  return status.device || "Recorded hand";
}

/** @param {number} nowMs */
function showPicture(nowMs) {
  const told = status.telemetry.hand_xyz;
  status.isMine = isMyHand();
  setText(byId("picture-info"), shown ? `${shown.width} × ${shown.height} · ${shown.codec === "jpeg" ? "JPEG" : "H.264"}` : "");
  status.show(nowMs, pictureState(nowMs));
  const position = status.isMine ? hand.position : (told ?? hand.position);
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
  pressKeys(dtS);
  pollGamepad(dtS);
  hand.tick(performance.now());
  charts.drawNext(performance.now());
  showPicture(performance.now());
}
requestAnimationFrame(everyFrame);

/** For checks from outside: what the page has counted so far. */
Object.assign(window, {
  teletwin: {
    snapshot: () => ({
      stream: { ...stream.counters },
      counters: { ...status.telemetry.counters },
      mtp: { ...mtp.counters, median_ms: mtp.median(performance.now()) },
      input_seq: hand.seq,
      clutch: hand.clutch,
      hand: [...hand.position, ...hand.orientation],
      opened: connection.openedCount,
      codec: shown?.codec ?? null,
      offset_known: clock.serverNs(0) !== null,
      isolated: crossOriginIsolated,
      lesson: lesson.active ? { ...lesson.time(performance.now()), state: lesson.told?.state ?? null } : null,
    }),
  },
});
