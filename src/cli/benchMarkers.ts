import { readFile, writeFile } from "node:fs/promises";
import { ResidentError } from "../common/errors";

/** Comments between which a document shows results. Whatever stands between them is replaced. */
export const beginMarker = "<!-- bench:begin -->";
export const endMarker = "<!-- bench:end -->";

/** Puts `markdown` between the markers of the document `file` and leaves the rest of it as it is. */
export async function writeBetweenMarkers(file: string, markdown: string): Promise<void> {
  const text = await readFile(file, "utf8");
  const replaced = betweenMarkers(text, markdown);
  if (replaced === undefined) {
    const advice = `write the lines ${beginMarker} and ${endMarker} where the tables belong`;
    throw new ResidentError("INVALID_REQUEST", `${file} has no place for results`, advice, { file });
  }
  if (replaced !== text) await writeFile(file, replaced);
}

/** `undefined`: `text` does not have both markers, once each, in their order. */
export function betweenMarkers(text: string, markdown: string): string | undefined {
  const [before, rest, ...more] = text.split(beginMarker);
  const [, after, ...evenMore] = rest?.split(endMarker) ?? [];
  if (before === undefined || after === undefined || more.length > 0 || evenMore.length > 0) return undefined;
  if (before.includes(endMarker)) return undefined;
  return `${before}${beginMarker}\n\n${markdown.trim()}\n\n${endMarker}${after}`;
}
