import { repeated } from "./budget";
import { TemplateError } from "./errors";
import { member } from "./members";
import { numberOf, reprOf, textOf, typeName } from "./operations";
import { type Arguments, Dict, Float, List, type Value } from "./values";

interface Spec {
  readonly fill: string;
  readonly align: string | undefined;
  readonly sign: string;
  readonly width: number;
  readonly groups: string;
  readonly precision: number | undefined;
  readonly type: string;
}

const specPattern = /^(?:([\s\S])?([<>=^]))?([-+ ]?)(#?)(0?)(\d*)([,_]?)(?:\.(\d+))?([a-zA-Z%]?)$/u;

/** `str.format`. */
export function formatText(text: string, args: Arguments): string {
  let next = 0;
  return text.replace(
    /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::([^{}]*))?\}|[{}]/g,
    (whole, field: string | undefined, conversion: string | undefined, spec: string | undefined) => {
      if (whole === "{{" || whole === "}}") return whole.charAt(0);
      if (field === undefined) throw new TemplateError("Single '{' or '}' encountered in format string");
      const [, name = "", path = ""] = /^([^.[]*)(.*)$/s.exec(field) ?? [];
      const value = follow(fieldValue(args, name === "" ? String(next++) : name), path);
      return formatValue(conversion === undefined ? value : conversion === "s" ? textOf(value) : reprOf(value), spec);
    },
  );
}

function fieldValue(args: Arguments, name: string): Value {
  const value = /^\d+$/.test(name) ? args.positional[Number(name)] : args.named.get(name);
  if (value === undefined) throw new TemplateError(`format: there is no argument ${name}`);
  return value;
}

function follow(value: Value, path: string): Value {
  let whole = value;
  for (const [, name, key] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    const step = name ?? key ?? "";
    whole = member(whole, /^\d+$/.test(step) ? Number(step) : step);
  }
  return whole;
}

/** `format(value, spec)`. */
function formatValue(value: Value, spec = ""): string {
  if (spec === "") return textOf(value);
  const match = specPattern.exec(spec);
  if (match === null) throw new TemplateError(`Invalid format specifier '${spec}'`);
  const [, fill, align, sign = "", , zero, width, groups = "", precision, type = ""] = match;
  return padded(value, {
    fill: fill ?? (zero === "0" ? "0" : " "),
    align: align ?? (zero === "0" ? "=" : undefined),
    sign,
    width: Number(width),
    groups,
    precision: precision === undefined ? undefined : Number(precision),
    type,
  });
}

function padded(value: Value, spec: Spec): string {
  const isText = typeof value === "string";
  const body = isText ? Array.from(value).slice(0, spec.precision).join("") : numberText(value, spec);
  const missing = Math.max(0, spec.width - Array.from(body).length);
  const align = spec.align ?? (isText ? "<" : ">");
  const [, sign = "", digits = body] = /^([-+ ]?)(.*)$/s.exec(body) ?? [];
  if (align === "=") return sign + repeated(spec.fill, missing) + digits;
  const left = align === "<" ? 0 : align === ">" ? missing : Math.floor(missing / 2);
  return repeated(spec.fill, left) + body + repeated(spec.fill, missing - left);
}

function numberText(value: Value, { sign, groups, precision, type }: Spec): string {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`unsupported format string passed to ${typeName(value)}`);
  const digits = digitsOf(Math.abs(number), value instanceof Float, precision, type);
  const grouped = groups === "" ? digits : digits.replace(/\d(?=(\d{3})+(?!\d))(?<!\.\d*)/g, `$&${groups}`);
  return (number < 0 ? "-" : sign === "-" ? "" : sign) + grouped;
}

function digitsOf(number: number, isFloat: boolean, precision: number | undefined, type: string): string {
  switch (type) {
    case "":
      return isFloat && precision === undefined
        ? textOf(new Float(number))
        : digitsOf(number, isFloat, precision, isFloat ? "g" : "d");
    case "d":
    case "i":
    case "n":
      return String(Math.trunc(number));
    case "f":
    case "F":
      return fixed(number, precision ?? 6);
    case "%":
      return `${fixed(number * 100, precision ?? 6)}%`;
    case "e":
      return number.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
    case "g":
      return String(Number(number.toPrecision(precision === 0 ? 1 : (precision ?? 6))));
    case "x":
      return number.toString(16);
    case "X":
      return number.toString(16).toUpperCase();
    case "o":
      return number.toString(8);
    case "b":
      return number.toString(2);
    default:
      throw new TemplateError(`Unknown format code '${type}'`);
  }
}

/** Python rounds a tie to the even digit, JavaScript away from zero. */
function fixed(number: number, precision: number): string {
  const rounded = number.toFixed(precision);
  const exact = number.toFixed(Math.min(100, precision + 30));
  const cut = exact.slice(0, rounded.length);
  const isTie = /^\.?50*$/.test(exact.slice(cut.length));
  return isTie && /[02468]\.?$/.test(cut) ? cut.replace(/\.$/, "") : rounded;
}

/** `text % values`. */
export function formatPercent(text: string, values: Value): string {
  const list = values instanceof List && values.isTuple ? values.items : [values];
  let next = 0;
  const formatted = text.replace(
    /%(?:\(([^)]*)\))?([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_whole, name: string | undefined, flags: string, width: string, precision: string | undefined, type: string) => {
      if (type === "%") return "%";
      const value = name === undefined ? list[next++] : values instanceof Dict ? values.entries.get(name) : undefined;
      if (value === undefined) throw new TemplateError("not enough arguments for format string");
      const isNumber = !"sra".includes(type);
      if (isNumber && numberOf(value) === undefined) throw new TemplateError(`%${type} format: a number is required`);
      return padded(isNumber ? value : type === "s" ? textOf(value) : reprOf(value), {
        fill: flags.includes("0") && isNumber && !flags.includes("-") ? "0" : " ",
        align: flags.includes("-") ? "<" : flags.includes("0") && isNumber ? "=" : ">",
        sign: flags.includes("+") ? "+" : flags.includes(" ") ? " " : "",
        width: Number(width),
        groups: "",
        precision: precision === undefined ? undefined : Number(precision),
        type: isNumber ? type : "",
      });
    },
  );
  if (next < list.length && next > 0 && values instanceof List) {
    throw new TemplateError("not all arguments converted during string formatting");
  }
  return formatted;
}
