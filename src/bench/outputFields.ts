/** Readers of a script's JSON output. Each throws a plain Error that says what is wrong. */

export type Fields = Readonly<Record<string, unknown>>;

export function record(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error("the output is not what was expected");
}

export function list(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (Array.isArray(value)) return value;
  throw new Error(`the output's "${name}" is not a list`);
}

export function string(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === "string") return value;
  throw new Error(`the output's "${name}" is not a text`);
}

export function number(value: unknown): number {
  if (typeof value === "number") return value;
  throw new Error("the output has something else where a number belongs");
}
