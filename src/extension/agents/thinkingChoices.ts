/** How an agent can think, as rows of a list. Independent of VS Code. */
import type { Thinking } from "../../common/thinking";

/** Stands for no choice in a command's argument. */
export const modelsOwn = "own";

interface ThinkingRow {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly thinking: Thinking | undefined;
}

const details: Readonly<Record<Thinking, { readonly label: string; readonly detail: string }>> = {
  on: { label: "On", detail: "It thinks before each answer." },
  off: { label: "Off", detail: "It answers at once, or thinks as little as its model can." },
  kept: { label: "Kept", detail: "As the model does by itself; the thoughts of earlier answers stay in the prompt." },
};

export function thinkingRows(
  choices: readonly Thinking[],
  current: Thinking | undefined,
): readonly [ThinkingRow, ...ThinkingRow[]] {
  const row = (thinking: Thinking | undefined, label: string, detail: string): ThinkingRow => {
    return { label, detail, thinking, description: thinking === current ? "now" : "" };
  };
  const own = row(undefined, "The Model's Own", "The model's template decides.");
  return [own, ...choices.map((choice) => row(choice, details[choice].label, details[choice].detail))];
}
