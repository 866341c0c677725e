// @ts-check
/**
 * Maps the page's clock to the server's by ping and pong: the exchange with the shortest round trip of the
 * last ones tells the offset best.
 */

const KEPT = 24;

export class ServerClock {
  constructor() {
    /** @type {{offsetMs: number, roundTripMs: number}[]} */
    this.exchanges = [];
  }

  /** @param {{t_ms: number, server_ns: number}} pong @param {number} nowMs */
  learn(pong, nowMs) {
    const roundTripMs = nowMs - pong.t_ms;
    const offsetMs = pong.server_ns / 1e6 - (pong.t_ms + nowMs) / 2;
    this.exchanges.push({ offsetMs, roundTripMs });
    if (this.exchanges.length > KEPT) this.exchanges.shift();
  }

  forget() {
    this.exchanges.length = 0;
  }

  /** Server time [ns] of a moment of the page [ms], or null before the first pong. @param {number} pageMs */
  serverNs(pageMs) {
    if (!this.exchanges.length) return null;
    const best = this.exchanges.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
    return Math.round((pageMs + best.offsetMs) * 1e6);
  }
}
