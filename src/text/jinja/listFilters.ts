import { longestRange } from "./budget";
import { TemplateError } from "./errors";
import type { Filter, FilterTools } from "./filterTypes";
import { itemOf, missing } from "./members";
import { methodOf } from "./methods";
import { compare, equals, isTrue, iterate, numberOf, reprOf, textOf } from "./operations";
import { Arguments, Dict, Float, List, orElse, Special, Undefined, type Value } from "./values";

/** Filters of lists and dicts. Where Python gives a generator, this gives the list of its elements. */
export const listFilters: readonly (readonly [string, Filter])[] = [
  ["list", (value) => new List(iterate(value))],
  ["first", (value) => orElse(iterate(value)[0], noElement("first"))],
  ["last", (value) => orElse(iterate(value).at(-1), noElement("last"))],
  ["reverse", (value) => reversed(value)],
  ["join", (value, args) => joined(value, args)],
  ["items", (value) => itemsOf(value)],
  ["dictsort", (value, args) => sortedItems(value, args)],
  ["sort", (value, args) => new List(sorted(value, args))],
  ["unique", (value, args, tools) => unique(value, args, tools)],
  ["min", (value, args) => extreme(value, args, -1)],
  ["max", (value, args) => extreme(value, args, 1)],
  ["sum", (value, args) => sum(value, args)],
  ["map", (value, args, tools) => mapped(value, args, tools)],
  ["select", (value, args, tools) => selected(value, args, tools, false, true)],
  ["reject", (value, args, tools) => selected(value, args, tools, false, false)],
  ["selectattr", (value, args, tools) => selected(value, args, tools, true, true)],
  ["rejectattr", (value, args, tools) => selected(value, args, tools, true, false)],
  ["groupby", (value, args) => grouped(value, args)],
  ["batch", (value, args) => batches(value, args)],
  ["slice", (value, args) => slices(value, args)],
];

const noElement = (which: string) => new Undefined(`No ${which} item, sequence was empty.`);

function reversed(value: Value): Value {
  return typeof value === "string" ? Array.from(value).reverse().join("") : new List([...iterate(value)].reverse());
}

function joined(value: Value, args: Arguments): string {
  const attribute = args.get(1, "attribute") ?? null;
  const items = iterate(value).map((item) => (attribute === null ? item : attributeAt(item, attribute)));
  return items.map(textOf).join(textOf(args.get(0, "d") ?? ""));
}

function itemsOf(value: Value): List {
  if (value instanceof Undefined) return new List([]);
  if (!(value instanceof Dict)) throw new TemplateError("Can only get item pairs from a mapping.");
  return new List([...value.entries].map((entry) => new List(entry, true)));
}

/** `item.a.0.b`: a path of members and indices. */
function attributeAt(value: Value, path: Value): Value {
  let whole = value;
  for (const step of typeof path === "string" ? path.split(".") : [path]) {
    const key = typeof step === "string" && /^\d+$/.test(step) ? Number(step) : step;
    const isNamed = typeof key === "string";
    const attribute = isNamed && whole instanceof Special ? whole.attribute(key) : undefined;
    const method = isNamed ? (attribute ?? methodOf(whole, key)) : undefined;
    whole = orElse(itemOf(whole, key), orElse(method, missing(whole, textOf(key))));
  }
  return whole;
}

/** Compared without the difference between small and capital letters, unless the template asks for it. */
function comparable(value: Value, isCaseSensitive: boolean): Value {
  return typeof value === "string" && !isCaseSensitive ? value.toLowerCase() : value;
}

function sorted(value: Value, args: Arguments): readonly Value[] {
  const isReversed = isTrue(args.get(0, "reverse") ?? false);
  const isCaseSensitive = isTrue(args.get(1, "case_sensitive") ?? false);
  const attribute = args.get(2, "attribute") ?? null;
  const paths = typeof attribute === "string" ? attribute.split(",") : attribute === null ? [] : [attribute];
  const keyed = iterate(value).map((item) => {
    const keys = paths.length === 0 ? [item] : paths.map((path) => attributeAt(item, path));
    return { item, key: new List(keys.map((key) => comparable(key, isCaseSensitive))) };
  });
  keyed.sort((a, b) => (isReversed ? compare(b.key, a.key) : compare(a.key, b.key)));
  return keyed.map(({ item }) => item);
}

function sortedItems(value: Value, args: Arguments): List {
  const isCaseSensitive = isTrue(args.get(0, "case_sensitive") ?? false);
  const by = args.get(1, "by") ?? "key";
  if (by !== "key" && by !== "value") throw new TemplateError("You can only sort by either 'key' or 'value'");
  const isReversed = isTrue(args.get(2, "reverse") ?? false);
  const keyed = itemsOf(value).items.map((item) => {
    const key = orElse(itemOf(item, by === "key" ? 0 : 1), null);
    return { item, key: comparable(key, isCaseSensitive) };
  });
  keyed.sort((a, b) => (isReversed ? compare(b.key, a.key) : compare(a.key, b.key)));
  return new List(keyed.map(({ item }) => item));
}

function keyed(value: Value, args: Arguments): readonly { readonly item: Value; readonly key: Value }[] {
  const isCaseSensitive = isTrue(args.get(0, "case_sensitive") ?? false);
  const attribute = args.get(1, "attribute") ?? null;
  return iterate(value).map((item) => {
    const key = attribute === null ? item : attributeAt(item, attribute);
    return { item, key: comparable(key, isCaseSensitive) };
  });
}

function unique(value: Value, args: Arguments, tools: FilterTools): List {
  const seen: Value[] = [];
  const kept = keyed(value, args).filter(({ key }) => {
    tools.spend(seen.length);
    const isNew = !seen.some((other) => equals(other, key));
    if (isNew) seen.push(key);
    return isNew;
  });
  return new List(kept.map(({ item }) => item));
}

function extreme(value: Value, args: Arguments, sign: number): Value {
  const [first, ...others] = keyed(value, args);
  if (first === undefined) return new Undefined("No aggregated item, sequence was empty.");
  return others.reduce((best, next) => (compare(next.key, best.key) * sign > 0 ? next : best), first).item;
}

function sum(value: Value, args: Arguments): Value {
  const attribute = args.get(0, "attribute") ?? null;
  const items = iterate(value).map((item) => (attribute === null ? item : attributeAt(item, attribute)));
  const all = [args.get(1, "start") ?? 0, ...items];
  const numbers = all.map((item) => {
    const number = numberOf(item);
    if (number === undefined) throw new TemplateError(`unsupported operand type for +: ${reprOf(item)}`);
    return number;
  });
  const total = numbers.reduce((left, right) => left + right, 0);
  return all.some((item) => item instanceof Float) ? new Float(total) : total;
}

function mapped(value: Value, args: Arguments, tools: FilterTools): List {
  const [first, ...others] = args.positional;
  const attribute = args.named.get("attribute");
  if (!isTrue(value)) return new List([]);
  if (first === undefined && attribute !== undefined) {
    const preset = args.named.get("default");
    return new List(
      iterate(value).map((item) => {
        const found = attributeAt(item, attribute);
        return found instanceof Undefined && preset !== undefined ? preset : found;
      }),
    );
  }
  if (typeof first !== "string") throw new TemplateError("map requires a filter argument");
  const rest = new Arguments(others, args.named);
  return new List(iterate(value).map((item) => tools.filter(first, item, rest)));
}

function selected(value: Value, args: Arguments, tools: FilterTools, byAttribute: boolean, isKept: boolean): List {
  if (!isTrue(value)) return new List([]);
  const [attribute = null] = args.positional;
  const [test, ...others] = byAttribute ? args.positional.slice(1) : args.positional;
  const rest = new Arguments(others, args.named);
  const holds = (item: Value) => {
    const tested = byAttribute ? attributeAt(item, attribute) : item;
    return test === undefined ? isTrue(tested) : tools.test(textOf(test), tested, rest);
  };
  return new List(iterate(value).filter((item) => holds(item) === isKept));
}

function grouped(value: Value, args: Arguments): List {
  const attribute = args.required(0, "attribute");
  const isCaseSensitive = isTrue(args.get(2, "case_sensitive") ?? false);
  const preset = args.get(1, "default");
  const keyed = iterate(value).map((item) => {
    const found = attributeAt(item, attribute);
    const key = found instanceof Undefined && preset !== undefined ? preset : found;
    return { item, key, compared: comparable(key, isCaseSensitive) };
  });
  keyed.sort((a, b) => compare(a.compared, b.compared));
  const groups: { key: Value; compared: Value; items: Value[] }[] = [];
  for (const { item, key, compared } of keyed) {
    const last = groups.at(-1);
    if (last !== undefined && equals(last.compared, compared)) last.items.push(item);
    else groups.push({ key, compared, items: [item] });
  }
  return new List(groups.map(({ key, items }) => new Group(key, new List(items))));
}

/** What `groupby` gives: a pair whose members have names. */
class Group extends Special {
  protected readonly typeName = "_GroupTuple";

  constructor(
    private readonly grouper: Value,
    private readonly list: List,
  ) {
    super();
  }

  override attribute(name: string): Value | undefined {
    return name === "grouper" ? this.grouper : name === "list" ? this.list : undefined;
  }

  override item(key: Value): Value | undefined {
    return typeof key === "number" ? this.iterate()[key] : undefined;
  }

  override iterate(): readonly Value[] {
    return [this.grouper, this.list];
  }

  override text(): string {
    return reprOf(new List(this.iterate(), true));
  }
}

function count(args: Arguments, name: string): number {
  const number = args.required(0, name);
  if (typeof number !== "number" || number <= 0) throw new TemplateError(`${name} must be a positive integer`);
  if (number > longestRange) throw new TemplateError(`${name} is too big. The maximum is ${longestRange}.`);
  return number;
}

function batches(value: Value, args: Arguments): List {
  const size = count(args, "linecount");
  const fill = args.get(1, "fill_with") ?? null;
  const items = iterate(value);
  const found: Value[] = [];
  for (let from = 0; from < items.length; from += size) {
    const batch = items.slice(from, from + size);
    found.push(new List(fill === null ? batch : padded(batch, size, fill)));
  }
  return new List(found);
}

function padded(items: readonly Value[], size: number, fill: Value): readonly Value[] {
  return Array.from({ length: size }, (_, index) => orElse(items[index], fill));
}

function slices(value: Value, args: Arguments): List {
  const number = count(args, "slices");
  const fill = args.get(1, "fill_with") ?? null;
  const items = iterate(value);
  const [each, larger] = [Math.floor(items.length / number), items.length % number];
  const found = Array.from({ length: number }, (_, index) => {
    const from = index * each + Math.min(index, larger);
    const slice = items.slice(from, from + each + (index < larger ? 1 : 0));
    return new List(fill !== null && larger > 0 && index >= larger ? [...slice, fill] : slice);
  });
  return new List(found);
}
