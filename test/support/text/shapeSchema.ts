import type { Shape, ShapedSchema } from "../../../src/text/tools/schemaShape";

/** A shape as a JSON schema of its own, for a validator that is not ours. */
export function schemaOfShape({ shape, definitions }: ShapedSchema): object {
  const $defs = Object.fromEntries(Array.from(definitions, ([name, one]) => [name, schemaOf(one)]));
  return { allOf: [schemaOf(shape)], $defs };
}

function schemaOf(shape: Shape): object | boolean {
  switch (shape.kind) {
    case "any":
      return true;
    case "never":
      return false;
    case "null":
    case "boolean":
      return { type: shape.kind };
    case "string":
      return { type: "string", minLength: shape.least, ...(shape.most === undefined ? {} : { maxLength: shape.most }) };
    case "number":
      return {
        type: shape.isInteger ? "integer" : "number",
        ...(shape.least === undefined ? {} : { [shape.isAbove ? "exclusiveMinimum" : "minimum"]: shape.least }),
        ...(shape.most === undefined ? {} : { [shape.isBelow ? "exclusiveMaximum" : "maximum"]: shape.most }),
      };
    case "constants":
      return { enum: shape.values };
    case "union":
      return { anyOf: shape.of.map(schemaOf) };
    case "definition":
      return { $ref: `#/$defs/${shape.name}` };
    case "array":
      return {
        type: "array",
        ...(shape.first.length === 0 ? {} : { prefixItems: shape.first.map(schemaOf) }),
        items: shape.rest === undefined ? false : schemaOf(shape.rest),
        minItems: shape.least,
        ...(shape.most === undefined ? {} : { maxItems: shape.most }),
      };
    case "object":
      return {
        type: "object",
        properties: Object.fromEntries(shape.properties.map((one) => [one.name, schemaOf(one.shape)])),
        required: shape.properties.filter((one) => one.isRequired).map(({ name }) => name),
        additionalProperties: shape.rest === undefined ? false : schemaOf(shape.rest),
      };
  }
}
