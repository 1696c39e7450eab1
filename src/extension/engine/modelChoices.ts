import { fitText } from "../../common/fitText";
import { type Formats, plural } from "../../common/format";
import type { ListedModel, ModelSource, ModelSummary } from "../../protocol/service";
import { sentence } from "../commands/errorText";

export interface ModelChoice {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

const sources: Readonly<Record<ModelSource, string>> = {
  starter: "starter",
  imported: "imported",
  downloaded: "downloaded",
  unfinished: "unfinished download",
  folder: "from your folders",
  found: "of another program",
};

/** A model in the list. `chosen`: value of the setting for new agents' model; without one it is the starter model. */
export function modelChoice(model: ListedModel, chosen: unknown, formats: Formats): ModelChoice {
  const isCurrent = isChosen(model, chosen);
  const icon = model.problem ? "$(warning) " : isCurrent ? "$(check) " : "";
  const facts = [
    ...(isCurrent ? ["current"] : []),
    ...(model.isLoaded ? ["loaded"] : []),
    ...(model.architecture === "" ? [] : [model.architecture, model.quantization]),
    ...(model.weightBytes === 0 ? [] : [formats.bytes(model.weightBytes)]),
    ...(model.contextTokens === 0 ? [] : [`window ${plural(model.contextTokens, "token", formats)}`]),
    model.program === undefined ? sources[model.source] : `of ${model.program}`,
  ];
  return { label: `${icon}${model.name}`, description: facts.join(" · "), detail: detailOf(model, formats) };
}

function detailOf({ problem, fit, directory }: ListedModel, formats: Formats): string {
  if (problem) return sentence(problem.what);
  return fit === undefined ? directory : `${fitText(fit, formats)} · ${directory}`;
}

function isChosen({ directory, isStarter }: ModelSummary, chosen: unknown): boolean {
  const named = typeof chosen === "string" ? chosen.trim() : "";
  return named === "" ? isStarter : directory === named;
}

/** Says which agents a choice concerns. */
export function chosenText({ name }: ModelSummary): string {
  return `New agents and Generate use ${name}. Existing agents keep their model.`;
}
