import { TemplateError } from "./errors";
import { keyOf, textOf, typeName } from "./operations";
import { Dict, List, Special, Undefined, type Value } from "./values";

/** `value[key]` without the fallback to an attribute. `undefined`: there is none. */
export function itemOf(value: Value, key: Value): Value | undefined {
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  if (value instanceof Dict) return value.entries.get(keyOf(key));
  if (value instanceof Special) return value.item(key);
  if (typeof key !== "number") return undefined;
  if (typeof value === "string") return Array.from(value).at(key);
  return value instanceof List ? value.items.at(key) : undefined;
}

/** `value[key]`, or what a template gets when there is none. */
export function member(value: Value, key: Value): Value {
  const found = itemOf(value, key);
  return found === undefined ? missing(value, textOf(key)) : found;
}

export function missing(value: Value, name: string): Undefined {
  return new Undefined(`'${typeName(value)} object' has no attribute '${name}'`);
}

/** `value[start:stop:step]` */
export function sliceOf(value: Value, start: Value, stop: Value, step: Value): Value {
  if (value instanceof Special) return value.slice(start, stop, step);
  if (typeof value === "string") return sliced(Array.from(value), start, stop, step).join("");
  if (value instanceof List) return new List(sliced(value.items, start, stop, step), value.isTuple);
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  return missing(value, "slice");
}

function sliced<T>(items: readonly T[], start: Value, stop: Value, step: Value): T[] {
  const by = bound(step) ?? 1;
  if (by === 0) throw new TemplateError("slice step cannot be zero");
  const lowest = by > 0 ? 0 : -1;
  const highest = by > 0 ? items.length : items.length - 1;
  const at = (value: Value, preset: number) => {
    const index = bound(value);
    if (index === undefined) return preset;
    return Math.min(Math.max(index < 0 ? index + items.length : index, lowest), highest);
  };
  const [from, to] = by > 0 ? [at(start, lowest), at(stop, highest)] : [at(start, highest), at(stop, lowest)];
  const found: T[] = [];
  for (let index = from; by > 0 ? index < to : index > to; index += by) {
    const item = items[index];
    if (item !== undefined) found.push(item);
  }
  return found;
}

function bound(value: Value): number | undefined {
  if (value === null) return undefined;
  if (typeof value === "number") return value;
  throw new TemplateError("slice indices must be integers or None");
}
