/** How full the model's context is, and of what. */
import type { Formats } from "../../common/format";
import type { ChatSnapshot } from "../../protocol/chat";
import type { ContextParts } from "../../protocol/chatFiles";
import { barPart } from "../shared/bars";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { contextUse } from "./derived";

const names: readonly (readonly [keyof ContextParts, string])[] = [
  ["instructions", "instructions"],
  ["files", "pinned files"],
  ["conversation", "conversation"],
];

/** The conversation is what is left of `used`: it grows while an answer runs. */
export function shownParts(parts: ContextParts | undefined, used: number): ContextParts | undefined {
  if (parts === undefined || parts.instructions + parts.files === 0) return undefined;
  const { instructions, files } = parts;
  return { instructions, files, conversation: Math.max(0, used - instructions - files) };
}

export function contextMeter(snapshot: ChatSnapshot, formats: Formats): TreeNode | undefined {
  const { used, total, level } = contextUse(snapshot);
  if (total === 0) return undefined;
  const parts = shownParts(snapshot.contextParts, used);
  const words = `${formats.count(used)} of ${formats.count(total)} tokens`;
  const told = parts === undefined ? "" : `: ${partWords(parts, formats)}`;
  const left = Math.max(0, total - used);
  return h(
    "div.ctx.num",
    {
      role: "meter",
      "aria-label": "Context used",
      "aria-valuemin": 0,
      "aria-valuemax": total,
      "aria-valuenow": Math.min(used, total),
      "aria-valuetext": words + told,
      title: `The conversation has ${words} that the model's context holds${told}`,
      class: level === "open" ? undefined : "near",
    },
    h("span.bar", {}, parts === undefined ? barPart(used / total) : barParts(parts, total)),
    level === "open"
      ? h("span", {}, formats.count(used), " ", h("span.dim", {}, `of ${formats.count(total)}`))
      : h("span", {}, icon("warning", "warn"), level === "full" ? " context full" : ` ${formats.count(left)} left`),
  );
}

function barParts(parts: ContextParts, total: number): Children {
  return names.map(([name]) => parts[name] > 0 && barPart(parts[name] / total, { class: `of-${name}` }));
}

/** "312 instructions, 2,841 pinned files, 1,204 conversation" */
function partWords(parts: ContextParts, formats: Formats): string {
  return names.map(([name, word]) => `${formats.count(parts[name])} ${word}`).join(", ");
}
