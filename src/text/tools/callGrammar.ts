import { chars, choice, type Expression, type Grammar, literal, nothing, optional, repeat, sequence } from "./ebnf";
import type { ToolFormat } from "./formats";
import type { Shape } from "./schemaShape";
import type { ShapedTool } from "./shapedTool";
import { taggedArguments } from "./taggedGrammar";
import { gemmaDialect, jsonDialect, otherWord, pythonDialect } from "./valueDialects";
import { membersInOrder, ValueGrammar } from "./valueGrammar";

/** The text of calls, in the order in which it is written: `before` call (`between` call)* `behind`. */
export interface CallGrammar {
  /** What is the same in all calls, as far as it is, at their beginning and at their end. */
  readonly before: string;
  readonly behind: string;
  /** What differs: names and arguments. */
  readonly call: Expression;
  /** From behind one call to the next one. `undefined`: there is one. */
  readonly between: string | undefined;
}

/** How calls of these tools are written. Adds rules to the grammar. */
export function callGrammar(grammar: Grammar, format: ToolFormat, tools: readonly ShapedTool[]): CallGrammar {
  const { before, behind, name, argumentsOf } = callText(grammar, format);
  const call = grammar.add("call", choice(...tools.map((tool) => sequence(name(tool.tool.name), argumentsOf(tool)))));
  const { betweenCalls } = format;
  return { before, behind, call, between: betweenCalls === undefined ? undefined : behind + betweenCalls + before };
}

interface CallText {
  readonly before: string;
  readonly behind: string;
  /** The name with what stands behind it. */
  readonly name: (name: string) => Expression;
  readonly argumentsOf: (tool: ShapedTool) => Expression;
}

function callText(grammar: Grammar, format: ToolFormat): CallText {
  switch (format.shape) {
    case "json": {
      const name = (text: string) =>
        literal(`${JSON.stringify(text).slice(1)}, ${JSON.stringify(format.argumentsKey)}: {`);
      return { before: `{${JSON.stringify(format.nameKey)}: "`, behind: "}}", name, argumentsOf: jsonMembers(grammar) };
    }
    case "taggedJson": {
      const { callId } = format;
      const id = callId === "" ? nothing : optional(sequence(literal(callId), repeat(chars("09azAZ"), 9, 9)));
      const name = (text: string) => sequence(literal(text), id, literal(`${format.behindName}{`));
      return { before: format.beforeName, behind: "}", name, argumentsOf: jsonMembers(grammar) };
    }
    case "harmony": {
      const { constrain, contentType, message } = format;
      const name = (text: string) => literal(`${text}${constrain}${contentType}${message}{`);
      return { before: format.beforeName, behind: "}", name, argumentsOf: jsonMembers(grammar) };
    }
    case "gemma": {
      const dialect = gemmaDialect(format.quote, format.behindKey);
      const argumentsOf = ({ objects, schema, say }: ShapedTool) => {
        const values = new ValueGrammar(grammar, dialect, schema, say);
        return choice(...objects.map((shape) => values.objectMembers(shape)));
      };
      const name = (text: string) => literal(text + format.beforeArguments);
      return { before: format.beforeName, behind: format.behindArguments, name, argumentsOf };
    }
    case "pythonic":
      return { before: "", behind: ")", name: (text) => literal(`${text}(`), argumentsOf: pythonArguments(grammar) };
    case "tagged": {
      const argumentsOf = (tool: ShapedTool) => taggedArguments(grammar, format, tool);
      return {
        before: format.beforeName,
        behind: format.behindCall,
        name: (text) => literal(text + format.behindName),
        argumentsOf,
      };
    }
  }
}

function jsonMembers(grammar: Grammar): CallText["argumentsOf"] {
  const dialect = jsonDialect();
  return ({ objects, schema, say }) => {
    const values = new ValueGrammar(grammar, dialect, schema, say);
    return choice(...objects.map((shape) => values.objectMembers(shape)));
  };
}

const identifier = /^[A-Za-z_]\w*$/;
const identifierLetters = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

function pythonArguments(grammar: Grammar): CallText["argumentsOf"] {
  return ({ objects, schema, say }) => {
    const values = new ValueGrammar(grammar, pythonDialect, schema, say);
    const written = (name: string, shape: Shape) =>
      grammar.add("k", sequence(literal(`${name}=`), values.value(shape)));
    return choice(
      ...objects.map(({ properties, rest }) => {
        const writable = properties.filter(({ name }) => identifier.test(name));
        for (const { name } of properties) if (!identifier.test(name)) say(`the property ${JSON.stringify(name)}`);
        const required = writable.filter(({ isRequired }) => isRequired);
        const others = writable.filter(({ isRequired }) => !isRequired);
        const names = writable.map(({ name }) => name);
        const key = rest && otherWord(grammar, names, identifierLetters);
        const more = rest && key && grammar.add("k", sequence(key, literal("="), values.value(rest)));
        const between = sequence(literal(","), optional(literal(" ")));
        const all = [required, others].map((list) => list.map(({ name, shape }) => written(name, shape)));
        return membersInOrder(grammar, all[0] ?? [], all[1] ?? [], more, between) ?? nothing;
      }),
    );
  };
}

/** All calls of a block behind its `before`, up to and without its last `behind`. */
export function callsOf({ call, between }: CallGrammar): Expression {
  if (between === undefined) return call;
  return sequence(call, repeat(sequence(literal(between), call), 0));
}
