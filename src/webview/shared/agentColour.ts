/**
 * VS Code's chart colours, except orange: its themes make orange transparent or leave it out, so ours is mixed from the
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

/** The rest is the text's colour: without it, the yellow of light themes has less than 3:1 on some backgrounds. */
const hueShare = "85%";

/** An agent has one colour everywhere, by its order of creation. */
export function agentColour(index: number): { readonly "--c": string } {
  const hue = hues[((index % hues.length) + hues.length) % hues.length] ?? hues[0];
  return { "--c": `color-mix(in srgb, ${hue} ${hueShare}, var(--vscode-foreground))` };
}
