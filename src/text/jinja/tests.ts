import { TemplateError } from "./errors";
import { compare, contains, equals, isIterable, numberOf, textOf, typeName } from "./operations";
import { type Arguments, Callable, Dict, Float, List, Special, Undefined, type Value } from "./values";

export type Test = (value: Value, args: Arguments) => boolean;

const other = (args: Arguments) => args.required(0, "other");
const comparing = (operator: string, holds: (order: number) => boolean): Test => {
  return (value, args) => holds(compare(value, other(args), operator));
};
const equal: Test = (value, args) => equals(value, other(args));
const unequal: Test = (value, args) => !equals(value, other(args));
const remainder = (value: Value, by: number) => {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`unsupported operand type for %: '${typeName(value)}'`);
  return number - by * Math.floor(number / by);
};

/** Jinja's tests, without those of filters and tests themselves. */
export const tests: ReadonlyMap<string, Test> = new Map<string, Test>([
  ["defined", (value) => !(value instanceof Undefined)],
  ["undefined", (value) => value instanceof Undefined],
  ["none", (value) => value === null],
  ["boolean", (value) => typeof value === "boolean"],
  ["true", (value) => value === true],
  ["false", (value) => value === false],
  ["integer", (value) => typeof value === "number"],
  ["float", (value) => value instanceof Float],
  ["number", (value) => numberOf(value) !== undefined],
  ["string", (value) => typeof value === "string"],
  ["mapping", (value) => value instanceof Dict],
  ["iterable", isIterable],
  ["sequence", (value) => isIterable(value)],
  ["callable", (value) => value instanceof Callable],
  ["odd", (value) => remainder(value, 2) === 1],
  ["even", (value) => remainder(value, 2) === 0],
  ["divisibleby", (value, args) => remainder(value, numberOf(args.required(0, "num")) ?? Number.NaN) === 0],
  ["lower", (value) => isCased(value, (text) => text.toLowerCase())],
  ["upper", (value) => isCased(value, (text) => text.toUpperCase())],
  ["sameas", (value, args) => isSame(value, other(args))],
  ["in", (value, args) => contains(args.required(0, "seq"), value)],
  ["escaped", () => false],
  ["eq", equal],
  ["equalto", equal],
  ["==", equal],
  ["ne", unequal],
  ["!=", unequal],
  ["lt", comparing("<", (order) => order < 0)],
  ["lessthan", comparing("<", (order) => order < 0)],
  ["<", comparing("<", (order) => order < 0)],
  ["le", comparing("<=", (order) => order <= 0)],
  ["<=", comparing("<=", (order) => order <= 0)],
  ["gt", comparing(">", (order) => order > 0)],
  ["greaterthan", comparing(">", (order) => order > 0)],
  [">", comparing(">", (order) => order > 0)],
  ["ge", comparing(">=", (order) => order >= 0)],
  [">=", comparing(">=", (order) => order >= 0)],
]);

/** `str.isupper` and `str.islower`: it has letters, and all of them are. */
function isCased(value: Value, change: (text: string) => string): boolean {
  const text = textOf(value);
  return text === change(text) && text.toLowerCase() !== text.toUpperCase();
}

/** Python's `is`, as far as plain data have an identity. */
function isSame(value: Value, other: Value): boolean {
  if (value instanceof Special) value.willCompare();
  if (value instanceof List && other instanceof List) return value.items === other.items;
  return value === other;
}
