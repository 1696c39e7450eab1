/** A recording of the browser as an animated GIF. */
import gifenc from "gifenc";
import { PNG } from "pngjs";

const { applyPalette, GIFEncoder, quantize } = gifenc;

const frameMs = 80;
const longestStillMs = 1_200;
const lastStillMs = 3_000;
const unchanged = 255;

/**
 * @param {readonly { png: Buffer, atMs: number }[]} frames all of one size
 * @param {{ fromMs: number, toMs: number, lastsMs: number }} squeezed a part in which nobody does anything, and how long
 *   it shall last instead
 * @returns {Uint8Array} the file
 */
export function animation(frames, squeezed) {
  const kept = thinned(frames.map((frame) => ({ ...frame, atMs: squeeze(frame.atMs, squeezed) })));
  const images = kept.map(({ png }) => PNG.sync.read(png));
  const palette = paletteOf(images);
  const gif = GIFEncoder();
  let before;
  for (const [i, { data, width, height }] of images.entries()) {
    const index = applyPalette(data, palette);
    const shown = before === undefined ? index : index.map((color, at) => (color === before[at] ? unchanged : color));
    const stillMs = i + 1 < kept.length ? kept[i + 1].atMs - kept[i].atMs : lastStillMs;
    gif.writeFrame(shown, width, height, {
      ...(i === 0 ? { palette: [...palette, [0, 0, 0]] } : {}),
      transparent: i > 0,
      transparentIndex: unchanged,
      delay: Math.min(stillMs, i + 1 < kept.length ? longestStillMs : lastStillMs),
      dispose: 1,
    });
    before = index;
  }
  gif.finish();
  return gif.bytes();
}

function squeeze(atMs, { fromMs, toMs, lastsMs }) {
  if (atMs <= fromMs) return atMs;
  const factor = lastsMs / (toMs - fromMs);
  return atMs < toMs ? fromMs + (atMs - fromMs) * factor : atMs - (toMs - fromMs) + lastsMs;
}

/** The last frame of every `frameMs`. */
function thinned(frames) {
  return frames.filter(
    (frame, i) => i + 1 === frames.length || frames[i + 1].atMs - frame.atMs >= frameMs || startsSlot(frames, i),
  );
}

function startsSlot(frames, i) {
  return Math.floor(frames[i].atMs / frameMs) !== Math.floor(frames[i + 1].atMs / frameMs);
}

/** One palette of 255 colours for all frames: the last index says that a pixel is what it was. */
function paletteOf(images) {
  const samples = [
    images[0],
    images[Math.floor(images.length / 3)],
    images[Math.floor((images.length * 2) / 3)],
    images.at(-1),
  ];
  const pixels = Buffer.concat(samples.map(({ data }) => data));
  const palette = quantize(new Uint8Array(pixels), unchanged);
  while (palette.length < unchanged) palette.push([0, 0, 0]);
  return palette;
}
