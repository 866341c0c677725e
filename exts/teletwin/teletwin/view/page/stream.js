// @ts-check
/**
 * Decodes and draws pictures, and gives each one's credit back. Pictures are drawn the moment they are
 * decoded; a late one is skipped, and after a loss the stream waits for a key frame.
 */

import { BITS, BLOCK, readNumber } from "./barcode.js";

const CODEC = "avc1.42E020";
const DECODER = { codec: CODEC, optimizeForLatency: true };
/** A number this far behind the newest means that the renderer started again. */
const RESTART_GAP = 100;

/** Whether this browser decodes H.264 here; a page that is not in a secure context has no WebCodecs. */
export async function canDecodeVideo() {
  if (!("VideoDecoder" in window)) return false;
  try {
    return (await VideoDecoder.isConfigSupported(DECODER)).supported === true;
  } catch {
    return false;
  }
}

/**
 * @typedef {{frame_id: number, codec: string, key: boolean, width: number, height: number, input_seq: number,
 *   t_ready_ns: number, shown_pose: number[], stages: Record<string, number>, barcode: boolean, bytes: number}} Header
 */

/** @param {ArrayBuffer} message @returns {{header: Header, data: Uint8Array}} */
export function unpack(message) {
  const length = new DataView(message).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, length)));
  header.bytes = message.byteLength;
  return { header, data: new Uint8Array(message, 4 + length) };
}

export class Stream {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ack: (ack: object, pageMs: number) => void, drawn: (header: Header, pageMs: number) => void, failed: () => void}} listeners
   */
  constructor(canvas, listeners) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (
      canvas.getContext("2d", { alpha: false, desynchronized: true, willReadFrequently: true })
    );
    this.listeners = listeners;
    /** @type {VideoDecoder | null} */
    this.decoder = null;
    /** @type {Map<number, Header>} */
    this.decoding = new Map();
    this.newestId = -1;
    this.drawnId = -1;
    this.waitsForKey = true;
    this.counters = { received: 0, drawn: 0, skipped: 0, gaps: 0, errors: 0, mismatches: 0 };
  }

  /** Start anew, after a lost connection. */
  reset() {
    this.closeDecoder();
    this.newestId = -1;
    this.drawnId = -1;
    this.waitsForKey = true;
  }

  /** @param {ArrayBuffer} message */
  receive(message) {
    const { header, data } = unpack(message);
    this.counters.received += 1;
    const behind = this.newestId - header.frame_id;
    if (behind >= 0 && behind < RESTART_GAP) return this.skip(header, false);
    if (behind > 0) this.reset();
    if (header.codec === "jpeg") return this.decodeJpeg(header, data);
    const follows = header.frame_id === this.newestId + 1;
    if (!header.key && (this.waitsForKey || !follows)) {
      this.counters.gaps += this.waitsForKey ? 0 : 1;
      this.waitsForKey = true;
      return this.skip(header, true);
    }
    this.decodeVideo(header, data);
  }

  /** @param {Header} header @param {Uint8Array} data */
  decodeVideo(header, data) {
    this.newestId = header.frame_id;
    this.waitsForKey = false;
    this.decoding.set(header.frame_id, header);
    try {
      this.decoder ??= this.makeDecoder();
      const type = header.key ? "key" : "delta";
      this.decoder.decode(new EncodedVideoChunk({ type, timestamp: header.frame_id, data }));
    } catch {
      this.fail();
    }
  }

  makeDecoder() {
    const decoder = new VideoDecoder({
      output: (picture) => {
        const header = this.decoding.get(picture.timestamp);
        this.decoding.delete(picture.timestamp);
        if (header) this.draw(header, picture);
        picture.close();
      },
      error: () => this.fail(),
    });
    // The software decoder gives each picture at once; some hardware ones keep one back.
    decoder.configure({ ...DECODER, hardwareAcceleration: "prefer-software" });
    return decoder;
  }

  /** @param {Header} header @param {Uint8Array} data */
  async decodeJpeg(header, data) {
    this.newestId = header.frame_id;
    this.waitsForKey = true;
    this.closeDecoder();
    try {
      const bitmap = await createImageBitmap(new Blob([data], { type: "image/jpeg" }));
      if (header.frame_id > this.drawnId) this.draw(header, bitmap);
      else this.skip(header, false);
      bitmap.close();
    } catch {
      this.counters.errors += 1;
      this.skip(header, false);
    }
  }

  /** @param {Header} header @param {VideoFrame | ImageBitmap} picture */
  draw(header, picture) {
    const { canvas, context } = this;
    if (canvas.width !== header.width || canvas.height !== header.height) {
      canvas.width = header.width;
      canvas.height = header.height;
    }
    context.drawImage(picture, 0, 0);
    // Reading a pixel back makes sure that the picture is drawn, not only asked for.
    const strip = header.barcode
      ? context.getImageData(0, 0, BITS * BLOCK, 2 * BLOCK)
      : context.getImageData(0, 0, 1, 1);
    const pageMs = performance.now();
    this.drawnId = header.frame_id;
    this.counters.drawn += 1;
    const ack = { frame_id: header.frame_id, drawn: true, need_key: false };
    if (header.barcode) Object.assign(ack, { barcode_ok: this.compareBarcode(header, strip) });
    this.listeners.ack(ack, pageMs);
    this.listeners.drawn(header, pageMs);
  }

  /** @param {Header} header @param {ImageData} strip */
  compareBarcode(header, strip) {
    const mask = 2 ** BITS;
    const fits = readNumber(strip, 0) === header.frame_id % mask && readNumber(strip, 1) === header.input_seq % mask;
    this.counters.mismatches += fits ? 0 : 1;
    return fits;
  }

  /** @param {Header} header @param {boolean} needKey */
  skip(header, needKey) {
    this.counters.skipped += 1;
    this.listeners.ack({ frame_id: header.frame_id, drawn: false, need_key: needKey }, performance.now());
  }

  fail() {
    this.counters.errors += 1;
    const lost = [...this.decoding.values()];
    this.closeDecoder();
    this.waitsForKey = true;
    for (const header of lost) this.skip(header, true);
    this.listeners.failed();
  }

  closeDecoder() {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = null;
    this.decoding.clear();
  }
}
