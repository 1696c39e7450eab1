import { longestRange } from "./budget";
import { TemplateError } from "./errors";
import { equals, iterate, keyOf, reprOf, textOf } from "./operations";
import { type Arguments, Callable, Dict, type Key, List, Special, type Value } from "./values";

/** `namespace(...)`: the only object that a template can change. */
class Namespace extends Special {
  protected readonly typeName = "Namespace";
  private readonly members: Map<string, Value>;

  constructor(
    members: ReadonlyMap<string, Value>,
    private readonly willChange: () => void,
  ) {
    super();
    this.members = new Map(members);
  }

  override attribute(name: string): Value | undefined {
    return this.members.get(name);
  }

  override setAttribute(name: string, value: Value): void {
    this.willChange();
    this.members.set(name, value);
  }

  override item(key: Value): Value | undefined {
    return typeof key === "string" ? this.members.get(key) : undefined;
  }

  override text(): string {
    return `<Namespace ${reprOf(new Dict(this.members))}>`;
  }
}

/** What a `for` knows about itself. */
export class LoopState extends Special {
  protected readonly typeName = "LoopContext";
  private lastChecked: List | undefined;
  index0 = 0;

  constructor(
    private readonly items: readonly Value[],
    private readonly depth: number,
    private readonly again: ((items: Value) => string) | undefined,
  ) {
    super();
  }

  override attribute(name: string): Value | undefined {
    const { index0, items, depth } = this;
    const count = items.length;
    switch (name) {
      case "index":
        return index0 + 1;
      case "index0":
        return index0;
      case "revindex":
        return count - index0;
      case "revindex0":
        return count - index0 - 1;
      case "first":
        return index0 === 0;
      case "last":
        return index0 === count - 1;
      case "length":
        return count;
      case "depth":
        return depth + 1;
      case "depth0":
        return depth;
      case "previtem":
        return index0 === 0 ? undefined : items[index0 - 1];
      case "nextitem":
        return items[index0 + 1];
      case "cycle":
        return new Callable("cycle", ({ positional }) => positional[index0 % positional.length] ?? null);
      case "changed":
        return new Callable("changed", ({ positional }) => this.changed(new List(positional)));
      default:
        return undefined;
    }
  }

  /** `loop(items)` in a recursive loop. */
  repeat(args: Arguments): Value {
    if (this.again === undefined) throw new TemplateError("The loop must have the 'recursive' marker to be called.");
    return this.again(args.required(0, "iterable"));
  }

  private changed(values: List): boolean {
    const isNew = this.lastChecked === undefined || !equals(this.lastChecked, values);
    this.lastChecked = values;
    return isNew;
  }
}

/** `cycler(...)` */
class Cycler extends Special {
  protected readonly typeName = "Cycler";
  private at = 0;

  constructor(
    private readonly items: readonly Value[],
    private readonly willChange: () => void,
  ) {
    super();
  }

  override attribute(name: string): Value | undefined {
    if (name === "current") return this.items[this.at];
    if (name === "next") return new Callable(name, () => this.next());
    if (name === "reset") return new Callable(name, () => this.reset());
    return undefined;
  }

  private next(): Value {
    this.willChange();
    const item = this.items[this.at] ?? null;
    this.at = (this.at + 1) % this.items.length;
    return item;
  }

  private reset(): Value {
    this.willChange();
    this.at = 0;
    return null;
  }
}

/** Jinja's global functions. `willChange` is called before an object changes that outlives a statement. */
export function builtIns(willChange: () => void): readonly Callable[] {
  return [
    new Callable("range", range),
    new Callable("dict", (args) => new Dict(namedValues(args))),
    new Callable("namespace", (args) => {
      const members = [...namedValues(args)].map(([key, value]) => [textOf(key), value] as const);
      return new Namespace(new Map(members), willChange);
    }),
    new Callable("cycler", ({ positional }) => new Cycler(positional, willChange)),
    new Callable("joiner", (args) => {
      let isUsed = false;
      return new Callable("joiner", () => {
        willChange();
        const separator = isUsed ? (args.get(0, "sep") ?? ", ") : "";
        isUsed = true;
        return separator;
      });
    }),
  ];
}

/** As Python's `dict`: pairs or another dict, then the named arguments. */
function namedValues({ positional, named }: Arguments): ReadonlyMap<Key, Value> {
  const [source] = positional;
  const entries = new Map<Key, Value>();
  if (source instanceof Dict) for (const [key, value] of source.entries) entries.set(key, value);
  else if (source !== undefined) {
    for (const pair of iterate(source)) {
      const [key, value, ...more] = iterate(pair);
      if (key === undefined || value === undefined || more.length > 0) throw new TemplateError("expected pairs");
      entries.set(keyOf(key), value);
    }
  }
  for (const [key, value] of named) entries.set(key, value);
  return entries;
}

function range({ positional }: Arguments): Value {
  const [first, second, step = 1] = positional.map(wholeNumber);
  if (first === undefined) throw new TemplateError("range expected at least 1 argument, got 0");
  if (step === 0) throw new TemplateError("range() arg 3 must not be zero");
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > longestRange) throw new TemplateError(`Range too big. The maximum is ${longestRange}.`);
  return new List(Array.from({ length }, (_, index) => start + index * step));
}

function wholeNumber(value: Value): number {
  if (typeof value === "number") return value;
  throw new TemplateError(`${reprOf(value)} cannot be interpreted as an integer`);
}
