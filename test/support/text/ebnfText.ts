import type { CharRange, Expression } from "../../../src/text/tools/ebnf";
import type { Random } from "../random";

/** The rules of a grammar's text, as `Grammar.text` writes it. Throws where the text is not well-formed. */
export function readEbnf(text: string): ReadonlyMap<string, Expression> {
  const rules = new Map<string, Expression>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [name, body] = line.split(" ::= ");
    if (name === undefined || body === undefined || !/^[a-z][\w.-]*$/i.test(name)) throw new Error(`no rule: ${line}`);
    if (rules.has(name)) throw new Error(`two rules ${name}`);
    rules.set(name, new LineReader(line.slice(name.length + 5)).body());
  }
  for (const rule of rules.values()) checkNames(rule, rules);
  if (!rules.has("root")) throw new Error("no root");
  return rules;
}

function checkNames(expression: Expression, rules: ReadonlyMap<string, Expression>): void {
  if (expression.kind === "rule" && !rules.has(expression.name)) throw new Error(`no rule ${expression.name}`);
  if (expression.kind === "sequence" || expression.kind === "choice")
    for (const one of expression.of) checkNames(one, rules);
  if (expression.kind === "repeat") checkNames(expression.of, rules);
}

class LineReader {
  private at = 0;

  constructor(private readonly line: string) {}

  body(): Expression {
    const body = this.choice();
    if (this.at < this.line.length) throw new Error(`left over: ${this.line.slice(this.at)}`);
    return body;
  }

  private choice(): Expression {
    const of = [this.sequence()];
    while (this.take("|")) of.push(this.sequence());
    return { kind: "choice", of };
  }

  private sequence(): Expression {
    const of: Expression[] = [];
    for (;;) {
      this.space();
      const char = this.line[this.at];
      if (char === undefined || char === "|" || char === ")") return { kind: "sequence", of };
      of.push(this.counted(this.element()));
    }
  }

  private element(): Expression {
    if (this.take("(")) {
      const inner = this.choice();
      if (!this.take(")")) throw new Error("no )");
      return inner;
    }
    if (this.take('"')) return { kind: "literal", text: this.literal() };
    if (this.take("[")) return this.chars();
    if (this.line.startsWith('Regex("', this.at)) {
      this.at += 'Regex("'.length;
      const pattern = this.literal();
      if (!this.take(")")) throw new Error("no )");
      return new PatternReader(pattern).body();
    }
    const name = /^[a-z][\w.-]*/i.exec(this.line.slice(this.at))?.[0];
    if (name === undefined) throw new Error(`no element: ${this.line.slice(this.at)}`);
    this.at += name.length;
    return { kind: "rule", name };
  }

  private counted(of: Expression): Expression {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.line.slice(this.at));
    if (found === null) return of;
    this.at += found[0].length;
    return repeated(of, found);
  }

  private literal(): string {
    let text = "";
    while (this.line[this.at] !== '"') text += this.character();
    this.at += 1;
    return text;
  }

  private chars(): Expression {
    const isNot = this.line[this.at] === "^";
    if (isNot) this.at += 1;
    const ranges: CharRange[] = [];
    while (this.line[this.at] !== "]") {
      const from = this.character().codePointAt(0) ?? 0;
      if (this.line[this.at] !== "-") ranges.push([from, from]);
      else {
        this.at += 1;
        ranges.push([from, this.character().codePointAt(0) ?? 0]);
      }
    }
    this.at += 1;
    return { kind: "chars", ranges, isNot };
  }

  private character(): string {
    const found = /^\\(?:u([0-9a-f]{4})|U([0-9a-f]{8}))/.exec(this.line.slice(this.at, this.at + 10));
    if (found !== null) {
      this.at += found[0].length;
      return String.fromCodePoint(Number.parseInt(found[1] ?? found[2] ?? "", 16));
    }
    const char = this.line[this.at];
    if (char === undefined || char === "\\") throw new Error(`no character: ${this.line.slice(this.at)}`);
    this.at += 1;
    return char;
  }

  private take(char: string): boolean {
    this.space();
    if (this.line[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  private space(): void {
    while (this.line[this.at] === " ") this.at += 1;
  }
}

/** A pattern as `Grammar.text` writes it. */
class PatternReader {
  private at = 0;

  constructor(private readonly text: string) {}

  body(): Expression {
    const body = this.choice();
    if (this.at < this.text.length) throw new Error(`left over in a pattern: ${this.text.slice(this.at)}`);
    return body;
  }

  private choice(): Expression {
    const of = [this.sequence()];
    while (this.takes("|")) of.push(this.sequence());
    return { kind: "choice", of };
  }

  private sequence(): Expression {
    const of: Expression[] = [];
    while (this.at < this.text.length && !"|)".includes(this.text.charAt(this.at))) of.push(this.counted(this.part()));
    return { kind: "sequence", of };
  }

  private part(): Expression {
    if (this.takes("(")) {
      const inner = this.choice();
      if (!this.takes(")")) throw new Error("no ) in a pattern");
      return inner;
    }
    if (!this.takes("[")) return { kind: "literal", text: String.fromCodePoint(this.code()) };
    const isNot = this.takes("^");
    const ranges: CharRange[] = [];
    while (!this.takes("]")) {
      const from = this.code();
      ranges.push([from, this.takes("-") ? this.code() : from]);
    }
    return { kind: "chars", ranges, isNot };
  }

  private counted(of: Expression): Expression {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.text.slice(this.at));
    if (found === null) return of;
    this.at += found[0].length;
    return repeated(of, found);
  }

  private code(): number {
    const found = /^(?:[A-Za-z0-9]|\\u([0-9a-f]{4})|\\u\{([0-9a-f]{1,6})\})/.exec(
      this.text.slice(this.at, this.at + 11),
    );
    if (found === null) throw new Error(`no character in a pattern: ${this.text.slice(this.at)}`);
    this.at += found[0].length;
    const hex = found[1] ?? found[2];
    return hex === undefined ? (found[0].codePointAt(0) ?? 0) : Number.parseInt(hex, 16);
  }

  private takes(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }
}

function repeated(of: Expression, found: RegExpExecArray): Expression {
  if (found[0] === "*") return { kind: "repeat", of, least: 0 };
  if (found[0] === "+") return { kind: "repeat", of, least: 1 };
  if (found[0] === "?") return { kind: "repeat", of, least: 0, most: 1 };
  const least = Number(found[1]);
  if (found[2] === "") return { kind: "repeat", of, least, most: least };
  return found[3] === "" ? { kind: "repeat", of, least } : { kind: "repeat", of, least, most: Number(found[3]) };
}

/** Whether the rules allow a whole text: all ends of each part of it, by rule and beginning. */
export function allows(rules: ReadonlyMap<string, Expression>, text: string): boolean {
  const characters = Array.from(text);
  const known = new Map<string, ReadonlySet<number>>();

  function endsOf(expression: Expression, from: number): ReadonlySet<number> {
    switch (expression.kind) {
      case "literal": {
        const letters = Array.from(expression.text);
        return new Set(letters.every((letter, i) => characters[from + i] === letter) ? [from + letters.length] : []);
      }
      case "chars": {
        const code = characters[from]?.codePointAt(0);
        if (code === undefined) return new Set();
        const isIn = expression.ranges.some(([low, high]) => code >= low && code <= high);
        return new Set(isIn === expression.isNot ? [] : [from + 1]);
      }
      case "sequence": {
        let at: ReadonlySet<number> = new Set([from]);
        for (const part of expression.of) at = new Set([...at].flatMap((place) => [...endsOf(part, place)]));
        return at;
      }
      case "choice":
        return new Set(expression.of.flatMap((one) => [...endsOf(one, from)]));
      case "repeat": {
        let at: ReadonlySet<number> = new Set([from]);
        const ends = new Set<number>(expression.least === 0 ? at : []);
        for (let count = 1; count <= (expression.most ?? characters.length + expression.least); count += 1) {
          at = new Set([...at].flatMap((place) => [...endsOf(expression.of, place)]));
          const before = ends.size;
          if (count >= expression.least) for (const place of at) ends.add(place);
          if (at.size === 0 || (count > expression.least && ends.size === before)) break;
        }
        return ends;
      }
      case "rule": {
        const key = `${expression.name} ${from}`;
        const found = known.get(key);
        if (found !== undefined) return found;
        const body = rules.get(expression.name);
        if (body === undefined) throw new Error(`no rule ${expression.name}`);
        const ends = endsOf(body, from);
        known.set(key, ends);
        return ends;
      }
    }
  }

  return endsOf({ kind: "rule", name: "root" }, 0).has(characters.length);
}

const letters = "abz09 _-.,:;\"'\\/<>|{}[]()=\n\té\u{1f600}";

/** A text that the rules allow. Behind `most` steps it takes the way that ends first. */
export function sampled(rules: ReadonlyMap<string, Expression>, random: Random, most = 400): string {
  const sizes = smallestSizes(rules);
  const known = new Map<Expression, number>();
  let steps = 0;

  function size(expression: Expression): number {
    const found = known.get(expression) ?? sizeOf(expression, sizes);
    known.set(expression, found);
    return found;
  }

  function text(expression: Expression): string {
    steps += 1;
    const isLate = steps > most;
    switch (expression.kind) {
      case "literal":
        return expression.text;
      case "chars":
        return character(expression.ranges, expression.isNot);
      case "sequence":
        return expression.of.map(text).join("");
      case "choice": {
        const least = Math.min(...expression.of.map(size));
        return text(
          random.pick(
            expression.of.filter((one) => (isLate ? size(one) === least : size(one) < Number.POSITIVE_INFINITY)),
          ),
        );
      }
      case "repeat": {
        const top = Math.min(expression.most ?? expression.least + 3, expression.least + 12);
        const count = isLate ? expression.least : expression.least + random.below(top - expression.least + 1);
        return Array.from({ length: count }, () => text(expression.of)).join("");
      }
      case "rule": {
        const body = rules.get(expression.name);
        if (body === undefined) throw new Error(`no rule ${expression.name}`);
        return text(body);
      }
    }
  }

  function character(ranges: readonly CharRange[], isNot: boolean): string {
    const isIn = (code: number) => ranges.some(([low, high]) => code >= low && code <= high) !== isNot;
    if (!isNot) {
      const [low, high] = random.pick(ranges);
      return String.fromCodePoint(low + random.below(high - low + 1));
    }
    return random.pick(Array.from(letters).filter((char) => isIn(char.codePointAt(0) ?? 0)));
  }

  return text({ kind: "rule", name: "root" });
}

/** How many rules deep the smallest text of each rule is. */
function smallestSizes(rules: ReadonlyMap<string, Expression>): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const [name, body] of rules) {
      const size = 1 + sizeOf(body, sizes);
      if (size < (sizes.get(name) ?? Number.POSITIVE_INFINITY)) {
        sizes.set(name, size);
        isNew = true;
      }
    }
  }
  return sizes;
}

function sizeOf(expression: Expression, sizes: ReadonlyMap<string, number>): number {
  switch (expression.kind) {
    case "literal":
    case "chars":
      return 0;
    case "sequence":
      return Math.max(0, ...expression.of.map((one) => sizeOf(one, sizes)));
    case "choice":
      return Math.min(...expression.of.map((one) => sizeOf(one, sizes)));
    case "repeat":
      return expression.least === 0 ? 0 : sizeOf(expression.of, sizes);
    case "rule":
      return sizes.get(expression.name) ?? Number.POSITIVE_INFINITY;
  }
}
