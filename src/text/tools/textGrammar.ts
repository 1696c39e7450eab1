import { choice, type Expression, type Grammar, literal, noneOf, nothing, repeat, sequence } from "./ebnf";

/**
 * Any text up to a mark's first occurrence, the mark not included; the mark must follow. The mark's first character
 * occurs in it only once, so that a mark that breaks off can only go on as text or begin anew: text is
 *
 *     ([^<] | "<" (part "<")* broken)* ("<" part)*       part: "" or the mark's characters behind the first, not all
 */
export function textUntil(mark: string): Expression {
  const [first = "", ...others] = mark;
  const free = repeat(noneOf([first]), 0);
  if (others.length === 0) return free;
  const begun = sequence(literal(first), repeat(sequence(partOf(others), literal(first)), 0));
  const broken = sequence(begun, brokenOff(first, others), free);
  return sequence(free, repeat(broken, 0), repeat(sequence(literal(first), partOf(others)), 0));
}

/** What may follow the mark's first character before that character comes again. */
function partOf(others: readonly string[]): Expression {
  const [next, ...rest] = others;
  if (next === undefined || rest.length === 0) return nothing;
  return repeat(sequence(literal(next), partOf(rest)), 0, 1);
}

/** As much of the mark as matches, then a character that neither goes on with it nor begins it. */
function brokenOff(first: string, others: readonly string[]): Expression {
  const [next, ...rest] = others;
  if (next === undefined) return nothing;
  const away = noneOf([first, next]);
  return rest.length === 0 ? away : choice(away, sequence(literal(next), brokenOff(first, rest)));
}

interface Branch {
  isEnd: boolean;
  readonly next: Map<string, Branch>;
}

function treeOf(words: Iterable<string>): Branch {
  const root: Branch = { isEnd: false, next: new Map() };
  for (const word of words) {
    let at = root;
    for (const char of word) {
      const next: Branch = at.next.get(char) ?? { isEnd: false, next: new Map() };
      at.next.set(char, next);
      at = next;
    }
    at.isEnd = true;
  }
  return root;
}

/** Nested brackets are followed with a stack: a rule of its own now and then keeps them few. */
const mostNested = 8;

/** `of` for each branch of a tree, with what its children give. */
function fold(
  grammar: Grammar,
  branch: Branch,
  of: (branch: Branch, next: readonly (readonly [string, Expression])[]) => Expression,
  depth = 0,
): Expression {
  const next = Array.from(branch.next, ([char, one]) => [char, fold(grammar, one, of, depth + 1)] as const);
  const expression = of(branch, next);
  return depth % mostNested === mostNested - 1 ? grammar.add("t", expression) : expression;
}

/** The shortest texts that show that an answer begins with none of these words. Words are not empty. */
export function beginningOtherThan(grammar: Grammar, words: Iterable<string>): Expression {
  return fold(grammar, treeOf(words), (branch, next) =>
    choice(
      noneOf(branch.next.keys()),
      ...next
        .filter(([char]) => branch.next.get(char)?.isEnd !== true)
        .map(([char, away]) => sequence(literal(char), away)),
    ),
  );
}

/** A text of these characters that is none of the words. `letter`: one character, and none of some others. */
export function textOtherThan(
  grammar: Grammar,
  words: Iterable<string>,
  letter: (not: Iterable<string>) => Expression,
): Expression {
  const any = repeat(letter([]), 0);
  return fold(grammar, treeOf(words), (branch, next) =>
    choice(
      ...(branch.isEnd ? [] : [nothing]),
      sequence(letter(branch.next.keys()), any),
      ...next.map(([char, away]) => sequence(literal(char), away)),
    ),
  );
}
