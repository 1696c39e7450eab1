/** What a running answer does before its first text, as words and a bar. */
import { type Formats, plural } from "../../common/format";
import type { RunProgress } from "../../protocol/page";

export { plural };

export interface ProgressLine {
  readonly title: string;
  /** Right of the title: the time left, where it is known. */
  readonly remaining?: string | undefined;
  /** The emphasised figure under the bar, and what follows it. */
  readonly figure?: string;
  readonly details: readonly string[];
  readonly bar?: ProgressBar;
}

/** Parts of a whole, in tokens. `kept` were there already, `done` came in this turn. */
export interface ProgressBar {
  readonly kept: number;
  readonly done: number;
  readonly total: number;
  /** In words, for assistive technology. */
  readonly text: string;
}

export function progressLine(progress: RunProgress | undefined, formats: Formats): ProgressLine {
  switch (progress?.type) {
    case undefined:
      return { title: "Starting", details: [] };
    case "waitingModel":
      return { title: "Waiting for the model", details: [progress.reason] };
    case "queued":
      return {
        title: `Waiting for ${plural(progress.neededBlocks, "block", formats)}`,
        details: [progress.turnsAhead > 0 ? `${plural(progress.turnsAhead, "turn", formats)} ahead` : "next in line"],
      };
    case "restoring":
      return { title: "Restoring from disk", details: [`${formats.count(progress.tokens)} tokens`] };
    case "prefill": {
      const { done, total, reused, tokensPerSecond } = progress;
      const leftMs = tokensPerSecond > 0 ? ((total - done) / tokensPerSecond) * 1000 : undefined;
      const left = formats.remainingInWords(leftMs);
      const read = `${formats.count(done)} of ${formats.count(total)} tokens read`;
      return {
        title: "Reading",
        remaining: formats.remaining(leftMs),
        figure: `${formats.count(done)} of ${formats.count(total)}`,
        details: [
          "tokens read",
          ...(reused > 0 ? [`${formats.count(reused)} reused`] : []),
          ...(tokensPerSecond > 0 ? [`${formats.rate(tokensPerSecond)} tok/s`] : []),
        ],
        bar: { kept: reused, done, total: reused + total, text: left ? `${read}, ${left}` : read },
      };
    }
  }
}
