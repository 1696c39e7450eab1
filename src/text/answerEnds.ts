import type { ChatTemplate, TemplateOptions } from "./chatTemplate";
import type { SpecialTokens } from "./markedText";
import type { Segment, TemplateMessage } from "./messages";
import { sampleTools } from "./toolForms";

const content = "amber tree";
const sample: readonly TemplateMessage[] = [
  { role: "user", content: "a" },
  { role: "assistant", content },
  { role: "user", content: "b" },
];

/** Finds where a template ends an answer: at the token that it writes behind a plain answer's content. */
export class AnswerEnds {
  /** What stands behind a plain answer; `undefined`: not known. */
  private readonly closing: string | undefined;
  /** The first token in it. */
  private readonly token: string | undefined;

  constructor(
    template: ChatTemplate | undefined,
    private readonly specials: SpecialTokens,
  ) {
    this.closing = template && closingOf(template);
    this.token = this.closing === undefined ? undefined : this.tokensIn(this.closing)[0]?.content;
  }

  /**
   * The end of the answer that is written in `text` from `at` to `to`, without what closes it. `next`: the segment behind
   * the answer in the history, which may begin with the token that the answer was ended with.
   */
  endOf(text: string, at: number, to: number, next: Segment | undefined): number | undefined {
    const written = text.slice(at, to);
    const tokens = this.tokensIn(written);
    const stop = next?.kind === "prompt" ? this.firstToken(next.text) : undefined;
    // A template may write results behind calls in one round of its loop: the answer ends where they begin.
    const other = stop === this.token ? undefined : tokens.find(({ content: token }) => token === stop);
    const last = other ?? tokens.filter(({ content: token }) => token === this.token).at(-1);
    if (last !== undefined) return at + last.start;
    if (this.closing === undefined || this.token !== undefined || !written.endsWith(this.closing)) return undefined;
    return to - this.closing.length;
  }

  private firstToken(text: string): string | undefined {
    const [first] = this.tokensIn(text.slice(0, this.specials.longest + 1));
    return first?.start === 0 ? first.content : undefined;
  }

  private tokensIn(text: string): readonly { readonly content: string; readonly start: number }[] {
    return this.specials
      .split(text)
      .flatMap((stretch) =>
        stretch.kind === "special" ? [{ content: stretch.token.content, start: stretch.start }] : [],
      );
  }
}

/** Some templates work only where there are tools. */
function closingOf(template: ChatTemplate): string | undefined {
  return closingWith(template, {}) ?? closingWith(template, { tools: sampleTools });
}

function closingWith(template: ChatTemplate, options: TemplateOptions): string | undefined {
  try {
    const { text, places } = template.renderPlaced(sample, false, options);
    const place = places.find(({ message }) => message === sample[1]);
    if (place === undefined) return undefined;
    const at = text.lastIndexOf(content, place.end);
    return at < place.start ? undefined : text.slice(at + content.length, place.end);
  } catch {
    // What a template refuses is said when a prompt is built.
    return undefined;
  }
}
