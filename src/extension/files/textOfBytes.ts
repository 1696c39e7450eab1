/** Which files are text, and their text. */

/** Largest file that is attached or pinned, in bytes: more than the context of the models that run on such machines. */
export const mostFileBytes = 1024 * 1024;

/** Git looks for a zero byte in so many bytes to tell that a file is not text. */
const examinedBytes = 8000;

const images = new Set(["avif", "bmp", "gif", "heic", "ico", "jpeg", "jpg", "png", "svgz", "tif", "tiff", "webp"]);

export function isImage(path: string): boolean {
  return images.has(extensionOf(path));
}

function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}

/** "binary": no text. "other": text in an encoding that only VS Code's settings may know. */
export type Decoded = { readonly text: string } | { readonly is: "binary" | "other" };

/** UTF-8, and UTF-16 with its mark. The mark is not part of the text. */
export function textOfBytes(bytes: Uint8Array): Decoded {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return { text: decoded(bytes, "utf-16le") };
  if (first === 0xfe && second === 0xff) return { text: decoded(bytes, "utf-16be") };
  if (bytes.subarray(0, examinedBytes).includes(0)) return { is: "binary" };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { is: "other" };
  }
}

function decoded(bytes: Uint8Array, encoding: "utf-16le" | "utf-16be"): string {
  return new TextDecoder(encoding).decode(bytes);
}

/**
 * Lines end with "\n" alone: so a file has one digest, whether an editor holds it or the disk, and a model reads no
 * characters that say nothing.
 */
export function withPlainLines(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}
