import { hiddenCharacters } from "../common/hiddenCharacters";

/** Joiners of letters and emoji belong to what people write. */
const joiners = new Set(["\u200c", "\u200d"]);
/** White space that a page may show as it is, and that a terminal acts on. */
const controls = /[\f\r]/g;

/** With a mark in place of each character that cannot be seen: nobody agrees to a command that is not the one that is shown. */
export function visible(text: string): string {
  let shown = "";
  let end = 0;
  for (const { index, text: found, code } of hiddenCharacters(text)) {
    if (joiners.has(found)) continue;
    shown += `${text.slice(end, index)}⟨${code}⟩`;
    end = index + found.length;
  }
  return (shown + text.slice(end)).replace(controls, markOf);
}

/** In one line. */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\t\n]/g, markOf);
}

function markOf(letter: string): string {
  return `⟨U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
