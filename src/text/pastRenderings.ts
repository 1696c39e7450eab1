import { ResidentError } from "../common/errors";
import type { ChatTemplate } from "./chatTemplate";
import { foldSystem, type MessageEscaper } from "./messageEscaper";
import type { ChatMessage, TemplateMessage } from "./messages";
import type { Past } from "./past";
import type { PromptFrame } from "./prompt";
import type { Steps } from "./steps";
import type { LoopState, TemplateWalk } from "./templateWalk";

/**
 * The beginning of every prompt that continues a past: the part of the history that agrees with the rendering of the
 * messages. Computed from the turn before, so a turn costs only what is new in it.
 */
export interface PastRendering {
  readonly frame: PromptFrame;
  readonly first: TemplateMessage;
  readonly opening: string;
  readonly loop: LoopState<TemplateMessage>;
  /** Number of segments that agree completely. */
  readonly kept: number;
  /** The next segment differs from `rest` within the segment; otherwise the text that follows decides. */
  readonly departs: boolean;
  /** The rendering after the segments that agree. */
  readonly rest: string;
}

/** Renderings of pasts after which the template can be resumed. */
export class PastRenderings {
  private readonly known = new WeakMap<
    Past,
    { readonly frame: PromptFrame; readonly rendering: PastRendering | undefined }
  >();

  constructor(
    private readonly template: ChatTemplate,
    private readonly escaper: MessageEscaper,
  ) {}

  *of(past: Past, frame: PromptFrame): Steps<PastRendering | undefined> {
    const unknown: Past[] = [];
    let rendering: PastRendering | undefined;
    for (let turn: Past | undefined = past; turn !== undefined; turn = turn.before) {
      const known = this.known.get(turn);
      if (known !== undefined && isSameFrame(known.frame, frame)) {
        rendering = known.rendering;
        break;
      }
      unknown.push(turn);
    }
    for (const turn of unknown.reverse()) {
      rendering = turn.before === undefined ? this.begin(turn, frame) : rendering && this.goOn(turn, rendering);
      this.known.set(turn, { frame, rendering });
      yield;
    }
    return rendering;
  }

  /** The prompt's text after the segments of a rendering that agree. */
  promptText({ frame, first, loop, opening, rest }: PastRendering, input: readonly ChatMessage[]): string | undefined {
    const next = input.map((message) => this.escaper.escape(message));
    const walk = unlessRefused(() => this.template.walk({ first, state: loop, next, isWhole: true }, frame));
    if (walk === undefined || walk === "refused" || walk.opening !== opening) return undefined;
    return rest + walk.pieces + walk.closing;
  }

  private begin(turn: Past, frame: PromptFrame): PastRendering | undefined {
    const { system } = frame;
    const instructions: readonly ChatMessage[] = system === "" ? [] : [{ role: "system", content: system }];
    const messages = [...instructions, ...turn.input, turn.answer].map((message) => this.escaper.escape(message));
    const whole = this.beginWith(turn, frame, messages);
    if (whole !== "refused") return whole;
    // The template refuses these messages, whatever follows them.
    const folded = foldSystem(messages);
    const other = folded === undefined ? undefined : this.beginWith(turn, frame, folded);
    return other === "refused" ? undefined : other;
  }

  private beginWith(
    turn: Past,
    frame: PromptFrame,
    messages: readonly TemplateMessage[],
  ): PastRendering | "refused" | undefined {
    const [first] = messages;
    if (first === undefined) return undefined;
    const walk = unlessRefused(() =>
      this.template.walk({ first, state: undefined, next: messages, isWhole: false }, frame),
    );
    if (walk === "refused" || walk?.state === undefined) return walk === "refused" ? walk : undefined;
    const { opening, pieces, state } = walk;
    return agree(turn, { frame, first, opening, loop: state, kept: 0, departs: false, rest: opening + pieces });
  }

  private goOn(turn: Past, before: PastRendering): PastRendering | undefined {
    const { frame, first, loop } = before;
    const next = [...turn.input, turn.answer].map((message) => this.escaper.escape(message));
    const walk = unlessRefused(() => this.template.walk({ first, state: loop, next, isWhole: false }, frame));
    if (walk === undefined || walk === "refused" || walk.state === undefined) return undefined;
    if (walk.opening !== before.opening) return undefined;
    const longer = { ...before, loop: walk.state, rest: before.rest + walk.pieces };
    // The rendering differs before the segments that this turn replaced, so it still differs there.
    if (turn.keep > before.kept && before.departs) return longer;
    const kept = Math.min(turn.keep, before.kept);
    const dropped = (turn.before?.segments(kept, before.kept) ?? []).map(({ text }) => text).join("");
    return agree(turn, { ...longer, kept, departs: false, rest: dropped + longer.rest });
  }
}

function isSameFrame(a: PromptFrame, b: PromptFrame): boolean {
  return a.system === b.system && a.day === b.day && a.thinking === b.thinking && a.tools === b.tools;
}

/** Compares the segments of `turn` with the rendering, from where they are known to agree. */
function agree(turn: Past, rendering: PastRendering): PastRendering {
  const { rest } = rendering;
  let { kept } = rendering;
  let at = 0;
  let departs = false;
  for (const { text } of turn.segments(kept)) {
    if (!rest.startsWith(text, at)) {
      departs = !text.startsWith(rest.slice(at));
      break;
    }
    at += text.length;
    kept += 1;
  }
  return { ...rendering, kept, departs, rest: rest.slice(at) };
}

function unlessRefused(
  walk: () => TemplateWalk<TemplateMessage> | undefined,
): TemplateWalk<TemplateMessage> | "refused" | undefined {
  try {
    return walk();
  } catch (error) {
    if (!(error instanceof ResidentError)) throw error;
    // The whole rendering decides whether the conversation is refused.
    return error.code === "INVALID_REQUEST" ? "refused" : undefined;
  }
}
