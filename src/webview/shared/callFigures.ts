import { type Formats, plural } from "../../common/format";
import { type Children, h, type TreeNode } from "./tree";

/** What a call took: absent figures are not known. */
export interface CallFigures {
  /** Tokens that were read for its result. */
  readonly tokens: number | undefined;
  readonly ms: number | undefined;
}

/** "412 tokens · 84 ms"; empty where nothing is known. */
export function callFiguresText({ tokens, ms }: CallFigures, formats: Formats): string {
  const parts = [tokens !== undefined && plural(tokens, "token", formats), ms !== undefined && formats.duration(ms)];
  return parts.filter((part) => part !== false).join(" · ");
}

/** At the end of a line. With little room it is "412 tok", then only the time is seen (calls.css); all of it is always read out. */
export function callFiguresView({ tokens, ms }: CallFigures, formats: Formats): Children {
  if (tokens === undefined && ms === undefined) return undefined;
  return h(
    "span.call-figs.num",
    {},
    tokens !== undefined && tokensView(tokens, ms !== undefined, formats),
    ms !== undefined && formats.duration(ms),
  );
}

function tokensView(tokens: number, isFollowed: boolean, formats: Formats): TreeNode {
  return h(
    "span.call-tokens",
    {},
    `${formats.count(tokens)} tok`,
    h("span.ending", {}, tokens === 1 ? "en" : "ens"),
    isFollowed && h("span", {}, " · "),
  );
}
