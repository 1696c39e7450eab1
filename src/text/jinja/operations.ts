import { TemplateError } from "./errors";
import { compareText, floatText, quoted } from "./pythonText";
import { Callable, Dict, Float, type Key, List, Special, Undefined, type Value } from "./values";

export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (typeof value === "string") return "str";
  if (value instanceof Float) return "float";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof List) return value.isTuple ? "tuple" : "list";
  if (value instanceof Dict) return "dict";
  return value instanceof Callable ? "function" : "object";
}

export function isTrue(value: Value): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Undefined) return false;
  if (value instanceof List) return value.items.length > 0;
  if (value instanceof Dict) return value.entries.size > 0;
  if (value instanceof Special) return value.isTrue();
  return value instanceof Callable || Boolean(value);
}

/** `str(value)`. */
export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  return value instanceof Undefined ? "" : reprOf(value);
}

/** `repr(value)`. */
export function reprOf(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Special) return value.text();
  if (value instanceof Callable) return `<function ${value.name}>`;
  if (value instanceof Dict) {
    return `{${[...value.entries].map(([key, item]) => `${reprOf(key)}: ${reprOf(item)}`).join(", ")}}`;
  }
  const items = value.items.map(reprOf).join(", ");
  if (!value.isTuple) return `[${items}]`;
  return value.items.length === 1 ? `(${items},)` : `(${items})`;
}

/** The number that a value is in arithmetic. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

export function equals(left: Value, right: Value): boolean {
  if (left instanceof Special) left.willCompare();
  if (right instanceof Special) right.willCompare();
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined || b !== undefined) return a === b;
  if (left instanceof List && right instanceof List) {
    const others = right.items;
    return (
      left.isTuple === right.isTuple &&
      left.items.length === others.length &&
      left.items.every((item, index) => equals(item, others[index] ?? null))
    );
  }
  if (left instanceof Dict && right instanceof Dict) {
    if (left.entries.size !== right.entries.size) return false;
    return [...left.entries].every(([key, item]) => {
      const other = right.entries.get(key);
      return other !== undefined && equals(item, other);
    });
  }
  return left === right || (left instanceof Undefined && right instanceof Undefined);
}

/** Negative, 0 or positive; throws where Python does. */
export function compare(left: Value, right: Value, operator = "<"): number {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) return a - b;
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  if (left instanceof List && right instanceof List && left.isTuple === right.isTuple) {
    for (const [index, item] of left.items.entries()) {
      const other = right.items[index];
      if (other === undefined) return 1;
      if (!equals(item, other)) return compare(item, other, operator);
    }
    return left.items.length - right.items.length;
  }
  throw unsupported(operator, left, right);
}

export function contains(container: Value, item: Value): boolean {
  if (typeof container === "string") {
    if (typeof item !== "string") throw new TemplateError(`'in <string>' requires string, not ${typeName(item)}`);
    return container.includes(item);
  }
  if (container instanceof Dict) return container.entries.has(keyOf(item));
  return iterate(container).some((other) => equals(item, other));
}

/** The elements of a value in order; a text's are its characters, a dict's its keys. */
export function iterate(value: Value): readonly Value[] {
  if (value instanceof List) return value.items;
  if (typeof value === "string") return Array.from(value);
  if (value instanceof Dict) return [...value.entries.keys()];
  if (value instanceof Undefined) return [];
  const items = value instanceof Special ? value.iterate() : undefined;
  if (items === undefined) throw new TemplateError(`'${typeName(value)}' object is not iterable`);
  return items;
}

export function isIterable(value: Value): boolean {
  if (value instanceof Special) return value.iterate() !== undefined;
  return typeof value === "string" || value instanceof List || value instanceof Dict || value instanceof Undefined;
}

export function lengthOf(value: Value): number {
  if (value instanceof Dict) return value.entries.size;
  if (!isIterable(value)) throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
  return iterate(value).length;
}

/** A value as the key of a dict: 1, 1.0 and True are the same one. */
export function keyOf(value: Value): Key {
  const number = numberOf(value);
  if (number !== undefined) return number;
  if (value === null || typeof value === "string") return value;
  throw new TemplateError(`unhashable type: '${typeName(value)}'`);
}

export function unsupported(operator: string, left: Value, right: Value): TemplateError {
  for (const value of [left, right]) if (value instanceof Undefined) return new TemplateError(value.reason);
  const types = `'${typeName(left)}' and '${typeName(right)}'`;
  return new TemplateError(`${operator} is not supported between ${types}`);
}
