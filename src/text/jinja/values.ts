/** The values of a template: Python's, as far as templates can tell. */
import { TemplateError } from "./errors";

/** A number is an int, a string is a text, null is None. */
export type Value = null | boolean | number | string | Float | Undefined | List | Dict | Callable | Special;

export class Float {
  constructor(readonly value: number) {}
}

/** What a name or a member that does not exist gives: empty as a text or a list, otherwise an error. */
export class Undefined {
  constructor(readonly reason: string) {}
}

/** A list or a tuple. */
export class List {
  /** Number of values in it, at all depths. */
  readonly size: number;

  constructor(
    readonly items: readonly Value[],
    readonly isTuple = false,
  ) {
    this.size = sizeOf(items);
  }
}

export type Key = null | boolean | number | string;

export class Dict {
  /** Number of values in it, at all depths. */
  readonly size: number;

  constructor(readonly entries: ReadonlyMap<Key, Value>) {
    this.size = sizeOf(entries.values());
  }
}

function sizeOf(values: Iterable<Value>): number {
  let size = 1;
  for (const value of values) size += value instanceof List || value instanceof Dict ? value.size : 1;
  return size;
}

export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Arguments) => Value,
  ) {}
}

/** None is a value: `??` would replace it. */
export function orElse(value: Value | undefined, otherwise: Value): Value {
  return value === undefined ? otherwise : value;
}

/** Arguments of a call: by position, or by name. */
export class Arguments {
  constructor(
    readonly positional: readonly Value[],
    readonly named: ReadonlyMap<string, Value> = new Map(),
  ) {}

  get(index: number, name: string): Value | undefined {
    return index < this.positional.length ? this.positional[index] : this.named.get(name);
  }

  required(index: number, name: string): Value {
    const value = this.get(index, name);
    if (value === undefined) throw new TemplateError(`the argument ${name} is missing`);
    return value;
  }
}

/** An object with behaviour of its own. By default it can only be written out and tested. */
export abstract class Special {
  protected abstract readonly typeName: string;

  /** `undefined`: it has none of this name. */
  attribute(_name: string): Value | undefined {
    return undefined;
  }

  setAttribute(name: string, _value: Value): void {
    throw new TemplateError(`'${this.typeName}' object has no attribute '${name}'`);
  }

  item(_key: Value): Value | undefined {
    return undefined;
  }

  slice(_start: Value, _stop: Value, _step: Value): Value {
    throw new TemplateError(`'${this.typeName}' object is not subscriptable`);
  }

  /** `undefined`: it is not iterable. */
  iterate(): readonly Value[] | undefined {
    return undefined;
  }

  isTrue(): boolean {
    return true;
  }

  /** Called before it is compared: it is equal to itself only. */
  willCompare(): void {}

  text(): string {
    return `<${this.typeName}>`;
  }
}

/** Values of plain data, for the variables of a template. */
export function toValue(data: unknown): Value {
  if (data === null || typeof data === "boolean" || typeof data === "string") return data;
  if (typeof data === "number") return Number.isInteger(data) ? data : new Float(data);
  if (Array.isArray(data)) return new List(data.map(toValue));
  if (typeof data === "object") return dictOf(Object.entries(data));
  return new Undefined("it is no data");
}

function dictOf(entries: readonly (readonly [string, unknown])[]): Dict {
  const known = entries.filter(([, value]) => value !== undefined);
  return new Dict(new Map(known.map(([name, value]) => [name, toValue(value)])));
}
