import { choice, type Expression, type Grammar, literal, nothing, optional, repeat, rule, sequence } from "./ebnf";
import { numberText } from "./numberGrammar";
import { type ArrayShape, anyObject, anything, type ObjectShape, type Shape, type ShapedSchema } from "./schemaShape";
import { constantTexts, type ValueDialect } from "./valueDialects";

/** Something that a language cannot write. */
export type SayUnwritable = (what: string) => void;

/** Writes the shapes of one schema as rules of a grammar, which other schemas may share. */
export class ValueGrammar {
  /** Rules of the schema's definitions, by their names. */
  private readonly names = new Map<string, string>();

  constructor(
    private readonly grammar: Grammar,
    private readonly dialect: ValueDialect,
    private readonly schema: Pick<ShapedSchema, "definitions">,
    private readonly say: SayUnwritable,
  ) {}

  value(shape: Shape): Expression {
    const { dialect, grammar } = this;
    switch (shape.kind) {
      case "any":
      case "never":
        return this.any();
      case "null":
        return literal(dialect.null);
      case "boolean":
        return choice(literal(dialect.true), literal(dialect.false));
      case "string":
        return dialect.string(grammar, shape);
      case "number":
        return numberText(shape);
      case "constants":
        return this.constants(shape.values);
      case "union":
        return choice(...shape.of.map((one) => this.value(one)));
      case "definition":
        return this.definition(shape.name);
      case "array":
        return sequence(literal("["), this.arrayItems(shape), literal("]"));
      case "object":
        return sequence(literal("{"), this.objectMembers(shape), literal("}"));
    }
  }

  /** A key and its value, by a rule. `undefined`: the key cannot be written. */
  member(name: string, shape: Shape): Expression | undefined {
    const key = this.dialect.keyText(name);
    if (key === undefined) return undefined;
    return this.grammar.add("p", sequence(literal(key), this.dialect.gap(this.grammar), this.value(shape)));
  }

  /** Everything between an object's brackets. */
  objectMembers({ properties, rest }: ObjectShape): Expression {
    const { dialect, grammar } = this;
    const gap = dialect.gap(grammar);
    const required: Expression[] = [];
    const others: Expression[] = [];
    for (const { name, shape, isRequired } of properties) {
      const member = this.member(name, shape);
      if (member === undefined) this.say(`the property ${JSON.stringify(name)}`);
      else (isRequired ? required : others).push(member);
    }
    const names = properties.map(({ name }) => name);
    const more = rest && grammar.add("m", sequence(dialect.otherKey(grammar, names), gap, this.value(rest)));
    const between = sequence(literal(","), gap);
    const inner = membersInOrder(grammar, required, others, more, between);
    return inner === undefined ? nothing : sequence(gap, inner, gap);
  }

  private arrayItems({ first, rest, least, most = Number.POSITIVE_INFINITY }: ArrayShape): Expression {
    const { grammar } = this;
    const gap = this.dialect.gap(grammar);
    const between = sequence(literal(","), gap);
    const item = rest && grammar.add("i", this.value(rest));
    const heads = first.slice(0, most).map((shape) => grammar.add("i", this.value(shape)));
    if (heads.length === 0) {
      if (item === undefined || most === 0) return gap;
      const all = sequence(item, repeat(sequence(between, item), Math.max(0, least - 1), countOf(most - 1)));
      return sequence(gap, least === 0 ? optional(all) : all, gap);
    }
    let behind: Expression =
      item === undefined
        ? nothing
        : repeat(sequence(between, item), Math.max(0, least - heads.length), countOf(most - heads.length));
    for (let at = heads.length - 1; at >= 0; at -= 1) {
      const head = heads[at] ?? nothing;
      const part = sequence(at === 0 ? nothing : between, head, behind);
      behind = grammar.add("a", at < least ? part : optional(part));
    }
    return sequence(gap, behind, gap);
  }

  private constants(values: Extract<Shape, { kind: "constants" }>["values"]): Expression {
    const texts = values.flatMap((value) => constantTexts(this.dialect, value));
    if (values.some((value) => constantTexts(this.dialect, value).length === 0)) this.say("some values of an enum");
    return texts.length === 0 ? this.any() : choice(...texts.map(literal));
  }

  private definition(name: string): Expression {
    const known = this.names.get(name);
    if (known !== undefined) return rule(known);
    const reserved = this.grammar.reserve(name);
    this.names.set(name, reserved);
    this.grammar.set(reserved, this.value(this.schema.definitions.get(name) ?? anything));
    return rule(reserved);
  }

  /** Any value, by rules that all schemas of the grammar share. */
  private any(): Expression {
    const { grammar, dialect } = this;
    if (!grammar.has("any")) {
      grammar.set("any", nothing);
      const array: ArrayShape = { kind: "array", first: [], rest: anything, least: 0 };
      grammar.set(
        "any",
        choice(
          dialect.string(grammar, { kind: "string", least: 0 }),
          numberText({ kind: "number", isInteger: false }),
          ...[dialect.true, dialect.false, dialect.null].map(literal),
          this.value(array),
          this.value(anyObject),
        ),
      );
    }
    return rule("any");
  }
}

function countOf(most: number): number | undefined {
  return Number.isFinite(most) ? Math.max(0, most) : undefined;
}

/**
 * Members in a fixed order: all required ones, any of the others, then any number of `more`. `undefined`: there can be
 * none. Its size is in proportion to the members: each of the others that may come first leads to one rule for what may
 * follow it.
 */
export function membersInOrder(
  grammar: Grammar,
  required: readonly Expression[],
  others: readonly Expression[],
  more: Expression | undefined,
  between: Expression,
): Expression | undefined {
  const [first, ...rest] = required;
  let behind: Expression = more === undefined ? nothing : repeat(sequence(between, more), 0);
  if (first !== undefined) {
    const listed = rest.map((member) => sequence(between, member));
    return sequence(first, ...listed, ...others.map((member) => optional(sequence(between, member))), behind);
  }
  const begun: Expression[] = more === undefined ? [] : [sequence(more, behind)];
  for (const member of [...others].reverse()) {
    begun.unshift(sequence(member, behind));
    behind = grammar.add("o", sequence(optional(sequence(between, member)), behind));
  }
  return begun.length === 0 ? undefined : optional(choice(...begun));
}
