import type { Formats } from "../../common/format";
import type { FinishReason, Tier, TurnFigures } from "../../protocol/service";
import { type Children, h, type TreeNode } from "./tree";

export interface CacheSourceLabel {
  readonly tier: Tier;
  readonly text: string;
}

/** Where the reused tokens came from, in words. */
export function cacheSource({ reusedTokens, cache }: TurnFigures): CacheSourceLabel {
  if (reusedTokens === 0) return { tier: "cold", text: "read in full" };
  if (cache.refused) return { tier: cache.tier, text: "restored in part" };
  switch (cache.tier) {
    case "hot":
      return { tier: "hot", text: "from memory" };
    case "warm":
      return { tier: "warm", text: "restored from disk" };
    case "cold":
      return { tier: "cold", text: "read in full" };
  }
}

/** How an answer ended where it did not end by itself. */
export function endingLabel(reason: FinishReason | undefined): string | undefined {
  if (reason === "aborted") return "stopped";
  return reason === "length" ? "answer limit reached" : undefined;
}

export interface FiguresOptions {
  readonly running?: boolean;
  /** How the answer ended, where it did not end by itself. */
  readonly ending?: string | undefined;
  /** An icon at the end says this on hover and focus. */
  readonly warning?: string | undefined;
}

/**
 * A turn's figures in their one order: reused, prefilled, generated, TTFT, rate, source. While it runs (`running`) the
 * source is not told yet, and a figure that is not known is left out.
 */
export function figuresView(figures: TurnFigures, formats: Formats, options: FiguresOptions = {}): TreeNode {
  const { running = false, ending, warning } = options;
  const item = (value: string, unit: string) => h("li", {}, h("b", {}, value), ` ${unit}`);
  const known = (value: number) => !running || value > 0;
  const source = cacheSource(figures);
  const items: Children = [
    item(formats.count(figures.reusedTokens), "reused"),
    item(formats.count(figures.prefilledTokens), "prefilled"),
    item(formats.count(figures.generatedTokens), "generated"),
    figures.recomputedTokens !== undefined && item(formats.count(figures.recomputedTokens), "read again"),
    known(figures.ttftMs) && h("li", {}, "TTFT ", h("b", {}, formats.duration(figures.ttftMs))),
    known(figures.decodeTokensPerSecond) && item(formats.rate(figures.decodeTokensPerSecond), "tok/s"),
    !running && h("li", {}, tierDot(source.tier), source.text),
    ending !== undefined && h("li", {}, ending),
    warning !== undefined &&
      h(
        "li",
        {},
        h("span.codicon.codicon-warning.warn", { role: "img", tabindex: "0", "aria-label": warning, title: warning }),
      ),
  ];
  return h("ul.figs", { "aria-label": running ? "Turn figures so far" : "Turn figures" }, items);
}

/** Tier is a fill: hot full, warm half, cold a ring. */
export function tierDot(tier: Tier, options: { readonly busy?: boolean; readonly title?: string } = {}): TreeNode {
  const title = options.title;
  return h("i.tier", {
    class: `${tier === "cold" ? "" : tier}${options.busy ? " busy" : ""}`.trim() || undefined,
    title,
    ...(title ? { role: "img", "aria-label": title } : { "aria-hidden": "true" }),
  });
}

export const tierNames: Readonly<Record<Tier, string>> = { hot: "Hot", warm: "Warm", cold: "Cold" };
