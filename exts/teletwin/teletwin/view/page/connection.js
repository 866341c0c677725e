// @ts-check
/** A WebSocket to the server: says things, hands out what comes, and comes back after a loss. */

const RETRY_FIRST_MS = 50;
const RETRY_LAST_MS = 2000;
/** Who is refused asks again seldom: the answer will hardly change. */
const RETRY_REFUSED_MS = 5000;
const REFUSALS = [403, 429, 503];
const ANSWER_MS = 1000;

/** Why the server refuses this page, as a WebSocket that fails does not tell; empty when it is only away. @param {URL} url */
async function askWhy(url) {
  try {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    return REFUSALS.includes(answer.status) ? await answer.text() : "";
  } catch {
    return "";
  }
}

export class Connection {
  /**
   * @param {string} path of the WebSocket
   * @param {{onText: (message: any) => void, onPicture: (data: ArrayBuffer) => void, onChange: (open: boolean) => void,
   *   onRefused: (why: string) => void}} listeners why is empty when nothing is refused any more
   */
  constructor(path, listeners) {
    this.path = path;
    this.listeners = listeners;
    this.retryMs = RETRY_FIRST_MS;
    this.openedCount = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.connect();
  }

  get url() {
    return new URL(this.path, location.href);
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    const { url } = this;
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.retryMs = RETRY_FIRST_MS;
      this.openedCount += 1;
      this.listeners.onRefused("");
      this.listeners.onChange(true);
    };
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.listeners.onText(JSON.parse(event.data));
      else this.listeners.onPicture(event.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.listeners.onChange(false);
      this.retry();
    };
    this.socket = socket;
  }

  async retry() {
    const why = await askWhy(this.url);
    this.listeners.onRefused(why);
    setTimeout(() => this.connect(), why ? RETRY_REFUSED_MS : this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, RETRY_LAST_MS);
  }

  /** Send one message; false when there is no connection. @param {object} message */
  send(message) {
    if (!this.open) return false;
    this.socket?.send(JSON.stringify(message));
    return true;
  }
}
