import type { JsonValue, Shape } from "./schemaShape";

/** Whether no value fits two of these shapes, as far as it can be seen: by their types, or by a property that tells them apart. */
export function areDistinct(shapes: readonly Shape[], definitions: ReadonlyMap<string, Shape>): boolean {
  const resolved = shapes.map((shape) => resolve(shape, definitions));
  const types = resolved.map(typesOf);
  const objects: Shape[] = [];
  const seen = new Set<string>();
  for (const [index, of] of types.entries()) {
    if (of === undefined) return false;
    for (const type of of) {
      if (type !== "object" && seen.has(type)) return false;
      seen.add(type);
    }
    const shape = resolved[index];
    if (shape !== undefined && of.includes("object")) objects.push(shape);
  }
  return objects.length < 2 || isToldApart(objects, definitions);
}

function resolve(shape: Shape, definitions: ReadonlyMap<string, Shape>): Shape {
  let at = shape;
  for (let steps = 0; at.kind === "definition" && steps < 16; steps += 1)
    at = definitions.get(at.name) ?? { kind: "any" };
  return at;
}

/** `undefined`: it cannot be seen. */
function typesOf(shape: Shape): readonly string[] | undefined {
  switch (shape.kind) {
    case "any":
    case "definition":
    case "union":
      return undefined;
    case "never":
      return [];
    case "constants":
      return [...new Set(shape.values.map(typeOf))];
    default:
      return [shape.kind];
  }
}

function typeOf(value: JsonValue): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Whether there is a required property whose constants differ in all of them. */
function isToldApart(objects: readonly Shape[], definitions: ReadonlyMap<string, Shape>): boolean {
  const tags = objects.map((shape) => tagsOf(shape, definitions));
  const [first] = tags;
  if (first === undefined) return false;
  return [...first.keys()].some((name) => {
    const all = tags.map((of) => of.get(name));
    if (!all.every((values) => values !== undefined)) return false;
    const values = all.flat();
    return new Set(values).size === values.length;
  });
}

function tagsOf(shape: Shape, definitions: ReadonlyMap<string, Shape>): ReadonlyMap<string, readonly string[]> {
  const tags = new Map<string, readonly string[]>();
  if (shape.kind !== "object") return tags;
  for (const { name, shape: of, isRequired } of shape.properties) {
    const values = resolve(of, definitions);
    if (isRequired && values.kind === "constants")
      tags.set(
        name,
        values.values.map((value) => JSON.stringify(value)),
      );
  }
  return tags;
}
