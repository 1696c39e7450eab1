import { choice, type Expression, type Grammar, literal, noneOf, nothing, repeat, rule, sequence } from "./ebnf";
import type { TaggedFormat } from "./formats";
import type { Shape } from "./schemaShape";
import type { ShapedTool } from "./shapedTool";
import { textUntil } from "./textGrammar";
import { constantTexts, jsonDialect, otherWord } from "./valueDialects";
import { membersInOrder, ValueGrammar } from "./valueGrammar";

/**
 * Arguments between marks: strings as they are, up to the closing mark; all other values as JSON, in whose strings the
 * closing mark cannot stand.
 */
export function taggedArguments(
  grammar: Grammar,
  format: TaggedFormat,
  { objects, schema, say }: ShapedTool,
): Expression {
  // A closing mark that begins with a line end is cut off before its white space behind: the rest always follows.
  const mark = format.behindValue.trimEnd();
  const tail = format.behindValue.slice(mark.length);
  const first = mark.slice(0, 1);
  const values = new ValueGrammar(grammar, jsonDialect(first < " " ? "" : first), schema, say);

  function text(): Expression {
    if (!grammar.has("text")) grammar.set("text", textUntil(mark));
    return rule("text");
  }

  function value(shape: Shape, level = 0): Expression {
    switch (shape.kind) {
      case "any":
      case "never":
        return text();
      case "string":
        if (shape.most === undefined) {
          sayLeast(shape.least);
          return text();
        }
        return repeat(noneOf([first]), shape.least, shape.most);
      case "constants": {
        const texts = shape.values.flatMap((one) =>
          typeof one === "string" ? (one.includes(mark) ? [] : one) : constantTexts(jsonDialect(), one),
        );
        if (texts.length < shape.values.length) say("some values of an enum");
        return texts.length === 0 ? text() : choice(...texts.map(literal));
      }
      case "union": {
        const texts = shape.of.map(resolved).filter(isFreeText);
        if (texts.length === 0) return choice(...shape.of.map((one) => value(one, level)));
        sayLeast(Math.min(...texts.map((one) => (one.kind === "string" ? one.least : 0))));
        return text();
      }
      case "definition": {
        const one = resolved(shape);
        return one.kind === "definition" || level > 16 ? text() : value(one, level + 1);
      }
      default:
        return values.value(shape);
    }
  }

  /** A counted text could not have what begins the closing mark: a file of HTML is more than its least length. */
  function sayLeast(least: number): void {
    if (least > 0) say("a text's least length");
  }

  function resolved(shape: Shape): Shape {
    let at = shape;
    for (let steps = 0; at.kind === "definition" && steps < 16; steps += 1) {
      at = schema.definitions.get(at.name) ?? { kind: "any" };
    }
    return at;
  }

  function argument(key: Expression, shape: Shape): Expression {
    const { beforeKey, behindKey } = format;
    return grammar.add("p", sequence(literal(beforeKey), key, literal(behindKey), value(shape), literal(mark + tail)));
  }

  return choice(
    ...objects.map(({ properties, rest }) => {
      const writable = properties.filter(({ name }) => isReadable(name));
      if (writable.length < properties.length) say("a property whose name is a mark");
      const of = (isRequired: boolean) =>
        writable
          .filter((one) => one.isRequired === isRequired)
          .map(({ name, shape }) => argument(literal(name), shape));
      const names = writable.map(({ name }) => name);
      const more = rest && argument(otherWord(grammar, names), rest);
      return membersInOrder(grammar, of(true), of(false), more, nothing) ?? nothing;
    }),
  );
}

/** Whether the name between its marks is read as this name. */
function isReadable(name: string): boolean {
  return /^[^<>"'\r\n]{1,200}$/.test(name) && name.trim() === name;
}

function isFreeText(shape: Shape): boolean {
  return shape.kind === "any" || (shape.kind === "string" && shape.most === undefined);
}
