/**
 * Window layers have blocks of their own, in files of their own next to those of the other layers: same key, same
 * tokens. Only blocks that some window needs are saved.
 */
const mark = ".window";
const suffix = ".safetensors";

/** The file that holds a block's window layers. */
export function windowPath(file: string): string {
  return `${file.slice(0, -suffix.length)}${mark}${suffix}`;
}

/** The same block of the window layers. */
export function windowTwin<Block extends { readonly path: string }>(
  block: Block,
): Block & { readonly layers: "window" } {
  return { ...block, path: windowPath(block.path), layers: "window" };
}

/** Key in an object's file name, for all kinds of layers. */
export function keyOfFile(name: string): string {
  const key = name.slice(0, -suffix.length);
  return key.endsWith(mark) ? key.slice(0, -mark.length) : key;
}

export function isWindowFile(name: string): boolean {
  return name.endsWith(`${mark}${suffix}`);
}
