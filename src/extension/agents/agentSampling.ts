import * as vscode from "vscode";
import type { AgentSampling, AgentSummary, ResidentService } from "../../protocol/service";
import { numbersField } from "../commands/commandArguments";
import { problemWith, type SamplingField, samplingFields, withTyped } from "./samplingChoices";

/**
 * Argument: sampling, all values that the agent has of its own. Without it the person changes one field after the other
 * until they close the list; each change takes effect at once.
 */
export async function setAgentSampling(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
): Promise<AgentSummary> {
  const given = numbersField(argument, "sampling");
  if (given !== undefined) return door.setAgentSampling(agent.id, given);
  let changed = agent;
  for (;;) {
    const sampling = await askOne(changed.name, changed.sampling ?? {});
    if (sampling === undefined) return changed;
    changed = await door.setAgentSampling(agent.id, sampling);
  }
}

/** The sampling with one field changed; `undefined` when the list was closed. */
async function askOne(name: string, sampling: AgentSampling): Promise<AgentSampling | undefined> {
  const rows = samplingFields.map((field) => ({
    label: field.label,
    description: String(sampling[field.name] ?? "default"),
    detail: field.help,
    field,
  }));
  const reset = { label: "Nothing of Its Own", description: "the settings and the model decide", field: undefined };
  const chosen = await vscode.window.showQuickPick([...rows, reset], {
    title: `Sampling of ${name}`,
    placeHolder: "What to change. Defaults come from the settings, then from the model.",
  });
  if (chosen === undefined) return undefined;
  if (chosen.field === undefined) return {};
  const typed = await askValue(chosen.field, sampling[chosen.field.name]);
  return typed === undefined ? sampling : withTyped(sampling, chosen.field, typed);
}

function askValue(field: SamplingField, value: number | undefined): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: field.label,
    value: value === undefined ? "" : String(value),
    prompt: `${field.help}. Empty: the default.`,
    ignoreFocusOut: true,
    validateInput: (typed) => problemWith(field, typed),
  });
}
