import type { ToolSpec, Unconstrained } from "../../common/tools";
import { shapeOf } from "./schemaReader";
import { anyObject, type ObjectShape, type Shape, type ShapedSchema } from "./schemaShape";

/** A tool with what its arguments may be: one of these objects. */
export interface ShapedTool {
  readonly tool: ToolSpec;
  readonly objects: readonly ObjectShape[];
  readonly schema: ShapedSchema;
  /** Told of what the format cannot write. */
  readonly say: (what: string) => void;
}

const noArguments = { type: "object", properties: {} };

/** `isLoose`: arguments may be any object. */
export function shapedTool(tool: ToolSpec, isLoose: boolean, say: (one: Unconstrained) => void): ShapedTool {
  const sayOf = (path: string, what: string) => say({ tool: tool.name, path, what });
  const schema = shapeOf(isLoose ? { type: "object" } : (tool.parameters ?? noArguments));
  if (isLoose) sayOf("", "arguments: the tools are too large for a grammar");
  else for (const { path, what } of schema.loosened) sayOf(path, what);
  return { tool, objects: objectsOf(schema, sayOf), schema, say: (what) => sayOf("", what) };
}

/** The objects among what a schema allows. Where it allows none, any object will do. */
function objectsOf(schema: ShapedSchema, say: (path: string, what: string) => void): readonly ObjectShape[] {
  const objects: ObjectShape[] = [];
  const seen = new Set<string>();
  const visit = (shape: Shape): boolean => {
    switch (shape.kind) {
      case "object":
        objects.push(shape);
        return true;
      case "any":
        objects.push(anyObject);
        return true;
      case "union":
        return shape.of.map(visit).some((isThere) => isThere);
      case "definition": {
        const of = schema.definitions.get(shape.name);
        if (of === undefined || seen.has(shape.name)) return false;
        seen.add(shape.name);
        return visit(of);
      }
      default:
        return false;
    }
  };
  if (!visit(schema.shape)) {
    say("", "that no object fits it");
    return [anyObject];
  }
  return objects;
}
