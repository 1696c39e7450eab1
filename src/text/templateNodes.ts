/** The used parts of a template's syntax tree, by shape: the library does not export its classes. */
import type { Environment, Interpreter } from "@huggingface/jinja";

export type Node = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;
export type Value = ReturnType<Environment["lookupVariable"]>;

interface Identifier extends Node {
  readonly value: string;
}

interface Literal extends Node {
  readonly value: unknown;
}

interface Member extends Node {
  readonly object: Node;
  readonly property: Node;
  readonly computed: boolean;
}

interface Slice extends Node {
  readonly start?: Node;
  readonly stop?: Node;
  readonly step?: Node;
}

interface Assignment extends Node {
  readonly assignee: Node;
  readonly value: Node | null;
}

interface Condition extends Node {
  readonly test: Node;
  readonly body: Node[];
  readonly alternate: Node[];
}

interface Loop extends Node {
  readonly loopvar: Node;
  readonly iterable: Node;
  readonly body: Node[];
}

export const isIdentifier = (node: Node | undefined): node is Identifier => node?.type === "Identifier";
export const isMember = (node: Node): node is Member => node.type === "MemberExpression";
export const isSlice = (node: Node): node is Slice => node.type === "SliceExpression";
export const isAssignment = (node: Node): node is Assignment => node.type === "Set";
export const isCondition = (node: Node): node is Condition => node.type === "If";
export const isLoop = (node: Node): node is Loop => node.type === "For";

/** The value of a whole number in the template. */
export function integerOf(node: Node): number | undefined {
  return isLiteral(node) && node.type === "IntegerLiteral" && typeof node.value === "number" ? node.value : undefined;
}

/** The name of a member in the template: `a.name` or `a["name"]`. */
export function memberName({ property, computed }: Member): string | undefined {
  if (!computed) return isIdentifier(property) ? property.value : undefined;
  return isLiteral(property) && property.type === "StringLiteral" && typeof property.value === "string"
    ? property.value
    : undefined;
}

function isLiteral(node: Node): node is Literal {
  return "value" in node;
}

/** Loops in a block itself or in its conditions: their text goes to the output unchanged. */
export function outerLoops(block: readonly Node[]): readonly Node[] {
  return block.flatMap((node) => {
    if (isCondition(node)) return [...outerLoops(node.body), ...outerLoops(node.alternate)];
    return isLoop(node) ? [node] : [];
  });
}
