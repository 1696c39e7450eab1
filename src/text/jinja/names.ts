import type { Block } from "./nodes";

/** What a template's source mentions. */
export interface TemplateNames {
  /** Names that it reads. */
  readonly read: ReadonlySet<string>;
  /** Names that it assigns. */
  readonly assigned: ReadonlySet<string>;
  /** Names that it handles when they are undefined: by a test or a default. */
  readonly optional: ReadonlySet<string>;
  /** Members that it reads of any object, and its texts. */
  readonly members: ReadonlySet<string>;
  readonly texts: ReadonlySet<string>;
}

/** Looks at the whole tree, whatever is run of it. */
export function namesIn(body: Block): TemplateNames {
  const names = { read: new Set<string>(), assigned: new Set<string>(), optional: new Set<string>() };
  const members = new Set<string>();
  const texts = new Set<string>();
  const nameOf = (node: unknown) => (has(node, "kind", "name") && has(node, "name") ? String(node.name) : undefined);
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const part of node) visit(part);
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    const name = nameOf(node);
    if (name !== undefined) names.read.add(name);
    if (has(node, "kind", "attribute") && has(node, "name")) members.add(String(node.name));
    if (has(node, "kind", "constant") && has(node, "value") && typeof node.value === "string") texts.add(node.value);
    if (has(node, "kind", "text") && has(node, "text")) texts.add(String(node.text));
    const handled = has(node, "test") ? node.test : has(node, "filter") ? node.filter : undefined;
    const operand = has(node, "operand") ? nameOf(node.operand) : undefined;
    const isHandled = has(handled, "name") && ["defined", "undefined", "default", "d"].includes(String(handled.name));
    if (operand !== undefined && isHandled) names.optional.add(operand);
    for (const [key, part] of Object.entries(node)) {
      if (key === "target") visitTarget(part);
      else visit(part);
    }
  };
  const visitTarget = (target: unknown): void => {
    const name = nameOf(target);
    if (name !== undefined) names.assigned.add(name);
    if (has(target, "items") && Array.isArray(target.items)) for (const item of target.items) visitTarget(item);
  };
  visit(body);
  return { ...names, members, texts };
}

function has<K extends string>(node: unknown, key: K, value?: unknown): node is Record<K, unknown> {
  if (typeof node !== "object" || node === null || !(key in node)) return false;
  return value === undefined || Reflect.get(node, key) === value;
}
