/** Deeper than the JSON of any model file. */
const maxDepth = 64;

const [quote, backslash] = [0x22, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * As JSON.parse, for untrusted texts: throws a SyntaxError for a text that nests deeper than `maxDepth`, which would
 * keep JSON.parse busy for minutes.
 */
export function parseBoundedJson(text: string): unknown {
  if (nestsDeeperThan(text, maxDepth)) throw new SyntaxError(`it nests deeper than ${maxDepth}`);
  return JSON.parse(text);
}

/** The same; `undefined` for a text that is no such JSON. */
export function boundedJsonIn(text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch {
    return undefined;
  }
}

function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at);
        break;
      case openBracket:
      case openBrace:
        depth += 1;
        if (depth > limit) return true;
        break;
      case closeBracket:
      case closeBrace:
        depth -= 1;
    }
  }
  return false;
}

/** Index of the quote that ends the string that begins at `start`; the text's length when there is none. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote) return at;
  }
  return at;
}
