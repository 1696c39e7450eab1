import { ResidentError } from "../common/errors";
import type { AnswerEnds } from "./answerEnds";
import { inCallOrder } from "./callOrder";
import type { ChatTemplate, TemplateOptions } from "./chatTemplate";
import { foldSystem } from "./foldings";
import type { MessageEscaper } from "./messageEscaper";
import type { ChatMessage, TemplateMessage } from "./messages";
import type { Past } from "./past";
import type { Place } from "./placedRendering";
import type { PromptFrame } from "./prompt";
import { type AnswerPlace, follow, joinRenderings, type Rendering, renderingFrom } from "./saidAnswers";
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
  /** Those of them that stand for something else than the template wrote, the last one first. */
  readonly replaced: Replacement | undefined;
  /** The next segment differs from `rest` within the segment; otherwise the text that follows decides. */
  readonly departs: boolean;
  /** The rendering after the segments that agree. */
  readonly rest: Rendering;
}

interface Replacement {
  readonly segment: number;
  /** What the template wrote. */
  readonly written: string;
  readonly before: Replacement | undefined;
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
    private readonly ends: AnswerEnds,
    private readonly optionsOf: (frame: PromptFrame) => TemplateOptions,
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
      if (turn.before === undefined) rendering = yield* this.begin(turn, frame);
      else rendering = rendering && (yield* this.goOn(turn, rendering));
      this.known.set(turn, { frame, rendering });
      yield;
    }
    return rendering;
  }

  /** The prompt after the segments of a rendering that agree. `input`: in the order of the calls before it. */
  *prompt(
    { frame, first, loop, opening, rest }: PastRendering,
    input: readonly ChatMessage[],
  ): Steps<Rendering | undefined> {
    const next = yield* this.escaper.escapeAll(input);
    const walk = this.walk({ first, state: loop, next, isWhole: true }, frame);
    if (walk === undefined || walk === "refused" || walk.opening !== opening) return undefined;
    return joinRenderings(rest, { text: walk.pieces + walk.closing, answers: this.answersIn(walk.places) });
  }

  private *begin(turn: Past, frame: PromptFrame): Steps<PastRendering | undefined> {
    const { system } = frame;
    const instructions: readonly ChatMessage[] = system === "" ? [] : [{ role: "system", content: system }];
    const messages = yield* this.escaper.escapeAll([...instructions, ...turn.input, turn.answer]);
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
    const walk = this.walk({ first, state: undefined, next: messages, isWhole: false }, frame);
    if (walk === "refused" || walk?.state === undefined) return walk === "refused" ? walk : undefined;
    const { opening, pieces, state } = walk;
    const loop = { text: pieces, answers: this.answersIn(walk.places) };
    const rest = joinRenderings({ text: opening, answers: [] }, loop);
    return this.agree(turn, { frame, first, opening, loop: state, kept: 0, replaced: undefined, departs: false, rest });
  }

  private *goOn(turn: Past, before: PastRendering): Steps<PastRendering | undefined> {
    const { frame, first, loop } = before;
    const input = inputOf(turn.before, turn.input);
    const next = yield* this.escaper.escapeAll([...input, turn.answer]);
    const walk = this.walk({ first, state: loop, next, isWhole: false }, frame);
    if (walk === undefined || walk === "refused" || walk.state === undefined) return undefined;
    if (walk.opening !== before.opening) return undefined;
    const rest = joinRenderings(before.rest, { text: walk.pieces, answers: this.answersIn(walk.places) });
    const longer = { ...before, loop: walk.state, rest };
    // The rendering differs before the segments that this turn replaced, so it still differs there.
    if (turn.keep > before.kept && before.departs) return longer;
    const kept = Math.min(turn.keep, before.kept);
    const dropped = (turn.before?.segments(kept, before.kept) ?? []).map(({ text }) => text);
    let { replaced } = before;
    for (; replaced !== undefined && replaced.segment >= kept; replaced = replaced.before) {
      dropped[replaced.segment - kept] = replaced.written;
    }
    const written = joinRenderings({ text: dropped.join(""), answers: [] }, rest);
    return this.agree(turn, { ...longer, kept, replaced, departs: false, rest: written });
  }

  /** Compares the segments of `turn` with the rendering, from where they are known to agree. */
  private agree(turn: Past, rendering: PastRendering): PastRendering {
    const { rest } = rendering;
    const segments = turn.segments(rendering.kept);
    const followed = follow(rest, segments, this.ends);
    let { replaced } = rendering;
    for (const { segment, start, end } of followed.replaced) {
      replaced = { segment: rendering.kept + segment, written: rest.text.slice(start, end), before: replaced };
    }
    const left = renderingFrom(rest, followed.at);
    const next = segments[followed.kept];
    const departs = next !== undefined && !next.text.startsWith(left.text);
    return { ...rendering, kept: rendering.kept + followed.kept, replaced, departs, rest: left };
  }

  private answersIn(places: readonly Place<TemplateMessage>[]): readonly AnswerPlace[] {
    return answersIn(places, this.escaper);
  }

  private walk(
    input: Parameters<ChatTemplate["walk"]>[0],
    frame: PromptFrame,
  ): TemplateWalk<TemplateMessage> | "refused" | undefined {
    try {
      return this.template.walk(input, this.optionsOf(frame));
    } catch (error) {
      if (!(error instanceof ResidentError)) throw error;
      // The whole rendering decides whether the conversation is refused.
      return error.code === "INVALID_REQUEST" ? "refused" : undefined;
    }
  }
}

/** The messages behind a past, results in the order of the calls that they answer. */
export function inputOf(past: Past | undefined, input: readonly ChatMessage[]): readonly ChatMessage[] {
  return past === undefined ? input : inCallOrder([past.answer, ...input]).slice(1);
}

/** The places of answers of which more is known than the template was told. */
export function answersIn(places: readonly Place<TemplateMessage>[], escaper: MessageEscaper): readonly AnswerPlace[] {
  const answers: AnswerPlace[] = [];
  for (const { message, start, end } of places) {
    const said = escaper.saidOf(message);
    if (said !== undefined && start >= (answers.at(-1)?.end ?? 0)) answers.push({ start, end, said });
  }
  return answers;
}

function isSameFrame(a: PromptFrame, b: PromptFrame): boolean {
  return a.system === b.system && a.day === b.day && a.thinking === b.thinking && a.tools === b.tools;
}
