const hues = ["blue", "green", "orange", "purple", "yellow", "red"] as const;

/** An agent has one colour everywhere, by its order of creation. */
export function agentColour(index: number): { readonly "--c": string } {
  const hue = hues[((index % hues.length) + hues.length) % hues.length] ?? "blue";
  return { "--c": `var(--vscode-charts-${hue})` };
}
