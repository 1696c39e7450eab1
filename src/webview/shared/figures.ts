import type { Formats } from "../../common/format";
import type { AgentSummary, FinishReason, Tier, TurnFigures, UntoldCount } from "../../protocol/service";
import { type Children, h, icon, type TreeNode } from "./tree";

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
  /** What can be done about it, behind it. */
  readonly way?: TreeNode | undefined;
  /** "3 steps": the figures are those of all of them. */
  readonly steps?: string | undefined;
  /** They are of one step of a turn, which has its own below. */
  readonly isStep?: boolean;
  /** An icon at the end says this on hover and focus. */
  readonly warning?: string | undefined;
}

/** A wait is told from this much above the time to the first token on: less is the commit of the message. */
const shortestToldMs = 250;

/** What a person waited for, where it was more than the time to the first token: the model's load, the restore, the queue. */
export interface Wait {
  readonly total: string;
  /** "model 1.8 s, restore 62 ms"; empty where neither took long. */
  readonly parts: string;
  /** In words. */
  readonly title: string;
}

export function waitOf({ waitMs, ttftMs, modelMs = 0, restoreMs }: TurnFigures, formats: Formats): Wait | undefined {
  if (waitMs === undefined || waitMs - ttftMs < (modelMs > 0 ? 1 : shortestToldMs)) return undefined;
  const told: readonly (readonly [string, string, number])[] = [
    ["model", "until the model was loaded", modelMs],
    ["restore", "to restore the cache from disk", restoreMs],
  ];
  const long = told.filter(([, , ms]) => ms >= 1);
  const total = formats.duration(waitMs);
  const sentence = long.map(([, words, ms]) => `${formats.duration(ms)} ${words}`).join(", ");
  return {
    total,
    parts: long.map(([name, , ms]) => `${name} ${formats.duration(ms)}`).join(", "),
    title: `${total} from the message to the first token${sentence === "" ? "" : `: ${sentence}`}`,
  };
}

function waitItem(figures: TurnFigures, formats: Formats): Children {
  const wait = waitOf(figures, formats);
  if (wait === undefined) return undefined;
  const parts = wait.parts !== "" && h("span.parts", {}, ` (${wait.parts})`);
  return h("li", { title: wait.title }, "waited ", h("b", {}, wait.total), parts);
}

const guessedTitle =
  "Guessed from what it had read, such as the file that it writes again, and each checked by the model: several came from one step";

function generatedItem({ generatedTokens, guessedTokens = 0 }: TurnFigures, formats: Formats): Children {
  const guessed = guessedTokens > 0 && h("span.parts", {}, ` (${formats.count(guessedTokens)} guessed)`);
  return h(
    "li",
    { title: guessedTokens > 0 ? guessedTitle : undefined },
    h("b", {}, formats.count(generatedTokens)),
    " generated",
    guessed,
  );
}

/**
 * A turn's figures in their one order: reused, prefilled, generated, TTFT (with the wait, where it was longer), rate,
 * source. While it runs (`running`) the source is not told yet. A time or rate that is not known (yet, or of a
 * server) is left out.
 */
export function figuresView(figures: TurnFigures, formats: Formats, options: FiguresOptions = {}): TreeNode {
  const { running = false, ending, way, warning, steps, isStep = false } = options;
  const item = (value: string, unit: string) => h("li", {}, h("b", {}, value), ` ${unit}`);
  const known = (value: number) => value > 0 || (!running && figures.by !== "server");
  const source = cacheSource(figures);
  const isByServer = figures.by === "server";
  const told = (count: UntoldCount) => figures.untold?.includes(count) !== true;
  const items: Children = [
    steps !== undefined && h("li", {}, h("b", {}, steps)),
    told("reused") && item(formats.count(figures.reusedTokens), "reused"),
    told("prompt") && item(formats.count(figures.prefilledTokens), "prefilled"),
    told("generated") && generatedItem(figures, formats),
    figures.recomputedTokens !== undefined && item(formats.count(figures.recomputedTokens), "read again"),
    known(figures.ttftMs) && h("li", {}, "TTFT ", h("b", {}, formats.duration(figures.ttftMs))),
    known(figures.ttftMs) && waitItem(figures, formats),
    known(figures.decodeTokensPerSecond) &&
      told("generated") &&
      item(formats.rate(figures.decodeTokensPerSecond), "tok/s"),
    !running && !isStep && !isByServer && h("li", {}, tierDot(source.tier), source.text),
    !running && !isStep && isByServer && h("li", { title: byServerTitle(figures) }, "by the server"),
    ending !== undefined && h("li", {}, ending),
    way !== undefined && h("li", {}, way),
    warning !== undefined &&
      h(
        "li",
        {},
        h("span.codicon.codicon-warning.warn", { role: "img", tabindex: "0", "aria-label": warning, title: warning }),
      ),
  ];
  const label = isStep ? "Step figures" : running ? "Turn figures so far" : "Turn figures";
  return h("ul.figs", { "aria-label": label }, items);
}

function byServerTitle({ untold = [] }: TurnFigures): string {
  const title = "The server counted; reused are the tokens that it had in its own cache";
  return untold.length === 0 ? title : `${title}. It does not tell the tokens ${untold.join(", ")}.`;
}

/** An agent in a list: its tier, or that a server answers it. */
export function agentMark(
  { tier, server }: Pick<AgentSummary, "tier" | "server">,
  options: { readonly busy?: boolean; readonly title?: string } = {},
): TreeNode {
  return server === undefined ? tierDot(tier, options) : icon("server", options.busy === true ? "mark busy" : "mark");
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
