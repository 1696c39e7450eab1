/** An agent's own sampling: which values may be stored, and which stored values are used. */
import { InvalidRequestError } from "../common/errors";
import { type SamplingRange, samplingRanges } from "../common/samplingRanges";
import type { AgentSampling } from "../protocol/service";
import type { Manifest } from "../store/manifest";

const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed } = samplingRanges;

const ranges: Readonly<Record<keyof AgentSampling, SamplingRange>> = {
  temperature,
  topK,
  topP,
  minP,
  repetitionPenalty,
  presencePenalty,
  frequencyPenalty,
  seed,
  maxTokens: { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true },
};

/** The fields that are set. Throws INVALID_REQUEST for a value out of its range and for an unknown field. */
export function checkedSampling(sampling: AgentSampling): AgentSampling {
  const said = Object.entries(sampling).filter(([, value]) => value !== undefined);
  for (const [name, value] of said) {
    const range = rangeOf(name);
    if (range === undefined) {
      throw new InvalidRequestError(`an agent cannot have ${name} of its own`, "leave it out", { name });
    }
    if (fits(range, value)) continue;
    const kind = range.whole ? "a whole number" : "a number";
    throw new InvalidRequestError(
      `${name} is out of its range`,
      `set it to ${kind} from ${range.min} to ${range.max}`,
      {
        name,
        value: String(value),
      },
    );
  }
  return Object.fromEntries(said);
}

/** The manifest's sampling, without fields that this program does not know and values out of their range. */
export function storedSampling({ sampling = {} }: Pick<Manifest, "sampling">): AgentSampling {
  return Object.fromEntries(
    Object.entries(sampling).filter(([name, value]) => {
      const range = rangeOf(name);
      return range !== undefined && fits(range, value);
    }),
  );
}

function rangeOf(name: string): SamplingRange | undefined {
  return new Map<string, SamplingRange>(Object.entries(ranges)).get(name);
}

function fits({ min, max, whole }: SamplingRange, value: unknown): boolean {
  return typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
}
