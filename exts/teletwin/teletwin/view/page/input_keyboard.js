// @ts-check
/** Keys: held motion keys move the hand at a steady speed and hold the clutch; Space latches it, or holds it as they do. */

import { eventTime } from "./hand.js";

const SPEED_M_S = 0.16;
const TURN_RAD_S = 0.9;
const FINE = 0.3;
/** A page that stood still for longer goes on as if only so long had passed [ms]. */
const STEP_MAX_MS = 50;

/** @type {Record<string, [number, number, number]>} */
const MOVES = {
  KeyA: [-1, 0, 0], KeyD: [1, 0, 0], KeyW: [0, 1, 0], KeyS: [0, -1, 0], KeyQ: [0, 0, -1], KeyE: [0, 0, 1],
};
/** @type {Record<string, [number, number, number]>} */
const TURNS = {
  ArrowUp: [-1, 0, 0], ArrowDown: [1, 0, 0], ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, 0],
  KeyI: [-1, 0, 0], KeyK: [1, 0, 0], KeyJ: [0, -1, 0], KeyL: [0, 1, 0], KeyU: [0, 0, 1], KeyO: [0, 0, -1],
};

/** Whether a control needs this key for itself. @param {EventTarget | null} target @param {string} code */
function takesKey(target, code) {
  if (!(target instanceof HTMLElement)) return false;
  if (/^(BUTTON|SUMMARY)$/.test(target.tagName)) return /^(Space|Enter|NumpadEnter)$/.test(code);
  if (target.matches("input[type=range]")) return /^(Arrow|Home|End|Page)/.test(code);
  return /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}

/** Keys that calm the arm work whatever has the focus; only in a text an H is a letter. @param {KeyboardEvent} event */
function isSafe({ code, target }) {
  const isText = target instanceof HTMLElement && target.matches("textarea, input:not([type=range])");
  return code === "Escape" || (code === "KeyH" && !isText);
}

/** Behind an open dialog nobody sees the arm move. */
const isCovered = () => document.querySelector("dialog[open]") !== null;

/**
 * @param {import("./hand.js").Hand} hand
 * @param {Record<string, () => void>} actions by key code, for keys that are no motion
 * @param {() => boolean} spaceLatches whether Space keeps the clutch closed until it is pressed again
 * @returns {(frameMs: number) => void} to be called once a display frame
 */
export function listenToKeyboard(hand, actions, spaceLatches) {
  /** @type {Set<string>} */
  const held = new Set();
  let fine = false;
  let movedMs = -Infinity;

  /** Move on to a moment: a key counts from the moment it was pressed to that when it was let go. @param {number} ms */
  const moveOn = (ms) => {
    const dtMs = Math.min(ms - movedMs, STEP_MAX_MS);
    if (dtMs <= 0) return;
    movedMs = ms;
    if (!held.size) return;
    const scale = (dtMs / 1000) * (fine ? FINE : 1);
    const move = sum(held, MOVES, SPEED_M_S * scale);
    const turn = sum(held, TURNS, TURN_RAD_S * scale);
    if (move.some(Boolean)) hand.translate(move, "keyboard", ms);
    if (turn.some(Boolean)) hand.rotate(turn, "keyboard", ms);
  };

  addEventListener("keydown", (event) => {
    moveOn(eventTime(event));
    fine = event.shiftKey;
    // Alt rolls the tool in a drag: Escape stops whatever else is held.
    if (event.code !== "Escape" && (event.ctrlKey || event.metaKey || event.altKey)) return;
    const isMotion = event.code in MOVES || event.code in TURNS;
    if (event.code === "Escape" && document.querySelector("#help[open], #share[open]")) return; // it closes what is open, and does nothing else
    if (!isSafe(event) && (takesKey(event.target, event.code) || isCovered())) return;
    // A key that repeats was pressed before; after the page lost sight of it, only a fresh press counts.
    if (isMotion && !event.repeat) {
      held.add(event.code);
      hand.hold("keys", true, "keyboard", eventTime(event));
    } else if (event.code === "Space" && !event.repeat) {
      hand.hold("space", !spaceLatches() || !hand.holders.has("space"), "keyboard");
    }
    else if (event.code in actions && !event.repeat) actions[event.code]();
    // A select would take the H as the start of an option's name.
    if (isMotion || event.code === "Space" || event.code === "KeyH") event.preventDefault();
  });
  addEventListener("keyup", (event) => {
    const ms = eventTime(event);
    moveOn(ms);
    fine = event.shiftKey;
    // While Meta is down, macOS tells of no other key that is let go.
    if (event.key === "Meta") held.clear();
    else held.delete(event.code);
    if (!held.size) hand.hold("keys", false, "keyboard", ms);
    if (!spaceLatches() && (event.code === "Space" || event.key === "Meta")) hand.hold("space", false, "keyboard");
  });
  const forget = () => {
    held.clear();
    hand.hold("keys", false, "keyboard");
  };
  for (const name of ["blur", "pagehide", "visibilitychange"]) addEventListener(name, forget);

  return (frameMs) => {
    if (isCovered()) {
      forget();
      if (!spaceLatches()) hand.hold("space", false, "keyboard");
    }
    if (held.size) hand.hold("keys", true, "keyboard");
    moveOn(frameMs);
  };
}

/** @param {Set<string>} held @param {Record<string, number[]>} table @param {number} scale @returns {[number, number, number]} */
function sum(held, table, scale) {
  /** @type {[number, number, number]} */
  const total = [0, 0, 0];
  for (const code of held) for (const axis of [0, 1, 2]) total[axis] += scale * (table[code]?.[axis] ?? 0);
  return total;
}
