/**
 * Layers with a window have blocks of their own, which lie in files of their own beside those of the other layers: same
 * key, same tokens. Only those that some window needs are there.
 */
const mark = ".window";
const suffix = ".safetensors";

/** The file that holds a block's layers with a window. */
export function windowPath(file: string): string {
  return `${file.slice(0, -suffix.length)}${mark}${suffix}`;
}

/** The same block of the layers with a window. */
export function windowTwin<Block extends { readonly path: string }>(
  block: Block,
): Block & { readonly layers: "window" } {
  return { ...block, path: windowPath(block.path), layers: "window" };
}

/** Key of an object's file name, whichever layers it holds. */
export function keyOfFile(name: string): string {
  const key = name.slice(0, -suffix.length);
  return key.endsWith(mark) ? key.slice(0, -mark.length) : key;
}

export function isWindowFile(name: string): boolean {
  return name.endsWith(`${mark}${suffix}`);
}
