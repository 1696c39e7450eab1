import { ResidentError } from "../common/errors";
import { AnswerEnds } from "./answerEnds";
import { writesSpaceBeforeAnswers } from "./answerSpace";
import { inCallOrder } from "./callOrder";
import type { ChatTemplate, TemplateOptions } from "./chatTemplate";
import { Detokenizer } from "./detokenizer";
import { cutAtDraft, withDraftMarks } from "./drafts";
import { foldedForms } from "./foldings";
import type { SpecialToken } from "./markedText";
import { MessageEscaper } from "./messageEscaper";
import { type ChatMessage, joinedIds, numIds, type Segment, type TemplateMessage } from "./messages";
import { messagesOf, type Past } from "./past";
import { answersIn, inputOf, type PastRendering, PastRenderings } from "./pastRenderings";
import type {
  AnswerText,
  BuiltPrompt,
  Dialogue,
  PromptAhead,
  PromptBuilder,
  PromptFrame,
  PromptOptions,
} from "./prompt";
import { type Rendering, withSaid } from "./saidAnswers";
import { type Agreed, type Cutting, keepAgreed } from "./segments";
import { runInSlices, type Steps } from "./steps";
import { TemplateTools } from "./templateTools";
import type { TextTokenizer } from "./tokenizer";
import { toolFormsOf } from "./toolForms";
import { toolFormatOf } from "./tools/detect";
import { turnTokens } from "./turnTokens";

/** Builds prompts with a model's tokenizer and chat template. Pure: the same arguments give the same prompt. */
export class TemplatePromptBuilder implements PromptBuilder {
  private readonly escaper: MessageEscaper;
  private readonly tools: TemplateTools | undefined;
  private readonly ends: AnswerEnds;
  private readonly renderings: PastRenderings | undefined;
  private readonly cutting: Cutting;
  private readonly spaceBeforeAnswers: boolean;

  constructor(
    private readonly tokenizer: TextTokenizer,
    private readonly template: ChatTemplate | undefined,
    private readonly stopIds: ReadonlySet<number>,
    /** Tokens that no message can hold. */
    isMeant: (token: SpecialToken) => boolean = turnTokens(template, tokenizer.specials),
  ) {
    const forms = toolFormsOf(template);
    this.escaper = new MessageEscaper(tokenizer.specials, isMeant, {
      thoughtMembers: template?.thoughtMembers ?? [],
      tools: forms,
      calls:
        template !== undefined && forms.takesTools && forms.calls === undefined ? toolFormatOf(template) : undefined,
    });
    this.tools = template && new TemplateTools(template, this.escaper);
    this.ends = new AnswerEnds(template, tokenizer.specials);
    this.cutting = {
      specials: tokenizer.specials,
      answer: (ids, agreed) => {
        const text = tokenizer.specials.plain(agreed);
        return this.answerSegment(this.shownPart(ids, this.beginsWithSpace(ids) ? text.slice(1) : text));
      },
    };
    // Only a tokenizer that does not show the first space needs it put back.
    this.spaceBeforeAnswers = tokenizer.dropsFirstSpace && template !== undefined && writesSpaceBeforeAnswers(template);
    this.renderings =
      template && new PastRenderings(template, this.escaper, this.ends, (frame) => this.optionsOf(frame));
  }

  async build(
    messages: readonly ChatMessage[],
    history: readonly Segment[],
    signal?: AbortSignal,
    options: PromptOptions = {},
  ): Promise<BuiltPrompt> {
    const rendering = await runInSlices(this.render(messages, options), signal);
    return runInSlices(this.encode(rendering, history), signal);
  }

  async ahead(
    messages: readonly ChatMessage[],
    history: readonly Segment[],
    signal?: AbortSignal,
    options: PromptOptions = {},
  ): Promise<PromptAhead> {
    const rendering = await runInSlices(this.render(withDraftMarks(messages), options), signal);
    const written = cutAtDraft(rendering);
    if (written === undefined) return nothingAhead;
    const { ids } = await runInSlices(this.encode(written.withDraft, history), signal);
    const settled = await runInSlices(this.encode(written.before, history), signal);
    return { ids, settled: settled.ids };
  }

  async buildAfter({ past, input, ...frame }: Dialogue, signal?: AbortSignal): Promise<BuiltPrompt> {
    const known = past && (await this.promptAfter(past, inputOf(past, input), frame, signal));
    if (past === undefined || known === undefined) {
      return this.build(messagesOf(frame.system, past, input), past?.segments() ?? [], signal, frame);
    }
    return runInSlices(this.encodeBehind(known.prompt, past, known.rendering), signal);
  }

  async aheadAfter({ past, input, ...frame }: Dialogue, signal?: AbortSignal): Promise<PromptAhead> {
    const known = past && (await this.promptAfter(past, withDraftMarks(inputOf(past, input)), frame, signal));
    const written = known && cutAtDraft(known.prompt);
    if (past === undefined || known === undefined || written === undefined) {
      return this.ahead(messagesOf(frame.system, past, input), past?.segments() ?? [], signal, frame);
    }
    const { ids } = await runInSlices(this.encodeBehind(written.withDraft, past, known.rendering), signal);
    const settled = await runInSlices(this.encodeBehind(written.before, past, known.rendering), signal);
    return { ids, settled: settled.ids };
  }

  /** The prompt behind what is known of the past; `undefined`: the template must see the whole conversation. */
  private async promptAfter(past: Past, input: readonly ChatMessage[], frame: PromptFrame, signal?: AbortSignal) {
    const { renderings } = this;
    if (renderings === undefined) return undefined;
    const rendering = await runInSlices(renderings.of(past, frame), signal);
    const prompt = rendering && (await runInSlices(renderings.prompt(rendering, input), signal));
    return rendering === undefined || prompt === undefined ? undefined : { rendering, prompt };
  }

  /** `rendering`: what follows the segments that agree. */
  private *encodeBehind(rendering: Rendering, past: Past, { kept, departs }: PastRendering): Steps<BuiltPrompt> {
    const compared = past.segments(kept, departs ? kept + 1 : past.numSegments);
    const text = withSaid(rendering, compared, this.ends);
    const agreed = keepAgreed(compared, text, this.cutting);
    const added = yield* this.added(agreed, text, past.segments(Math.max(0, kept - 1), kept));
    const keptSegments = kept + agreed.unchanged;
    const cutTokens = numIds(agreed.segments.slice(agreed.unchanged));
    return {
      ids: past.ids(keptSegments, added),
      keptSegments,
      added,
      agreedTokens: past.tokensOfFirst(keptSegments) + cutTokens,
    };
  }

  private *encode(rendering: Rendering, history: readonly Segment[]): Steps<BuiltPrompt> {
    const text = withSaid(rendering, history, this.ends);
    const agreed = keepAgreed(history, text, this.cutting);
    const added = yield* this.added(agreed, text, []);
    return {
      ids: joinedIds([...agreed.segments.slice(0, agreed.unchanged), ...added]),
      keptSegments: agreed.unchanged,
      added,
      agreedTokens: numIds(agreed.segments),
    };
  }

  /** The segment that was cut, and the rest of `text` encoded. `before`: the segments before those that agree. */
  private *added(agreed: Agreed, text: string, before: readonly Segment[]): Steps<readonly Segment[]> {
    const rest = text.slice(agreed.textLength);
    const last = [...before, ...agreed.segments].at(-1)?.ids.at(-1);
    const ids = yield* this.tokenizer.markedSteps(rest, last);
    const cut = agreed.segments.slice(agreed.unchanged);
    return ids.length === 0 ? cut : [...cut, { kind: "prompt", text: rest, ids }];
  }

  async raw(text: string, signal?: AbortSignal): Promise<BuiltPrompt> {
    const encoded = await runInSlices(this.tokenizer.textSteps(text, "start"), signal);
    const ids = Int32Array.from([...this.tokenizer.leadingIds, ...encoded]);
    const added: readonly Segment[] =
      ids.length === 0 ? [] : [{ kind: "prompt", text: this.tokenizer.specials.escape(text), ids }];
    return { ids, keptSegments: 0, added, agreedTokens: 0 };
  }

  async countText(text: string, signal?: AbortSignal): Promise<number> {
    return (await runInSlices(this.tokenizer.markedSteps(this.escaper.text(text), "middle"), signal)).length;
  }

  answerSegments(answer: AnswerText): readonly Segment[] {
    const last = answer.ids.at(-1);
    const stopId = last !== undefined && this.stopIds.has(last) ? last : undefined;
    const said = stopId === undefined ? answer.ids : answer.ids.subarray(0, -1);
    const shown = this.shownPart(said, answer.text);
    const segments: Segment[] = [];
    if (shown.ids.length > 0) segments.push(this.answerSegment(shown));
    const stopText = stopId === undefined ? undefined : this.tokenizer.specialOf(stopId);
    if (stopId !== undefined && stopText !== undefined && shown.ids.length === said.length) {
      segments.push({ kind: "prompt", text: stopText, ids: Int32Array.of(stopId) });
    }
    return segments;
  }

  private answerSegment({ ids, text }: { readonly ids: Int32Array; readonly text: string }): Segment {
    return { kind: "answer", text: (this.beginsWithSpace(ids) ? " " : "") + this.escaper.text(text), ids };
  }

  /** The rendering has a space before the answer, which the first token holds and decoding drops. */
  private beginsWithSpace(ids: Int32Array): boolean {
    const [first] = ids;
    return this.spaceBeforeAnswers && first !== undefined && this.tokenizer.bytesOf(first)[0] === 0x20;
  }

  /** The longest prefix of `ids` whose text is a prefix of `shown`. */
  private shownPart(ids: Int32Array, shown: string): { readonly ids: Int32Array; readonly text: string } {
    const detokenizer = new Detokenizer(this.tokenizer);
    let length = 0;
    let count = 0;
    for (const id of ids) {
      const piece = detokenizer.push(id);
      if (!shown.startsWith(piece, length)) break;
      length += piece.length;
      count++;
    }
    // The last of these tokens may hold only the beginning of a character.
    for (; count > 0; count--) {
      const part = ids.subarray(0, count);
      const text = this.tokenizer.decode(part);
      if (shown.startsWith(text)) return { ids: part, text };
    }
    return { ids: ids.subarray(0, 0), text: "" };
  }

  private *render(messages: readonly ChatMessage[], frame: PromptOptions): Steps<Rendering> {
    const { template } = this;
    if (template === undefined) {
      throw new ResidentError(
        "MODEL_UNSUPPORTED",
        "the model has no chat template: it is not made for conversations",
        "generate without a template, or choose an instruction-tuned model",
      );
    }
    const escaped = yield* this.escaper.escapeAll(inCallOrder(messages));
    const options = this.optionsOf(frame);
    const render = (form: readonly TemplateMessage[]): Rendering => {
      const { text, places } = template.renderPlaced(form, true, options);
      return { text, answers: answersIn(places, this.escaper) };
    };
    try {
      return render(escaped);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      for (const folded of foldedForms(escaped)) {
        yield;
        const rendering = unlessRefused(() => render(folded));
        if (rendering !== undefined) return rendering;
      }
      throw error;
    }
  }

  private optionsOf({ day, thinking, tools }: PromptOptions): TemplateOptions {
    const known = this.tools?.of(tools);
    return {
      ...(day === undefined ? {} : { day }),
      ...(thinking === undefined ? {} : { thinking }),
      ...(known === undefined ? {} : { tools: known }),
    };
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ResidentError && error.code === "INVALID_REQUEST";
}

function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

const nothingAhead: PromptAhead = { ids: new Int32Array(0), settled: new Int32Array(0) };
