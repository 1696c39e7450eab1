import { isList, isObject } from "./schemaKeywords";

/** A name as a step of a JSON pointer (RFC 6901). */
export function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** What a reference within its own document leads to; `undefined`: nothing, or it leads to another document. */
export function resolvePointer(
  root: unknown,
  ref: string,
): { readonly pointer: string; readonly schema: unknown } | undefined {
  if (ref === "#" || ref === "#/") return { pointer: "", schema: root };
  if (!ref.startsWith("#/")) return undefined;
  const steps = ref.slice(2).split("/").map(unescaped);
  let schema = root;
  for (const step of steps) {
    if (isObject(schema) && Object.hasOwn(schema, step)) schema = schema[step];
    else if (isList(schema) && /^\d{1,6}$/.test(step)) schema = schema[Number(step)];
    else return undefined;
  }
  if (schema === undefined) return undefined;
  return { pointer: `/${steps.map(escapePointer).join("/")}`, schema };
}

function unescaped(step: string): string {
  const text = (() => {
    try {
      return decodeURIComponent(step);
    } catch {
      return step;
    }
  })();
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}
