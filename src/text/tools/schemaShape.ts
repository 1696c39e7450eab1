/** What a JSON schema allows, as far as a grammar can follow it: plain data without references to the schema. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonMap;
export interface JsonMap {
  readonly [key: string]: JsonValue;
}

export type Shape =
  | { readonly kind: "any" }
  /** Nothing fits. Only inside of other shapes while they are read. */
  | { readonly kind: "never" }
  | { readonly kind: "null" }
  | { readonly kind: "boolean" }
  | StringShape
  | NumberShape
  | { readonly kind: "constants"; readonly values: readonly JsonValue[] }
  | ArrayShape
  | ObjectShape
  | { readonly kind: "union"; readonly of: readonly Shape[] }
  /** A definition of the schema: `ShapedSchema.definitions`. May lead back to itself. */
  | { readonly kind: "definition"; readonly name: string };

export interface StringShape {
  readonly kind: "string";
  /** In code points. */
  readonly least: number;
  readonly most?: number;
}

export interface NumberShape {
  readonly kind: "number";
  readonly isInteger: boolean;
  readonly least?: number;
  readonly most?: number;
  /** The bounds themselves do not fit. Only where `isInteger` is false. */
  readonly isAbove?: boolean;
  readonly isBelow?: boolean;
}

export interface ArrayShape {
  readonly kind: "array";
  readonly first: readonly Shape[];
  /** Of the items behind `first`. Absent: there are none. */
  readonly rest?: Shape;
  readonly least: number;
  readonly most?: number;
}

export interface Property {
  readonly name: string;
  readonly shape: Shape;
  readonly isRequired: boolean;
}

export interface ObjectShape {
  readonly kind: "object";
  /** Required ones first, both in the order of the schema. */
  readonly properties: readonly Property[];
  /** Of properties with other names. Absent: there are none. */
  readonly rest?: Shape;
}

/** Something that a schema says and its shape does not: `path` is a JSON pointer into the schema. */
export interface Loosened {
  readonly path: string;
  readonly what: string;
}

export interface ShapedSchema {
  readonly shape: Shape;
  readonly definitions: ReadonlyMap<string, Shape>;
  readonly loosened: readonly Loosened[];
}

export const anything: Shape = { kind: "any" };
export const never: Shape = { kind: "never" };

export const anyObject: ObjectShape = { kind: "object", properties: [], rest: anything };

/** One of several. Those that nothing fits fall away. */
export function unionOf(shapes: readonly Shape[]): Shape {
  const flat = shapes
    .flatMap((shape) => (shape.kind === "union" ? shape.of : [shape]))
    .filter(({ kind }) => kind !== "never");
  const [only] = flat;
  if (only === undefined) return never;
  if (flat.length === 1) return only;
  return flat.some(({ kind }) => kind === "any") ? anything : { kind: "union", of: flat };
}
