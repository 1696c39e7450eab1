import { ResidentError } from "../common/errors";
import type { ChatTemplate } from "./chatTemplate";
import { Detokenizer } from "./detokenizer";
import { messagesOf } from "./past";
import type { AnswerText, BuiltPrompt, ChatMessage, Dialogue, PromptAhead, PromptBuilder, Segment } from "./prompt";
import { keepAgreed } from "./segments";
import { runInSlices, type Steps } from "./steps";
import type { TextTokenizer } from "./tokenizer";

/** Stands before and behind a draft while it is rendered: no character, like the escape (markedText.ts). */
const draftMark = "\uFDD1";

/** Builds prompts with a model's tokenizer and chat template. Pure: the same arguments give the same prompt. */
export class TemplatePromptBuilder implements PromptBuilder {
  constructor(
    private readonly tokenizer: TextTokenizer,
    private readonly template: ChatTemplate | undefined,
    private readonly stopIds: ReadonlySet<number>,
  ) {}

  async build(
    messages: readonly ChatMessage[],
    history: readonly Segment[],
    signal?: AbortSignal,
  ): Promise<BuiltPrompt> {
    return runInSlices(this.encode(this.render(messages), history), signal);
  }

  async ahead(
    messages: readonly ChatMessage[],
    history: readonly Segment[],
    signal?: AbortSignal,
  ): Promise<PromptAhead> {
    const drafted = messages.map((message, i) =>
      i < messages.length - 1 ? message : { ...message, content: draftMark + message.content + draftMark },
    );
    const text = this.render(drafted);
    const end = text.lastIndexOf(draftMark);
    const start = text.lastIndexOf(draftMark, end - 1);
    // A template that does not show the message as it is says nothing ahead.
    if (start < 0 || start === end) return { ids: new Int32Array(0), settled: new Int32Array(0) };
    const before = text.slice(0, start);
    const written = before + text.slice(start + draftMark.length, end);
    const { ids } = await runInSlices(this.encode(written, history), signal);
    const settled = await runInSlices(this.encode(before, history), signal);
    return { ids, settled: settled.ids };
  }

  buildAfter({ system, past, user }: Dialogue, signal?: AbortSignal): Promise<BuiltPrompt> {
    return this.build(messagesOf(system, past, user), past?.segments() ?? [], signal);
  }

  aheadAfter({ system, past, user }: Dialogue, signal?: AbortSignal): Promise<PromptAhead> {
    return this.ahead(messagesOf(system, past, user), past?.segments() ?? [], signal);
  }

  private *encode(text: string, history: readonly Segment[]): Steps<BuiltPrompt> {
    const agreed = keepAgreed(history, text, this.tokenizer.specials);
    const rest = text.slice(agreed.textLength);
    const ids = yield* this.tokenizer.markedSteps(rest, agreed.textLength > 0);
    const cut = agreed.segments.slice(agreed.unchanged);
    const added: readonly Segment[] = ids.length === 0 ? cut : [...cut, { kind: "prompt", text: rest, ids }];
    return {
      ids: joined([...agreed.segments.slice(0, agreed.unchanged), ...added]),
      keptSegments: agreed.unchanged,
      added,
      agreedTokens: agreed.segments.reduce((sum, segment) => sum + segment.ids.length, 0),
    };
  }

  async raw(text: string, signal?: AbortSignal): Promise<BuiltPrompt> {
    const encoded = await runInSlices(this.tokenizer.textSteps(text, false), signal);
    const ids = Int32Array.from([...this.tokenizer.leadingIds, ...encoded]);
    const added: readonly Segment[] =
      ids.length === 0 ? [] : [{ kind: "prompt", text: this.tokenizer.specials.escape(text), ids }];
    return { ids, keptSegments: 0, added, agreedTokens: 0 };
  }

  answerSegments(answer: AnswerText): readonly Segment[] {
    const last = answer.ids.at(-1);
    const stopId = last !== undefined && this.stopIds.has(last) ? last : undefined;
    const said = stopId === undefined ? answer.ids : answer.ids.subarray(0, -1);
    const shown = this.shownPart(said, answer.text);
    const segments: Segment[] = [];
    if (shown.ids.length > 0) {
      segments.push({ kind: "answer", text: this.tokenizer.specials.escapeAnswer(shown.text), ids: shown.ids });
    }
    const stopText = stopId === undefined ? undefined : this.tokenizer.specialOf(stopId);
    if (stopId !== undefined && stopText !== undefined && shown.ids.length === said.length) {
      segments.push({ kind: "prompt", text: stopText, ids: Int32Array.of(stopId) });
    }
    return segments;
  }

  /** The longest beginning of `ids` whose text is the beginning of what was shown. */
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

  private render(messages: readonly ChatMessage[]): string {
    if (this.template === undefined) {
      throw new ResidentError(
        "MODEL_UNSUPPORTED",
        "the model has no chat template: it is not made for conversations",
        "generate without a template, or choose an instruction-tuned model",
      );
    }
    const { specials } = this.tokenizer;
    const escaped = messages.map(({ role, content }) => ({
      role,
      content: role === "assistant" ? specials.escapeAnswer(content) : specials.escape(content),
    }));
    try {
      return this.template.render(escaped, true);
    } catch (error) {
      const folded = foldSystem(escaped);
      if (folded === undefined || !(error instanceof ResidentError) || error.code !== "INVALID_REQUEST") throw error;
      return this.template.render(folded, true);
    }
  }
}

/** For templates that refuse a system message: it goes before the first user message, as their models were trained. */
function foldSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] | undefined {
  const [system, user, ...others] = messages;
  if (system?.role !== "system" || user?.role !== "user") return undefined;
  return [{ role: "user", content: `${system.content}\n\n${user.content}` }, ...others];
}

function joined(segments: readonly Segment[]): Int32Array {
  const ids = new Int32Array(segments.reduce((sum, segment) => sum + segment.ids.length, 0));
  let at = 0;
  for (const segment of segments) {
    ids.set(segment.ids, at);
    at += segment.ids.length;
  }
  return ids;
}
