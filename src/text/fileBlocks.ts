/** Texts of the workspace in a prompt: each is a heading line and a block that nothing in the text can end. */

/** The fence is longer than any row of backticks in the text. `language`: what stands behind the opening fence. */
export function fileBlock(heading: string, text: string, language = ""): string {
  const fence = "`".repeat(Math.max(3, longestRow(text) + 1));
  const end = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${heading}\n${fence}${language}\n${text}${end}${fence}`;
}

/** The ending of the file's name, where it is a word: models know what is written in such a file. */
export function languageOf(path: string): string {
  return /[^/.]\.([A-Za-z0-9+#]{1,12})$/.exec(path)?.[1] ?? "";
}

function longestRow(text: string): number {
  let longest = 0;
  for (let at = text.indexOf("`"); at >= 0; at = text.indexOf("`", at)) {
    const start = at;
    while (text.charCodeAt(at) === backtick) at += 1;
    longest = Math.max(longest, at - start);
  }
  return longest;
}

const backtick = 0x60;
