/**
 * How an agent thinks, where its model's template asks: thinking switched on or off, or as the template has it by
 * itself with the thinking of earlier answers kept in the prompt. Absent: the model's own.
 */
export const thinkingModes = ["on", "off", "kept"] as const;

export type Thinking = (typeof thinkingModes)[number];

export function isThinking(value: unknown): value is Thinking {
  return thinkingModes.some((mode) => mode === value);
}
