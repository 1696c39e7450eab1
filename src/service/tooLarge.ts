import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";
import { largestThatFit } from "../models/hub/suggestedModels";
import { usableBytes } from "../models/memoryFit";

const formats = createFormats("en");

/** A model that this machine cannot hold: with both numbers, and what it could hold. */
export function tooLarge(name: string, weightBytes: number, memoryBytes: number): ResidentError {
  const others = largestThatFit(memoryBytes, 3);
  const advice =
    others.length === 0
      ? "choose a smaller model"
      : `choose a smaller one; the largest of the built-in list that fit: ${others.map((model) => model.name).join(", ")}`;
  return new ResidentError(
    "OUT_OF_MEMORY",
    `${name} has ${formats.bytes(weightBytes)} of weights and this machine has ${formats.bytes(memoryBytes)} of memory, of which a model can take ${formats.bytes(usableBytes(memoryBytes))}`,
    advice,
    { neededBytes: weightBytes, memoryBytes },
  );
}
