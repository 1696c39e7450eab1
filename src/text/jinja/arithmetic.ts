import { repeated } from "./budget";
import { TemplateError } from "./errors";
import { formatPercent } from "./formatting";
import { compare, contains, equals, numberOf, unsupported } from "./operations";
import { Float, List, Undefined, type Value } from "./values";

/** A comparison of Python's, without the chain that it may stand in. */
export function compareBy(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case "==":
      return equals(left, right);
    case "!=":
      return !equals(left, right);
    case "in":
      return contains(right, left);
    case "not in":
      return !contains(right, left);
    case "<":
      return compare(left, right, operator) < 0;
    case "<=":
      return compare(left, right, operator) <= 0;
    case ">":
      return compare(left, right, operator) > 0;
    default:
      return compare(left, right, operator) >= 0;
  }
}

export function calculate(operator: string, left: Value, right: Value): Value {
  if (left instanceof Undefined || right instanceof Undefined) throw unsupported(operator, left, right);
  if (operator === "+") {
    if (typeof left === "string" && typeof right === "string") return left + right;
    if (left instanceof List && right instanceof List && left.isTuple === right.isTuple) {
      return new List([...left.items, ...right.items], left.isTuple);
    }
  }
  if (operator === "%" && typeof left === "string") return formatPercent(left, right);
  if (operator === "*") {
    const repeated = repeat(left, right) ?? repeat(right, left);
    if (repeated !== undefined) return repeated;
  }
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a === undefined || b === undefined) throw unsupported(operator, left, right);
  return ofNumbers(operator, a, b, left instanceof Float || right instanceof Float);
}

const mostRepeated = 1_000_000;

function repeat(value: Value, times: Value): Value | undefined {
  if (typeof times !== "number") return undefined;
  const count = Math.max(0, times);
  if (typeof value === "string") return repeated(value, count);
  if (!(value instanceof List)) return undefined;
  if (value.size * count > mostRepeated) throw new TemplateError("it makes a list that is too long");
  return new List(Array.from({ length: count }, () => value.items).flat(), value.isTuple);
}

function ofNumbers(operator: string, a: number, b: number, isFloat: boolean): Value {
  const isDivision = operator === "/" || operator === "//" || operator === "%";
  if (isDivision && b === 0) throw new TemplateError("division by zero");
  const result = numberResult(operator, a, b);
  return isFloat || operator === "/" || (operator === "**" && b < 0) ? new Float(result) : result;
}

function numberResult(operator: string, a: number, b: number): number {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return a - b * Math.floor(a / b);
    default:
      return a ** b;
  }
}
