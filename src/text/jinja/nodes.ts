/** The syntax tree of a template. */
import type { Value } from "./values";

export type Expression =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list"; readonly items: readonly Expression[]; readonly isTuple: boolean }
  | { readonly kind: "dict"; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: "attribute"; readonly object: Expression; readonly name: string }
  | { readonly kind: "item"; readonly object: Expression; readonly key: Expression }
  | {
      readonly kind: "slice";
      readonly object: Expression;
      readonly start: Expression | undefined;
      readonly stop: Expression | undefined;
      readonly step: Expression | undefined;
    }
  | { readonly kind: "call"; readonly callee: Expression; readonly args: CallArguments }
  | { readonly kind: "filter"; readonly operand: Expression; readonly filter: Named }
  | { readonly kind: "test"; readonly operand: Expression; readonly test: Named }
  | { readonly kind: "not"; readonly operand: Expression }
  | { readonly kind: "sign"; readonly sign: "+" | "-"; readonly operand: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "compare"; readonly first: Expression; readonly others: readonly Comparison[] }
  | { readonly kind: "concat"; readonly parts: readonly Expression[] }
  | {
      readonly kind: "choice";
      readonly test: Expression;
      readonly chosen: Expression;
      readonly otherwise: Expression | undefined;
    };

export interface Comparison {
  readonly operator: string;
  readonly operand: Expression;
}

export interface CallArguments {
  readonly positional: readonly { readonly value: Expression; readonly isSpread: boolean }[];
  /** Without a name: a dict of them. */
  readonly named: readonly { readonly name: string | undefined; readonly value: Expression }[];
}

/** A filter or a test with its arguments. */
export interface Named {
  readonly name: string;
  readonly args: CallArguments;
}

export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "member"; readonly object: string; readonly name: string }
  | { readonly kind: "tuple"; readonly items: readonly Target[] };

export interface Parameter {
  readonly name: string;
  readonly preset: Expression | undefined;
}

export interface Loop {
  readonly kind: "for";
  readonly target: Target;
  readonly iterable: Expression;
  readonly test: Expression | undefined;
  readonly isRecursive: boolean;
  readonly body: Block;
  readonly otherwise: Block;
}

export interface Condition {
  readonly kind: "if";
  readonly test: Expression;
  readonly body: Block;
  readonly otherwise: Block;
}

export type Statement =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "output"; readonly value: Expression }
  | Loop
  | Condition
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  | { readonly kind: "setBlock"; readonly target: Target; readonly filters: readonly Named[]; readonly body: Block }
  | { readonly kind: "macro"; readonly name: string; readonly parameters: readonly Parameter[]; readonly body: Block }
  | {
      readonly kind: "callBlock";
      readonly parameters: readonly Parameter[];
      readonly call: Expression & { readonly kind: "call" };
      readonly body: Block;
    }
  | { readonly kind: "filterBlock"; readonly filters: readonly Named[]; readonly body: Block }
  | {
      readonly kind: "with";
      readonly values: readonly { readonly target: Target; readonly value: Expression }[];
      readonly body: Block;
    }
  | { readonly kind: "part"; readonly body: Block }
  | { readonly kind: "break" | "continue" };

export type Block = readonly Statement[];
