import { calculate, compareBy } from "./arithmetic";
import { Budget } from "./budget";
import { TemplateError } from "./errors";
import { filters } from "./filters";
import { builtIns, LoopState } from "./globals";
import { itemOf, missing, sliceOf } from "./members";
import { methodOf } from "./methods";
import type { Block, CallArguments, Expression, Loop, Named, Parameter, Statement, Target } from "./nodes";
import { isTrue, iterate, keyOf, numberOf, textOf, typeName } from "./operations";
import { Scope } from "./scope";
import { tests } from "./tests";
import { Arguments, Callable, Dict, Float, type Key, List, orElse, Special, Undefined, type Value } from "./values";

/** Text that grows. */
export interface Output {
  text: string;
}

type Leaves = "break" | "continue" | undefined;

/**
 * Runs a template as Jinja2 does with transformers' settings: a loop, a macro and a `with` have variables of their own,
 * and a macro sees those of the place where it stands.
 */
export class Interpreter {
  readonly globals = new Scope();
  private readonly budget = new Budget();

  constructor(variables: ReadonlyMap<string, Value>) {
    for (const callable of builtIns(() => this.willChange())) this.globals.set(callable.name, callable);
    for (const [name, value] of variables) this.globals.set(name, value);
  }

  run(block: Block): string {
    const output: Output = { text: "" };
    this.runBlock(block, new Scope(this.globals), output);
    return output.text;
  }

  /** Called before an object changes that outlives a statement. */
  protected willChange(): void {}

  /** Called before and after the body of a loop runs for `item`; `output` is what it writes to. */
  protected beginsItem(_item: Value, _output: Output): void {}
  protected endsItem(_item: Value, _output: Output): void {}

  protected runBlock(block: Block, scope: Scope, output: Output): Leaves {
    for (const statement of block) {
      const leaves = this.runStatement(statement, scope, output);
      if (leaves !== undefined) return leaves;
    }
    return undefined;
  }

  protected runStatement(statement: Statement, scope: Scope, output: Output): Leaves {
    this.budget.spend(1);
    switch (statement.kind) {
      case "text":
        this.writeValue(statement.text, output);
        return undefined;
      case "output":
        this.writeValue(this.evaluate(statement.value, scope), output);
        return undefined;
      case "if":
        return this.runBlock(this.holds(statement.test, scope) ? statement.body : statement.otherwise, scope, output);
      case "for":
        return this.runLoop(statement, this.evaluate(statement.iterable, scope), scope, output);
      case "set":
        this.assign(statement.target, this.evaluate(statement.value, scope), scope);
        return undefined;
      case "setBlock": {
        const text = this.captured(statement.body, new Scope(scope));
        this.assign(statement.target, this.filtered(text, statement.filters, scope), scope);
        return undefined;
      }
      case "macro":
        scope.set(statement.name, this.macro(statement.name, statement.parameters, statement.body, scope));
        return undefined;
      case "callBlock": {
        const caller = this.macro("caller", statement.parameters, statement.body, scope);
        const { positional, named } = this.evaluateArguments(statement.call.args, scope);
        const args = new Arguments(positional, new Map([...named, ["caller", caller]]));
        this.writeValue(this.call(this.evaluate(statement.call.callee, scope), args), output);
        return undefined;
      }
      case "filterBlock":
        this.writeValue(
          this.filtered(this.captured(statement.body, new Scope(scope)), statement.filters, scope),
          output,
        );
        return undefined;
      case "with": {
        const inside = new Scope(scope);
        for (const { target, value } of statement.values) this.assign(target, this.evaluate(value, scope), inside);
        return this.runBlock(statement.body, inside, output);
      }
      case "part":
        return this.runBlock(statement.body, scope, output);
      default:
        return statement.kind;
    }
  }

  private writeValue(value: Value, output: Output): void {
    const text = textOf(value);
    this.budget.spendOn(text);
    output.text += text;
  }

  protected runLoop(loop: Loop, iterable: Value, scope: Scope, output: Output, depth = 0): Leaves {
    const { test, target, body } = loop;
    this.budget.spendOn(iterable);
    const isChosen = (item: Value) => {
      const inside = new Scope(scope);
      this.assign(target, item, inside);
      return test === undefined || this.holds(test, inside);
    };
    const items = test === undefined ? iterate(iterable) : iterate(iterable).filter(isChosen);
    const again = (inner: Value) => {
      const captured: Output = { text: "" };
      this.budget.inCall(() => this.runLoop(loop, inner, scope, captured, depth + 1));
      return captured.text;
    };
    const state = new LoopState(items, depth, loop.isRecursive ? again : undefined);
    for (const [index, item] of items.entries()) {
      state.index0 = index;
      const inside = new Scope(scope);
      inside.set("loop", state);
      this.assign(target, item, inside);
      this.beginsItem(item, output);
      const leaves = this.runBlock(body, inside, output);
      this.endsItem(item, output);
      if (leaves === "break") break;
    }
    return items.length === 0 ? this.runBlock(loop.otherwise, new Scope(scope), output) : undefined;
  }

  protected holds(expression: Expression, scope: Scope): boolean {
    return isTrue(this.evaluate(expression, scope));
  }

  protected assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === "name") scope.set(target.name, value);
    else if (target.kind === "member") {
      const object = scope.get(target.object);
      if (!(object instanceof Special)) throw new TemplateError("cannot assign attribute on non-namespace object");
      object.setAttribute(target.name, value);
    } else {
      const items = iterate(value);
      if (items.length !== target.items.length) {
        const few = items.length < target.items.length ? "not enough" : "too many";
        throw new TemplateError(`${few} values to unpack (expected ${target.items.length}, got ${items.length})`);
      }
      for (const [index, inner] of target.items.entries()) this.assign(inner, orElse(items[index], null), scope);
    }
  }

  protected evaluate(node: Expression, scope: Scope): Value {
    this.budget.spend(1);
    const value = this.valueOf(node, scope);
    if (makesValues.has(node.kind)) this.budget.spendOn(value);
    return value;
  }

  private valueOf(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case "constant":
        return node.value;
      case "name":
        return scope.get(node.name);
      case "list":
        return new List(
          node.items.map((item) => this.evaluate(item, scope)),
          node.isTuple,
        );
      case "dict":
        return this.dict(node.entries, scope);
      case "attribute":
        return this.attributeOf(this.evaluate(node.object, scope), node.name);
      case "item":
        return this.itemOf(this.evaluate(node.object, scope), this.evaluate(node.key, scope));
      case "slice": {
        const bound = (part: Expression | undefined) => (part === undefined ? null : this.evaluate(part, scope));
        return sliceOf(this.evaluate(node.object, scope), bound(node.start), bound(node.stop), bound(node.step));
      }
      case "call":
        return this.call(this.evaluate(node.callee, scope), this.evaluateArguments(node.args, scope));
      case "filter":
        return this.filtered(this.evaluate(node.operand, scope), [node.filter], scope);
      case "test":
        return this.test(
          node.test.name,
          this.evaluate(node.operand, scope),
          this.evaluateArguments(node.test.args, scope),
        );
      case "not":
        return !this.holds(node.operand, scope);
      case "sign":
        return this.signed(node.sign, this.evaluate(node.operand, scope));
      case "and": {
        const left = this.evaluate(node.left, scope);
        return isTrue(left) ? this.evaluate(node.right, scope) : left;
      }
      case "or": {
        const left = this.evaluate(node.left, scope);
        return isTrue(left) ? left : this.evaluate(node.right, scope);
      }
      case "binary":
        return calculate(node.operator, this.evaluate(node.left, scope), this.evaluate(node.right, scope));
      case "compare": {
        let left = this.evaluate(node.first, scope);
        for (const { operator, operand } of node.others) {
          const right = this.evaluate(operand, scope);
          this.budget.spendOn(right);
          if (!compareBy(operator, left, right)) return false;
          left = right;
        }
        return true;
      }
      case "concat":
        return node.parts.map((part) => textOf(this.evaluate(part, scope))).join("");
      case "choice": {
        const { test, chosen, otherwise } = node;
        if (this.holds(test, scope)) return this.evaluate(chosen, scope);
        if (otherwise !== undefined) return this.evaluate(otherwise, scope);
        return new Undefined("the inline if-expression evaluated to false and no else section was defined.");
      }
    }
  }

  private dict(entries: readonly (readonly [Expression, Expression])[], scope: Scope): Dict {
    const map = new Map<Key, Value>();
    for (const [key, value] of entries) map.set(keyOf(this.evaluate(key, scope)), this.evaluate(value, scope));
    return new Dict(map);
  }

  /** `object.name`: an attribute or a method, otherwise an item. */
  private attributeOf(object: Value, name: string): Value {
    if (object instanceof Undefined) throw new TemplateError(object.reason);
    const attribute = object instanceof Special ? object.attribute(name) : this.methodOf(object, name);
    return attribute === undefined ? orElse(itemOf(object, name), missing(object, name)) : attribute;
  }

  /** `object[key]`: an item, otherwise an attribute or a method. */
  private itemOf(object: Value, key: Value): Value {
    if (typeof object === "string") this.budget.spendOn(object);
    const item = itemOf(object, key);
    if (item !== undefined) return item;
    if (typeof key !== "string") return missing(object, textOf(key));
    const attribute = object instanceof Special ? object.attribute(key) : this.methodOf(object, key);
    return orElse(attribute, missing(object, key));
  }

  /** A method looks through all of its object. */
  private methodOf(object: Value, name: string): Callable | undefined {
    const method = methodOf(object, name);
    if (method !== undefined && !(object instanceof Dict)) this.budget.spendOn(object);
    return method;
  }

  private call(callee: Value, args: Arguments): Value {
    if (callee instanceof Callable) return callee.call(args);
    if (callee instanceof LoopState) return callee.repeat(args);
    if (callee instanceof Undefined) throw new TemplateError(callee.reason);
    throw new TemplateError(`'${typeName(callee)}' object is not callable`);
  }

  private signed(sign: "+" | "-", value: Value): Value {
    const number = numberOf(value);
    if (number === undefined) throw new TemplateError(`bad operand type for unary ${sign}: '${typeName(value)}'`);
    const result = sign === "-" ? -number : number;
    return value instanceof Float ? new Float(result) : result + 0;
  }

  private evaluateArguments({ positional, named }: CallArguments, scope: Scope): Arguments {
    const values = positional.flatMap(({ value, isSpread }) => {
      const evaluated = this.evaluate(value, scope);
      return isSpread ? iterate(evaluated) : [evaluated];
    });
    const byName = new Map<string, Value>();
    for (const { name, value } of named) {
      const evaluated = this.evaluate(value, scope);
      if (name !== undefined) byName.set(name, evaluated);
      else if (evaluated instanceof Dict) for (const [key, item] of evaluated.entries) byName.set(textOf(key), item);
      else throw new TemplateError("argument after ** must be a mapping");
    }
    return new Arguments(values, byName);
  }

  private filtered(value: Value, chain: readonly Named[], scope: Scope): Value {
    let whole = value;
    for (const { name, args } of chain) whole = this.filter(name, whole, this.evaluateArguments(args, scope));
    return whole;
  }

  private filter(name: string, value: Value, args: Arguments): Value {
    const filter = filters.get(name);
    if (filter === undefined) throw new TemplateError(`No filter named '${name}'.`);
    this.budget.spend(1);
    this.budget.spendOn(value);
    return filter(value, args, {
      spend: (steps) => this.budget.spend(steps),
      filter: (other, inner, more) => this.filter(other, inner, more),
      test: (other, inner, more) => this.test(other, inner, more),
    });
  }

  private test(name: string, value: Value, args: Arguments): boolean {
    for (const other of args.positional) this.budget.spendOn(other);
    if (name === "filter") return typeof value === "string" && filters.has(value);
    if (name === "test") return typeof value === "string" && tests.has(value);
    const test = tests.get(name);
    if (test === undefined) throw new TemplateError(`No test named '${name}'.`);
    return test(value, args);
  }

  private captured(block: Block, scope: Scope): string {
    const output: Output = { text: "" };
    this.runBlock(block, scope, output);
    return output.text;
  }

  private macro(name: string, parameters: readonly Parameter[], body: Block, scope: Scope): Callable {
    return new Callable(name, (args) => {
      const inside = new Scope(scope);
      const rest = new Map(args.named);
      const presets: { name: string; preset: Expression }[] = [];
      for (const [index, { name: parameter, preset }] of parameters.entries()) {
        const value = args.get(index, parameter);
        rest.delete(parameter);
        if (value === undefined && preset !== undefined) presets.push({ name: parameter, preset });
        inside.set(parameter, orElse(value, new Undefined(`parameter '${parameter}' was not provided`)));
      }
      inside.set("caller", orElse(rest.get("caller"), new Undefined("No caller defined")));
      rest.delete("caller");
      inside.set("kwargs", new Dict(rest));
      inside.set("varargs", new List(args.positional.slice(parameters.length), true));
      for (const { name: parameter, preset } of presets) inside.set(parameter, this.evaluate(preset, inside));
      return this.budget.inCall(() => this.captured(body, inside));
    });
  }
}

/** Expressions whose value is a new one. */
const makesValues: ReadonlySet<Expression["kind"]> = new Set([
  "list",
  "dict",
  "slice",
  "call",
  "filter",
  "binary",
  "concat",
]);
