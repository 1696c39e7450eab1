/** The names under which templates ask whether the model shall think. */
import type { Thinking } from "../common/thinking";
import type { TemplateNames } from "./jinja/names";
import type { JsonObject } from "./json";

const switches = ["enable_thinking", "thinking"];
const effort = "reasoning_effort";
const budget = "thinking_budget";
/** Whether the thinking of earlier answers stays in the prompt; of some the opposite is asked. */
const keepers: JsonObject = {
  preserve_thinking: true,
  preserved_thinking: true,
  keep_past_thinking: true,
  clear_thinking: false,
  drop_thinking: false,
  truncate_history_thinking: false,
};

/** What the template lets its caller choose. */
export function thinkingChoices(names: TemplateNames): readonly Thinking[] {
  const canSwitch = [...switches, effort, budget].some((name) => asks(names, name));
  const canKeep = Object.keys(keepers).some((name) => asks(names, name));
  return [...(canSwitch ? (["on", "off"] as const) : []), ...(canKeep ? (["kept"] as const) : [])];
}

/** The variables that tell the template; only those that it asks for. */
export function thinkingVariables(names: TemplateNames, thinking: Thinking | undefined): JsonObject {
  if (thinking === undefined) return {};
  const all = thinking === "kept" ? keepers : switched(names, thinking === "on");
  return Object.fromEntries(Object.entries(all).filter(([name]) => asks(names, name)));
}

function switched(names: TemplateNames, isOn: boolean): JsonObject {
  const wanted: Record<string, unknown> = Object.fromEntries(switches.map((name) => [name, isOn]));
  // If the template has a switch as well, the effort is a separate matter.
  if (!switches.some((name) => asks(names, name))) wanted[effort] = isOn ? "high" : lowestEffort(names);
  if (!isOn) wanted[budget] = 0;
  return wanted;
}

/** Not every model can do without thinking: gpt-oss thinks little at least. */
function lowestEffort({ texts }: TemplateNames): string {
  return ["none", "no_think"].find((word) => texts.has(word)) ?? "low";
}

/** The caller may set it: the template reads a name that it does not make, or that it makes only if it is missing. */
function asks({ read, assigned, optional }: TemplateNames, name: string): boolean {
  return read.has(name) && (!assigned.has(name) || optional.has(name));
}
