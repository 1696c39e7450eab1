/** A turn goes on in steps, each a node of the tree: how they are told together. Pure, and the same for all programs. */
import type { ToolCall } from "../common/tools";
import { type ResultView, type TurnFigures, type TurnView, untoldCounts } from "./service";

type Node = Pick<TurnView, "user" | "results" | "attachments">;

/** The node goes on with results and nothing that a person wrote: a further step of the turn before it. */
export function isStep({ user, results, attachments }: Node): boolean {
  return results !== undefined && user === "" && attachments === undefined;
}

/** Number of turns as a person counts them. */
export function countTurns(nodes: readonly Node[]): number {
  return nodes.filter((node, index) => index === 0 || !isStep(node)).length;
}

/** The nodes of each turn, in order. The first nodes of a part of a branch may be steps of a turn that began before it. */
export function turnsOf<One extends Node>(nodes: readonly One[]): readonly (readonly [One, ...One[]])[] {
  const turns: [One, ...One[]][] = [];
  for (const node of nodes) {
    const last = turns.at(-1);
    if (last !== undefined && isStep(node)) last.push(node);
    else turns.push([node]);
  }
  return turns;
}

/** Where a node stands: its turn and its step in it, both from 1; `undefined` where it is not there. */
export function placeOf(
  nodes: readonly (Node & Pick<TurnView, "id">)[],
  id: string,
): { readonly turn: number; readonly step: number; readonly steps: number } | undefined {
  for (const [index, steps] of turnsOf(nodes).entries()) {
    const at = steps.findIndex((node) => node.id === id);
    if (at >= 0) return { turn: index + 1, step: at + 1, steps: steps.length };
  }
  return undefined;
}

/**
 * The figures of a turn's steps in sum. Tokens and times to restore are added. What a person waited for is that of the
 * first step, and so is where its cache came from; the rate is that of all tokens. `undefined`: there are none yet.
 */
export function figuresInSum(steps: readonly (TurnFigures | undefined)[]): TurnFigures | undefined {
  const known = steps.filter((figures) => figures !== undefined);
  const [first] = known;
  if (first === undefined || known.length === 1) return first;
  const sum = (of: (figures: TurnFigures) => number) => known.reduce((total, figures) => total + of(figures), 0);
  const sumWhereKnown = (name: "guessedTokens" | "recomputedTokens") =>
    known.some((figures) => figures[name] !== undefined) ? { [name]: sum((figures) => figures[name] ?? 0) } : {};
  const { guessedTokens: _, recomputedTokens: __, thinking: ___, by: ____, untold: _____, ...base } = first;
  const untold = untoldCounts.filter((count) => known.some((figures) => figures.untold?.includes(count)));
  const refused = known.find(({ cache }) => cache.refused !== undefined)?.cache.refused;
  return {
    ...base,
    promptTokens: sum(({ promptTokens }) => promptTokens),
    reusedTokens: sum(({ reusedTokens }) => reusedTokens),
    prefilledTokens: sum(({ prefilledTokens }) => prefilledTokens),
    generatedTokens: sum(({ generatedTokens }) => generatedTokens),
    ...sumWhereKnown("guessedTokens"),
    ...sumWhereKnown("recomputedTokens"),
    restoreMs: sum(({ restoreMs }) => restoreMs),
    decodeTokensPerSecond: rateOf(known),
    ...(known.some(({ thinking }) => thinking !== undefined)
      ? {
          thinking: {
            tokens: sum(({ thinking }) => thinking?.tokens ?? 0),
            ms: sum(({ thinking }) => thinking?.ms ?? 0),
          },
        }
      : {}),
    cache: { ...first.cache, ...(refused === undefined ? {} : { refused }) },
    ...(known.some(({ by }) => by === "server") ? { by: "server" as const } : {}),
    ...(untold.length === 0 ? {} : { untold }),
  };
}

/** Of one answer it is (n − 1) / time; 0 where no answer had two tokens. */
function rateOf(steps: readonly TurnFigures[]): number {
  let tokens = 0;
  let seconds = 0;
  for (const { generatedTokens, decodeTokensPerSecond } of steps) {
    if (decodeTokensPerSecond <= 0 || generatedTokens < 2) continue;
    tokens += generatedTokens - 1;
    seconds += (generatedTokens - 1) / decodeTokensPerSecond;
  }
  return seconds > 0 ? tokens / seconds : 0;
}

/** The calls so far with further ones; an id that is there already is not new. `undefined`: there are none. */
export function withCalls(
  before: readonly ToolCall[] | undefined,
  further: readonly ToolCall[] | undefined,
): readonly ToolCall[] | undefined {
  if (before === undefined || further === undefined) return before ?? further;
  const known = new Set(before.map(({ id }) => id));
  return [...before, ...further.filter(({ id }) => !known.has(id))];
}

/** Characters (UTF-16 units) of a result that a view of the newest turns and a page have at first. */
export const shownResultLength = 4000;

/** Of a result that a page shows in its place; a longer one is read in an editor. */
export const pageResultLength = 200_000;

/** The beginning of a long result, with the length of all of it. */
export function shortResult(result: ResultView, most: number = shownResultLength): ResultView {
  const { text } = result;
  if (text.length <= most) return result;
  // Never half a character.
  const end = /[\ud800-\udbff]/.test(text[most - 1] ?? "") ? most - 1 : most;
  return { ...result, text: text.slice(0, end), length: result.length ?? text.length };
}

/** The same turn with short results; itself where all are short. */
export function withShortResults<One extends Pick<TurnView, "results">>(turn: One): One {
  const { results } = turn;
  if (results === undefined || results.every(({ text }) => text.length <= shownResultLength)) return turn;
  return { ...turn, results: results.map((result) => shortResult(result)) };
}
