// @ts-check
/** Reads the numbers that the renderer can paint into a picture: 20 bits as blocks, most significant first. */

export const BLOCK = 16;
export const BITS = 20;

/**
 * @param {ImageData} strip the picture's upper left corner, BITS * BLOCK wide
 * @param {number} row which row of blocks
 */
export function readNumber(strip, row) {
  let value = 0;
  const y = row * BLOCK + BLOCK / 2;
  for (let bit = 0; bit < BITS; bit += 1) {
    const x = bit * BLOCK + BLOCK / 2;
    value = 2 * value + (strip.data[4 * (y * strip.width + x) + 1] > 127 ? 1 : 0);
  }
  return value;
}
