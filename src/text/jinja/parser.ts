import { TemplateError } from "./errors";
import { ExpressionParser } from "./expressionParser";
import { tokenize } from "./lexer";
import type { Block, Expression, Named, Parameter, Statement, Target } from "./nodes";
import { TokenReader } from "./tokenReader";

/** Throws `TemplateError` where the source is no template. */
export function parseTemplate(source: string): Block {
  return new Parser(new TokenReader(tokenize(source))).template();
}

/** Jinja's statements: those of chat templates, without templates in other files. */
class Parser {
  private readonly expressions: ExpressionParser;

  constructor(private readonly tokens: TokenReader) {
    this.expressions = new ExpressionParser(tokens);
  }

  template(): Block {
    const block = this.block([]);
    if (!this.tokens.isAtEnd) throw new TemplateError(`unknown tag '${this.tokens.next.text}'`);
    return block;
  }

  /** Statements up to a tag of one of these names, whose beginning stays. */
  private block(ends: readonly string[]): Block {
    const block: Statement[] = [];
    while (!this.tokens.isAtEnd) {
      const token = this.tokens.current;
      if (token.kind === "text") block.push({ kind: "text", text: this.tokens.take().text });
      else if (token.text === "{{") {
        this.tokens.take();
        block.push({ kind: "output", value: this.expressions.parseTuple(() => this.tokens.is("end")) });
        this.tokens.expect("end");
      } else {
        if (ends.includes(this.tokens.next.text)) return block;
        this.tokens.expect("begin");
        block.push(...this.statement(this.tokens.expect("name").text));
      }
    }
    if (ends.length > 0) throw new TemplateError(`the template ends before ${ends.join(" or ")}`);
    return block;
  }

  /** The block up to `end`, and the end's tag. */
  private blockUntil(end: string): Block {
    this.tokens.expect("end");
    const block = this.block([end]);
    this.endTag(end);
    return block;
  }

  private endTag(name: string): void {
    this.tokens.expect("begin");
    this.tokens.expect("name", name);
    this.tokens.expect("end");
  }

  private statement(name: string): readonly Statement[] {
    switch (name) {
      case "if":
        return [this.condition()];
      case "for":
        return [this.loop()];
      case "set":
        return [this.set()];
      case "macro":
        return [this.macro()];
      case "call":
        return [this.callBlock()];
      case "filter": {
        const filters = [this.expressions.filter(), ...this.expressions.filters()];
        return [{ kind: "filterBlock", filters, body: this.blockUntil("endfilter") }];
      }
      case "with":
        return [this.with()];
      // transformers' mark of what the model says.
      case "generation":
        return [{ kind: "part", body: this.blockUntil("endgeneration") }];
      case "break":
      case "continue":
        this.tokens.expect("end");
        return [{ kind: name }];
      default:
        throw new TemplateError(`unknown tag '${name}'`);
    }
  }

  private condition(): Statement {
    const test = this.expressions.parseTuple(() => this.tokens.is("end"));
    this.tokens.expect("end");
    const body = this.block(["elif", "else", "endif"]);
    this.tokens.expect("begin");
    const next = this.tokens.expect("name").text;
    if (next === "elif") return { kind: "if", test, body, otherwise: [this.condition()] };
    if (next === "else") return { kind: "if", test, body, otherwise: this.blockUntil("endif") };
    this.tokens.expect("end");
    return { kind: "if", test, body, otherwise: [] };
  }

  private loop(): Statement {
    const target = this.target(() => this.tokens.is("name", "in"));
    this.tokens.expect("name", "in");
    const isEnd = () => this.tokens.is("end") || this.tokens.is("name", "recursive", "if");
    const iterable = this.expressions.parseTuple(isEnd, () => this.expressions.or());
    const test = this.tokens.skip("name", "if") ? this.expressions.parse() : undefined;
    const isRecursive = this.tokens.skip("name", "recursive");
    this.tokens.expect("end");
    const body = this.block(["else", "endfor"]);
    this.tokens.expect("begin");
    const hasElse = this.tokens.expect("name").text === "else";
    if (!hasElse) this.tokens.expect("end");
    const otherwise = hasElse ? this.blockUntil("endfor") : [];
    return { kind: "for", target, iterable, test, isRecursive, body, otherwise };
  }

  private set(): Statement {
    const target = this.target(() => this.tokens.is("operator", "=") || this.tokens.is("end"));
    if (this.tokens.skip("operator", "=")) {
      const value = this.expressions.parseTuple(() => this.tokens.is("end"));
      this.tokens.expect("end");
      return { kind: "set", target, value };
    }
    const filters: readonly Named[] = this.expressions.filters();
    return { kind: "setBlock", target, filters, body: this.blockUntil("endset") };
  }

  private macro(): Statement {
    const name = this.tokens.expect("name").text;
    return { kind: "macro", name, parameters: this.parameters(), body: this.blockUntil("endmacro") };
  }

  private callBlock(): Statement {
    const parameters = this.tokens.is("operator", "(") ? this.parameters() : [];
    const call: Expression = this.expressions.parse();
    if (call.kind !== "call") throw new TemplateError("expected call");
    return { kind: "callBlock", parameters, call, body: this.blockUntil("endcall") };
  }

  private with(): Statement {
    const values: { target: Target; value: Expression }[] = [];
    while (!this.tokens.is("end")) {
      const target = this.target(() => this.tokens.is("operator", "="), false);
      this.tokens.expect("operator", "=");
      values.push({ target, value: this.expressions.parse() });
      if (!this.tokens.is("end")) this.tokens.expect("operator", ",");
    }
    return { kind: "with", values, body: this.blockUntil("endwith") };
  }

  private parameters(): readonly Parameter[] {
    const parameters: Parameter[] = [];
    this.tokens.expect("operator", "(");
    while (!this.tokens.skip("operator", ")")) {
      const name = this.tokens.expect("name").text;
      parameters.push({ name, preset: this.tokens.skip("operator", "=") ? this.expressions.parse() : undefined });
      if (!this.tokens.is("operator", ")")) this.tokens.expect("operator", ",");
    }
    return parameters;
  }

  private target(isEnd: () => boolean, mayBeTuple = true): Target {
    const items: Target[] = [];
    let isTuple = false;
    while (!isEnd()) {
      items.push(this.oneTarget());
      if (!mayBeTuple || !this.tokens.skip("operator", ",")) break;
      isTuple = true;
    }
    const [only] = items;
    return only !== undefined && !isTuple ? only : { kind: "tuple", items };
  }

  private oneTarget(): Target {
    if (this.tokens.skip("operator", "(")) {
      const inside = this.target(() => this.tokens.is("operator", ")"));
      this.tokens.expect("operator", ")");
      return inside;
    }
    const name = this.tokens.expect("name").text;
    if (!this.tokens.skip("operator", ".")) return { kind: "name", name };
    return { kind: "member", object: name, name: this.tokens.expect("name").text };
  }
}
