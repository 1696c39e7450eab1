import { type Formats, plural } from "../../common/format";
import type { ModelSummary } from "../../protocol/service";
import { sentence } from "../commands/errorText";

export interface ModelChoice {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

/** A model in the list. `chosen`: value of the setting for new agents' model; without one it is the starter model. */
export function modelChoice(model: ModelSummary, chosen: unknown, formats: Formats): ModelChoice {
  const isCurrent = isChosen(model, chosen);
  const icon = model.problem ? "$(warning) " : isCurrent ? "$(check) " : "";
  const facts = [
    ...(isCurrent ? ["current"] : []),
    model.architecture,
    model.quantization,
    formats.bytes(model.weightBytes),
    `window ${plural(model.contextTokens, "token", formats)}`,
    ...(model.isStarter ? ["starter"] : []),
  ];
  return {
    label: `${icon}${model.name}`,
    description: facts.join(" · "),
    detail: model.problem ? sentence(model.problem.what) : model.directory,
  };
}

function isChosen({ directory, isStarter }: ModelSummary, chosen: unknown): boolean {
  const named = typeof chosen === "string" ? chosen.trim() : "";
  return named === "" ? isStarter : directory === named;
}

/** Says which agents a choice concerns. */
export function chosenText({ name }: ModelSummary): string {
  return `New agents and Generate use ${name}. Existing agents keep their model.`;
}
