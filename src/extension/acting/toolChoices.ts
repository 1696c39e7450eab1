/** The tools that a person can give an agent, as rows of a list; without VS Code. */
import type { ToolSpec } from "../../common/tools";

export interface ToolRow {
  readonly name: string;
  readonly description: string;
  readonly isChosen: boolean;
  /** It is not Resident's. */
  readonly isOther: boolean;
  /** The agent has it, but nothing here can run it. */
  readonly isGone: boolean;
}

/** The built-in ones first, in the order in which a model sees them; then the others by name. */
export function toolRows(
  chosen: readonly string[],
  builtIn: readonly ToolSpec[],
  others: readonly ToolSpec[],
): readonly ToolRow[] {
  const known = new Set([...builtIn, ...others].map(({ name }) => name));
  const gone = chosen.filter((name) => !known.has(name));
  const row = ({ name, description }: ToolSpec, isOther: boolean): ToolRow => ({
    name,
    description: firstSentence(description),
    isChosen: chosen.includes(name),
    isOther,
    isGone: false,
  });
  return [
    ...builtIn.map((spec) => row(spec, false)),
    ...[...others].sort(byName).map((spec) => row(spec, true)),
    ...gone.map((name) => ({ name, description: "It is not here now.", isChosen: true, isOther: true, isGone: true })),
  ];
}

/**
 * What the model is told, in an order that does not depend on the order of choosing: so agents with the same tools share what
 * was read. Names that are not here are kept as the agent has them.
 */
export function chosenSpecs(
  names: readonly string[],
  known: readonly ToolSpec[],
  had: readonly ToolSpec[],
): readonly ToolSpec[] {
  const wanted = new Set(names);
  const here = known.filter(({ name }) => wanted.has(name));
  const isHere = new Set(here.map(({ name }) => name));
  const kept = had.filter(({ name }) => wanted.has(name) && !isHere.has(name));
  return [...here, ...[...kept].sort(byName)];
}

function byName(a: ToolSpec, b: ToolSpec): number {
  return a.name < b.name ? -1 : 1;
}

function firstSentence(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  const end = line.search(/[.!?](\s|$)/);
  return end < 0 ? line : line.slice(0, end + 1);
}
