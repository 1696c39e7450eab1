/**
 * Command lines as far as an allow-list may judge them: plain words only. A shell does much with other characters (operators,
 * substitutions, redirections, variables, comments, globs), each shell something else; a line with any of them is never covered.
 */

/** The words of a line that every usual shell reads as these words and nothing else; `undefined`: it is not such a line. */
export function plainWords(command: string): readonly string[] | undefined {
  if (command.length > longestLine) return undefined;
  const words: string[] = [];
  let rest = command.replace(/^[ \t]+|[ \t]+$/g, "");
  while (rest !== "") {
    const [whole, plain, single, double] = nextWord.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    words.push(plain ?? single ?? double ?? "");
    rest = rest.slice(whole.length);
  }
  return words;
}

const longestLine = 10_000;

/**
 * Letters, digits and what no shell gives a meaning to; or a quoted text of these and spaces. A word ends at white space. At the
 * beginning of a word "=" and "@" have meanings in some shells.
 */
const nextWord =
  /^(?:((?![=@])[\p{L}\p{N}_./:,+@=-]+)|'([\p{L}\p{N}_./:,+@= -]*)'|"([\p{L}\p{N}_./:,+@= -]*)")(?:[ \t]+|$)/u;

/** Whether a command begins with the words of `prefix`. The very same line is always covered, whatever is in it. */
export function coversCommand(prefix: string, command: string): boolean {
  if (prefix.trim() === "") return false;
  if (command === prefix) return true;
  const [wanted, words] = [plainWords(prefix), plainWords(command)];
  if (wanted === undefined || words === undefined || wanted.length > words.length) return false;
  return wanted.every((word, index) => word === words[index]);
}

/** Programs of which one word says nothing about what they do. */
const anything =
  /^(?:sudo|doas|env|sh|bash|zsh|fish|dash|pwsh|powershell|cmd|node|deno|bun|python[\d.]*|ruby|perl|php|eval|exec|xargs|find|ssh|curl|wget|rm|mv|cp|dd|chmod|chown|kill|killall|docker|kubectl|git|npx|pnpx|bunx|uvx)$/i;

/**
 * The beginning of a command that "always" would allow: up to three words before the first that is an option or a path, and never
 * only a program that does anything; else the line as it is. `undefined`: it is more than plain words, so "always" is not offered.
 */
export function offeredPrefix(command: string): string | undefined {
  const words = plainWords(command);
  if (words === undefined || words.length === 0) return undefined;
  const end = words.findIndex((word, index) => index > 0 && (/^-|[/.\\]/.test(word) || /\s/.test(word)));
  const first = words.slice(0, Math.min(3, end < 0 ? words.length : end));
  const isTooWide = first.length === 1 && (anything.test(first[0] ?? "") || words.length > 1);
  return isTooWide || first.some((word) => word === "" || /\s/.test(word)) ? command.trim() : first.join(" ");
}
