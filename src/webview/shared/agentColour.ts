/**
 * VS Code's chart colours, but for orange: in its themes that one is transparent or absent, so ours stands between the
 * theme's red and yellow.
 */
const hues = [
  "var(--vscode-charts-blue)",
  "var(--vscode-charts-green)",
  "color-mix(in srgb, var(--vscode-charts-red), var(--vscode-charts-yellow))",
  "var(--vscode-charts-purple)",
  "var(--vscode-charts-yellow)",
  "var(--vscode-charts-red)",
] as const;

/** Of the hue; the rest is the text's colour. It lifts the yellow of light themes over 3:1 on every background. */
const hueShare = "85%";

/** An agent has one colour everywhere, by its order of creation. */
export function agentColour(index: number): { readonly "--c": string } {
  const hue = hues[((index % hues.length) + hues.length) % hues.length] ?? hues[0];
  return { "--c": `color-mix(in srgb, ${hue} ${hueShare}, var(--vscode-foreground))` };
}
