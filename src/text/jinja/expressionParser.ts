import { TemplateError } from "./errors";
import type { CallArguments, Comparison, Expression, Named } from "./nodes";
import type { TokenReader } from "./tokenReader";
import { Float, List } from "./values";

const constants: Readonly<Record<string, true | false | null>> = Object.assign(Object.create(null), {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
});
const noArguments: CallArguments = { positional: [], named: [] };
const comparisons = ["==", "!=", "<", "<=", ">", ">="];

/** Jinja's expressions, with its precedences: a sign binds weaker than a filter, `~` stronger than `+`. */
export class ExpressionParser {
  constructor(private readonly tokens: TokenReader) {}

  parse(): Expression {
    let whole = this.or();
    while (this.tokens.skip("name", "if")) {
      const test = this.or();
      const otherwise = this.tokens.skip("name", "else") ? this.parse() : undefined;
      whole = { kind: "choice", test, chosen: whole, otherwise };
    }
    return whole;
  }

  /** An expression, or a tuple of several without parentheses. */
  parseTuple(isEnd: () => boolean, part: () => Expression = () => this.parse()): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    while (!isEnd()) {
      items.push(part());
      if (!this.tokens.skip("operator", ",")) break;
      isTuple = true;
    }
    const [only] = items;
    return only !== undefined && !isTuple ? only : { kind: "list", items, isTuple: true };
  }

  or(): Expression {
    let left = this.and();
    while (this.tokens.skip("name", "or")) left = { kind: "or", left, right: this.and() };
    return left;
  }

  filters(): readonly Named[] {
    const filters: Named[] = [];
    while (this.tokens.skip("operator", "|")) filters.push(this.filter());
    return filters;
  }

  filter(): Named {
    const name = this.dottedName();
    return { name, args: this.tokens.is("operator", "(") ? this.args() : noArguments };
  }

  args(): CallArguments {
    const positional: { value: Expression; isSpread: boolean }[] = [];
    const named: { name: string | undefined; value: Expression }[] = [];
    this.tokens.expect("operator", "(");
    while (!this.tokens.skip("operator", ")")) {
      if (this.tokens.skip("operator", "**")) named.push({ name: undefined, value: this.parse() });
      else if (this.tokens.skip("operator", "*")) positional.push({ value: this.parse(), isSpread: true });
      else if (this.tokens.is("name") && this.tokens.next.kind === "operator" && this.tokens.next.text === "=") {
        const name = this.tokens.take().text;
        this.tokens.take();
        named.push({ name, value: this.parse() });
      } else if (named.length > 0) throw new TemplateError("invalid syntax for function call expression");
      else positional.push({ value: this.parse(), isSpread: false });
      if (!this.tokens.is("operator", ")")) this.tokens.expect("operator", ",");
    }
    return { positional, named };
  }

  private and(): Expression {
    let left = this.not();
    while (this.tokens.skip("name", "and")) left = { kind: "and", left, right: this.not() };
    return left;
  }

  private not(): Expression {
    return this.tokens.skip("name", "not") ? { kind: "not", operand: this.not() } : this.compare();
  }

  private compare(): Expression {
    const first = this.sum();
    const others: Comparison[] = [];
    for (;;) {
      const { tokens } = this;
      if (tokens.is("operator", ...comparisons)) {
        others.push({ operator: tokens.take().text, operand: this.sum() });
      } else if (tokens.skip("name", "in")) others.push({ operator: "in", operand: this.sum() });
      else if (tokens.is("name", "not") && tokens.next.kind === "name" && tokens.next.text === "in") {
        tokens.take();
        tokens.take();
        others.push({ operator: "not in", operand: this.sum() });
      } else break;
    }
    return others.length === 0 ? first : { kind: "compare", first, others };
  }

  private sum(): Expression {
    return this.binary(["+", "-"], () => this.concat());
  }

  private concat(): Expression {
    const first = this.product();
    const parts = [first];
    while (this.tokens.skip("operator", "~")) parts.push(this.product());
    return parts.length === 1 ? first : { kind: "concat", parts };
  }

  private product(): Expression {
    return this.binary(["*", "/", "//", "%"], () => this.binary(["**"], () => this.signed(true)));
  }

  private binary(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    while (this.tokens.is("operator", ...operators)) {
      const operator = this.tokens.take().text;
      left = { kind: "binary", operator, left, right: operand() };
    }
    return left;
  }

  private signed(hasFilters: boolean): Expression {
    if (!this.tokens.is("operator", "+", "-")) {
      const node = this.postfix(this.primary());
      return hasFilters ? this.filtered(node) : node;
    }
    const sign = this.tokens.take().text === "-" ? "-" : "+";
    const node: Expression = { kind: "sign", sign, operand: this.signed(false) };
    return hasFilters ? this.filtered(node) : node;
  }

  private primary(): Expression {
    const { tokens } = this;
    const token = tokens.take();
    if (token.kind === "name") {
      const value = constants[token.text];
      return value === undefined ? { kind: "name", name: token.text } : { kind: "constant", value };
    }
    if (token.kind === "integer") return { kind: "constant", value: Number(token.text) };
    if (token.kind === "float") return { kind: "constant", value: new Float(Number(token.text)) };
    if (token.kind === "string") {
      let text = token.text;
      while (tokens.is("string")) text += tokens.take().text;
      return { kind: "constant", value: text };
    }
    if (token.kind === "operator" && token.text === "(") return this.parenthesised();
    if (token.kind === "operator" && token.text === "[")
      return { kind: "list", items: this.items("]"), isTuple: false };
    if (token.kind === "operator" && token.text === "{") return this.dict();
    throw new TemplateError(`unexpected '${token.text}'`);
  }

  private parenthesised(): Expression {
    if (this.tokens.skip("operator", ")")) return { kind: "constant", value: new List([], true) };
    const inside = this.parseTuple(() => this.tokens.is("operator", ")"));
    this.tokens.expect("operator", ")");
    return inside;
  }

  private items(end: string): readonly Expression[] {
    const items: Expression[] = [];
    while (!this.tokens.skip("operator", end)) {
      items.push(this.parse());
      if (!this.tokens.is("operator", end)) this.tokens.expect("operator", ",");
    }
    return items;
  }

  private dict(): Expression {
    const entries: (readonly [Expression, Expression])[] = [];
    while (!this.tokens.skip("operator", "}")) {
      const key = this.parse();
      this.tokens.expect("operator", ":");
      entries.push([key, this.parse()]);
      if (!this.tokens.is("operator", "}")) this.tokens.expect("operator", ",");
    }
    return { kind: "dict", entries };
  }

  private postfix(node: Expression): Expression {
    let whole = node;
    for (;;) {
      if (this.tokens.skip("operator", ".")) whole = this.member(whole);
      else if (this.tokens.skip("operator", "[")) whole = this.subscript(whole);
      else if (this.tokens.is("operator", "(")) whole = { kind: "call", callee: whole, args: this.args() };
      else return whole;
    }
  }

  private member(object: Expression): Expression {
    if (!this.tokens.is("integer")) return { kind: "attribute", object, name: this.tokens.expect("name").text };
    return { kind: "item", object, key: { kind: "constant", value: Number(this.tokens.take().text) } };
  }

  private subscript(object: Expression): Expression {
    const bounds: (Expression | undefined)[] = [undefined];
    while (!this.tokens.skip("operator", "]")) {
      if (this.tokens.skip("operator", ":")) bounds.push(undefined);
      else bounds[bounds.length - 1] = this.parseTuple(() => this.tokens.is("operator", "]", ":"));
    }
    const [start, stop, step] = bounds;
    if (bounds.length > 1 && bounds.length <= 3) return { kind: "slice", object, start, stop, step };
    if (start === undefined || bounds.length > 3) throw new TemplateError("expected subscript expression");
    return { kind: "item", object, key: start };
  }

  private filtered(node: Expression): Expression {
    let whole = node;
    for (;;) {
      if (this.tokens.skip("operator", "|")) whole = { kind: "filter", operand: whole, filter: this.filter() };
      else if (this.tokens.skip("name", "is")) whole = this.test(whole);
      else if (this.tokens.is("operator", "(")) whole = { kind: "call", callee: whole, args: this.args() };
      else return whole;
    }
  }

  private test(operand: Expression): Expression {
    const isNegated = this.tokens.skip("name", "not");
    const name = this.dottedName();
    const node: Expression = { kind: "test", operand, test: { name, args: this.testArguments() } };
    return isNegated ? { kind: "not", operand: node } : node;
  }

  /** In parentheses, or one operand without them. */
  private testArguments(): CallArguments {
    const { tokens } = this;
    if (tokens.is("operator", "(")) return this.args();
    const begins = tokens.is("string") || tokens.is("integer") || tokens.is("float") || tokens.is("operator", "[", "{");
    const isOperand = tokens.is("name") && !tokens.is("name", "else", "or", "and", "is", "if");
    if (!begins && !isOperand) return noArguments;
    return { positional: [{ value: this.postfix(this.primary()), isSpread: false }], named: [] };
  }

  private dottedName(): string {
    let name = this.tokens.expect("name").text;
    while (this.tokens.skip("operator", ".")) name += `.${this.tokens.expect("name").text}`;
    return name;
  }
}
