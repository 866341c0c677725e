// @ts-check
/** The WebSocket to the server: says things, hands out what comes, and comes back after a loss. */

const RETRY_FIRST_MS = 50;
const RETRY_LAST_MS = 2000;

export class Connection {
  /** @param {{onText: (message: any) => void, onPicture: (data: ArrayBuffer) => void, onChange: (open: boolean) => void}} listeners */
  constructor(listeners) {
    this.listeners = listeners;
    this.retryMs = RETRY_FIRST_MS;
    this.openedCount = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.connect();
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    const url = new URL(`ws${location.search}`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.retryMs = RETRY_FIRST_MS;
      this.openedCount += 1;
      this.listeners.onChange(true);
    };
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.listeners.onText(JSON.parse(event.data));
      else this.listeners.onPicture(event.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.listeners.onChange(false);
      setTimeout(() => this.connect(), this.retryMs);
      this.retryMs = Math.min(2 * this.retryMs, RETRY_LAST_MS);
    };
    this.socket = socket;
  }

  /** Send one message; false when there is no connection. @param {object} message */
  send(message) {
    if (!this.open) return false;
    this.socket?.send(JSON.stringify(message));
    return true;
  }
}
