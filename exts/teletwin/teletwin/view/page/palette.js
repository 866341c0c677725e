// @ts-check
/** The colors of the page's style sheet, for what is drawn on canvases: both come from one table of the server's. */

const styles = getComputedStyle(document.documentElement);

/** @param {string} name of a custom property without its dashes @returns {string} */
export const color = (name) => styles.getPropertyValue(`--${name}`).trim();

/** How many pixels a hundredth of the text's size scale is: 1 on ordinary screens, more where text is larger. */
export const pixel = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 10;
