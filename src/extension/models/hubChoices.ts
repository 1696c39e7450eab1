import type { ErrorInfo } from "../../common/errors";
import { fitText } from "../../common/fitText";
import { type Formats, plural } from "../../common/format";
import type { HubEntry, HubModel, HubSearch, HubVariant, SuggestedModel } from "../../protocol/service";
import { sentence } from "../commands/errorText";

/** A row of the list of models that can be had. Rows without a `name` only say something. */
export interface HubChoice {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  /** `ORG/NAME` */
  readonly name?: string;
}

/** What is known of a search's result: nothing yet, all, or why it cannot be used. */
export type Described = HubModel | ErrorInfo | undefined;

const icons = { fits: "$(check)", tight: "$(warning)", no: "$(circle-slash)" } as const;

export function suggestedChoice({ name, fit, reason }: SuggestedModel, formats: Formats): HubChoice {
  const [, short = name] = name.split("/");
  return {
    name,
    label: `${icons[fit.verdict]} ${short}`,
    description: fitText(fit, formats),
    detail: `${formats.bytes(fit.weightBytes)} · ${reason}`,
  };
}

export function foundChoice(entry: HubEntry, described: Described, formats: Formats): HubChoice {
  const { name, family, licence, gated, downloads } = entry;
  const common = [
    ...(licence === "" ? ["no licence named"] : [licence]),
    ...(gated ? ["with conditions"] : []),
    plural(downloads, "download", formats),
  ];
  if (described === undefined) {
    return {
      name,
      label: `$(cloud) ${name}`,
      description: [family, ...common].join(" · "),
      detail: "Looking at its files…",
    };
  }
  if ("code" in described) {
    return {
      // One that only cannot be had at the moment, or not yet, can be chosen: the refusal then says what to do.
      ...(mayBeHad(described) ? { name } : {}),
      label: `$(circle-slash) ${name}`,
      description: [family, ...common].join(" · "),
      detail: sentence(described.what),
    };
  }
  const { usesTools } = described;
  const tools = usesTools === undefined ? [] : [usesTools ? "tools" : "no tools"];
  const facts = [described.family, described.quantization, ...tools, ...common];
  return {
    name,
    label: `${icons[described.fit.verdict]} ${name}`,
    description: facts.join(" · "),
    detail: modelText(described, formats),
  };
}

function mayBeHad({ code }: ErrorInfo): boolean {
  return code === "HUB_DENIED" || code === "HUB_FAILURE";
}

/** "fits: 8.69 GB with 32,000 tokens, of 16.0 GB · download 4.30 GB · context 40,960 tokens" */
export function modelText({ fit, downloadBytes, contextTokens }: HubModel, formats: Formats): string {
  return [
    fitText(fit, formats),
    `download ${formats.bytes(downloadBytes)}`,
    `context ${plural(contextTokens, "token", formats)}`,
  ].join(" · ");
}

export function variantChoice({ quantization, downloadBytes, fit }: HubVariant, formats: Formats) {
  return {
    quantization,
    label: `${icons[fit.verdict]} ${quantization}`,
    description: formats.bytes(downloadBytes),
    detail: fitText(fit, formats),
  };
}

/** The results that Resident does not load, in one row: by family, with what is missing. */
export function othersChoice({ others }: HubSearch, formats: Formats): HubChoice | undefined {
  if (others.length === 0) return undefined;
  const count = others.reduce((sum, other) => sum + other.count, 0);
  return {
    label: `$(circle-slash) ${plural(count, "model", formats)} of families that Resident does not load`,
    description: "",
    detail: others
      .map(({ family, count: some, missing }) => {
        const why = missing === undefined ? "" : ` (needs ${missing})`;
        return `${formats.count(some)} × ${family}${why}`;
      })
      .join(", "),
  };
}

/** Whether the text may be the name of a model, which is then offered even where no search finds it. */
export function isRepoName(text: string): boolean {
  return /^[\w.-]+\/[\w.-]+(:[\w./-]+)?$/.test(text.trim());
}
