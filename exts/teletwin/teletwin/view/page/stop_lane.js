// @ts-check
/** Stop: on a connection of its own and beside it as a command, repeated until the arm is known to have it. */

import { Connection } from "./connection.js";

const REPEAT_MS = 100;
const REPEATS_FOR_MS = 3000;
const BRIEF_MS = 2500;
const LONG_MS = 8000;
const NUMBER_MAX = 2 ** 32 - 1;
const WORDS = {
  unsent: "Stop could NOT be sent: no connection. Use the robot's emergency stop.",
  sent: "Stop sent",
  arrived: "Stop at the arm",
  unconfirmed: "Stop was sent, but the arm has not confirmed it. Use the robot's emergency stop.",
};

export class StopLane {
  /** @param {(message: object) => boolean} sendCommand the ordinary way; gives false when it could not be sent */
  constructor(sendCommand) {
    this.sendCommand = sendCommand;
    this.viewer = 0;
    this.number = 0;
    /** The highest number that the host has told of. */
    this.seen = 0;
    this.timer = 0;
    this.askedMs = -Infinity;
    this.changedMs = -Infinity;
    /** @type {"" | keyof typeof WORDS} */
    this.state = "";
    this.commandSent = false;
    this.canConfirm = false;
    this.counters = { sent: 0, heard: 0 };
    this.lane = new Connection("stop", {
      onText: (message) => (this.counters.heard += Number(message.type === "stop_heard")),
      onPicture: () => {},
      onChange: () => {},
      onRefused: () => {},
    });
  }

  /** @param {Record<string, any>} hello */
  welcome(hello) {
    this.viewer = hello.viewer ?? 0;
    this.seen = Math.max(this.seen, hello.stop_number ?? 0);
  }

  /** Stop the arm. */
  stop() {
    this.number = Math.min(Math.max(this.number, this.seen) + 1, NUMBER_MAX);
    this.askedMs = performance.now();
    this.commandSent = false;
    this.become("unsent");
    clearInterval(this.timer);
    this.timer = window.setInterval(() => this.attempt(), REPEAT_MS);
    this.attempt();
  }

  /** A person wants the arm to move again: an old Stop must not come after that. */
  cancel() {
    clearInterval(this.timer);
    this.state = "";
  }

  attempt() {
    const { number, viewer } = this;
    const sent = this.lane.send({ type: "stop", number, viewer });
    this.commandSent ||= this.sendCommand({ type: "command", name: "stop", values: { number } });
    this.counters.sent += Number(sent);
    if (this.state === "unsent" && (sent || this.commandSent)) this.become("sent");
    if (performance.now() - this.askedMs < REPEATS_FOR_MS) return;
    clearInterval(this.timer);
    if (this.state === "sent" && this.canConfirm) this.become("unconfirmed");
  }

  /** What the host knows of Stop. @param {{asked: number, at_arm: number} | undefined} told */
  hear(told) {
    this.canConfirm = Boolean(told);
    if (!told) return;
    this.seen = Math.max(this.seen, told.asked ?? 0);
    if (!this.state || this.state === "arrived" || !(told.at_arm >= this.number)) return;
    clearInterval(this.timer);
    this.become("arrived");
  }

  /** @param {keyof typeof WORDS} state */
  become(state) {
    this.state = state;
    this.changedMs = performance.now();
  }

  /** What to tell the person, and whether it is bad news. @param {number} nowMs */
  words(nowMs) {
    const bad = this.state === "unsent" || this.state === "unconfirmed";
    const stale = nowMs - this.changedMs > (bad ? LONG_MS : BRIEF_MS);
    return { text: this.state && !stale ? WORDS[this.state] : "", bad };
  }
}
