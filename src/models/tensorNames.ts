/** Parts of a checkpoint that text does not need. */
export const partsLeftOut = ["vision", "audio", "prediction"] as const;
export type PartLeftOut = (typeof partsLeftOut)[number];

/** The same as native/src/core/tensor_names.cc. */
const prefixesLeftOut: readonly (readonly [string, PartLeftOut])[] = [
  ["vision_tower.", "vision"],
  ["vision_model.", "vision"],
  ["visual.", "vision"],
  ["multi_modal_projector.", "vision"],
  ["embed_vision.", "vision"],
  ["patch_merger.", "vision"],
  ["audio_tower.", "audio"],
  ["embed_audio.", "audio"],
  ["mtp.", "prediction"],
];

/** A tensor's name as a model of text alone has it: checkpoints of several parts put something in front of it. */
export function textName(name: string): string {
  if (name.startsWith("model.language_model.")) return `model.${name.slice("model.language_model.".length)}`;
  return name.startsWith("language_model.") ? name.slice("language_model.".length) : name;
}

/** What the tensor of this `textName` belongs to, where text does not need it. */
export function partLeftOut(name: string): PartLeftOut | undefined {
  const inner = name.startsWith("model.") ? name.slice("model.".length) : name;
  return prefixesLeftOut.find(([prefix]) => inner.startsWith(prefix))?.[1];
}
