/**
 * Controls, marks that change the direction of text, characters without width, other ends of lines. Not the joiners of letters and emoji,
 * which belong to what people write, and not tabs and line ends.
 */
const hidden =
  /[^\P{Cc}\t\n]|[\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;

/** With a mark in place of each character that cannot be seen: nobody agrees to a command that is not the one that is shown. */
export function visible(text: string): string {
  return text.replace(hidden, (letter) => `⟨U+${codeOf(letter)}⟩`);
}

/** In one line. */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\t\n]/g, (letter) => `⟨U+${codeOf(letter)}⟩`);
}

function codeOf(letter: string): string {
  return (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}
