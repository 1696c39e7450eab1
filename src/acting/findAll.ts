/**
 * Where `pattern` begins in `items`, overlaps included, the first `most` places. By Knuth, Morris and Pratt: linear whatever the two
 * are, while the search of strings in a JavaScript engine takes quadratic time for some.
 */
export function findAll<Items extends string | readonly string[]>(
  items: Items,
  pattern: Items,
  most: number,
): readonly number[] {
  if (pattern.length === 0 || pattern.length > items.length) return [];
  const [there, wanted] = [comparable(items), comparable(pattern)];
  const borders = bordersOf(wanted);
  const found: number[] = [];
  let matched = 0;
  for (let at = 0; at < there.length && found.length < most; at++) {
    while (matched > 0 && there[at] !== wanted[matched]) matched = borders[matched - 1] ?? 0;
    if (there[at] === wanted[matched]) matched += 1;
    if (matched < wanted.length) continue;
    found.push(at - wanted.length + 1);
    matched = borders[matched - 1] ?? 0;
  }
  return found;
}

/** Letters by their codes, which are compared faster; lines as they are. */
function comparable(items: string | readonly string[]): ArrayLike<number | string> {
  if (typeof items !== "string") return items;
  const codes = new Uint16Array(items.length);
  for (let at = 0; at < items.length; at++) codes[at] = items.charCodeAt(at);
  return codes;
}

/** For each beginning of the pattern, the length of its longest proper beginning that is also its end. */
function bordersOf(pattern: ArrayLike<number | string>): Int32Array {
  const borders = new Int32Array(pattern.length);
  let length = 0;
  for (let at = 1; at < pattern.length; at++) {
    while (length > 0 && pattern[at] !== pattern[length]) length = borders[length - 1] ?? 0;
    if (pattern[at] === pattern[length]) length += 1;
    borders[at] = length;
  }
  return borders;
}
