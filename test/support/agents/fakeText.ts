import type { AnswerDecoder, TextModel } from "../../../src/agents/ports";
import { joinIds } from "../../../src/agents/turnRecords";
import type { ToolSpec } from "../../../src/common/tools";
import type { ChatMessage, Segment } from "../../../src/text/messages";
import { messagesOf } from "../../../src/text/past";
import type { BuiltPrompt, Dialogue, PromptAhead, PromptBuilder } from "../../../src/text/prompt";
import type { SaidPiece } from "../../../src/text/thinkingSplitter";

/** Ids are character codes in prompts; a sampled id is one of the letters in an answer. */
export const fakeTextVocabSize = 128;

const letter = (id: number): string => String.fromCharCode(97 + (id % 26));
const encode = (text: string): Int32Array =>
  Int32Array.from(text, (character) => character.charCodeAt(0) % fakeTextVocabSize);

/** As it was said, with its calls. */
const said = (message: ChatMessage) => (message.role === "assistant" ? message.raw : undefined) ?? message.content;

const rendered = (messages: readonly ChatMessage[]) =>
  messages.map((message) => `<${message.role}>${said(message)}`).join("\n");

class FakePrompts implements PromptBuilder {
  constructor(private readonly stopIds: readonly number[]) {}

  async build(messages: readonly ChatMessage[], history: readonly Segment[]): Promise<BuiltPrompt> {
    return this.encode(`${rendered(messages)}\n<assistant>`, history);
  }

  async ahead(messages: readonly ChatMessage[], history: readonly Segment[]): Promise<PromptAhead> {
    const text = rendered(messages);
    const before = text.slice(0, text.length - (messages.at(-1)?.content.length ?? 0));
    return { ids: this.encode(text, history).ids, settled: this.encode(before, history).ids };
  }

  buildAfter({ system, past, input }: Dialogue): Promise<BuiltPrompt> {
    return this.build(messagesOf(system, past, input), past?.segments() ?? []);
  }

  aheadAfter({ system, past, input }: Dialogue): Promise<PromptAhead> {
    return this.ahead(messagesOf(system, past, input), past?.segments() ?? []);
  }

  private encode(rendering: string, history: readonly Segment[]): BuiltPrompt {
    let length = 0;
    const kept: Segment[] = [];
    for (const segment of history) {
      if (!rendering.startsWith(segment.text, length)) break;
      length += segment.text.length;
      kept.push(segment);
    }
    const rest = rendering.slice(length);
    const added: readonly Segment[] = rest === "" ? [] : [{ kind: "prompt", text: rest, ids: encode(rest) }];
    return {
      ids: joinIds([...kept, ...added].map((segment) => segment.ids)),
      keptSegments: kept.length,
      added,
      agreedTokens: kept.reduce((sum, segment) => sum + segment.ids.length, 0),
    };
  }

  async raw(text: string): Promise<BuiltPrompt> {
    const ids = encode(text);
    return { ids, added: [{ kind: "prompt", text, ids }], keptSegments: 0, agreedTokens: 0 };
  }

  async countText(text: string): Promise<number> {
    return encode(text).length;
  }

  answerSegments({ ids, text }: { readonly ids: Int32Array; readonly text: string }): readonly Segment[] {
    const last = ids.at(-1);
    const said = last !== undefined && this.stopIds.includes(last) ? ids.subarray(0, -1) : ids;
    const shown = said.subarray(0, text.length);
    return shown.length === 0 ? [] : [{ kind: "answer", text, ids: shown }];
  }
}

/**
 * A model that thinks: the first `count` letters of every answer are its thought. For tests of what becomes of thoughts,
 * not of how they are found.
 */
export class FakeThinker implements AnswerDecoder {
  private said = 0;

  constructor(
    private readonly inner: AnswerDecoder,
    private readonly count: number,
  ) {}

  push(id: number) {
    const piece = this.inner.push(id);
    this.said += 1;
    if (this.said > this.count) return piece;
    return { text: "", hidden: piece.text, thought: piece.text, stopped: false };
  }

  finish(isCut?: boolean, mayGoOn?: boolean) {
    return this.inner.finish(isCut, mayGoOn);
  }
}

/**
 * A model that calls a tool: behind `after` letters two more are a call of the first tool, and the answer ends. For tests
 * of what becomes of calls, not of how they are found.
 */
export class FakeCaller implements AnswerDecoder {
  private said = 0;

  constructor(
    private readonly inner: AnswerDecoder,
    private readonly after: number,
    private readonly tools: readonly ToolSpec[],
    private readonly nextId: () => string,
  ) {}

  push(id: number) {
    const piece = this.inner.push(id);
    const [tool] = this.tools;
    this.said += 1;
    if (tool === undefined || this.said <= this.after) return piece;
    const isLast = this.said === this.after + 2;
    const calls = isLast ? [{ id: this.nextId(), name: tool.name, arguments: { at: id } }] : [];
    return { ...piece, text: "", raw: piece.text, ...(isLast ? { calls } : {}), stopped: isLast };
  }

  finish(isCut = false, mayGoOn = isCut): SaidPiece {
    const piece = this.inner.finish(isCut, mayGoOn);
    const isInside = this.tools.length > 0 && this.said > this.after && this.said < this.after + 2;
    return isInside && isCut ? { ...piece, dropped: { reason: "cut", text: "" } } : piece;
  }
}

/** Holds one letter back when it may begin a stop string of two letters. */
class FakeDecoder implements AnswerDecoder {
  private held = "";

  constructor(
    private readonly stopIds: readonly number[],
    private readonly stops: readonly string[],
  ) {}

  push(id: number) {
    return { ...this.said(id), hidden: "", thought: "" };
  }

  private said(id: number): { readonly text: string; readonly stopped: boolean } {
    const text = this.held + (this.stopIds.includes(id) ? "" : letter(id));
    const stop = this.stops.find((candidate) => text.includes(candidate));
    if (stop !== undefined) return { text: text.slice(0, text.indexOf(stop)), stopped: true };
    const held = this.stops.some((candidate) => candidate.startsWith(text.slice(-1)));
    this.held = held ? text.slice(-1) : "";
    return { text: held ? text.slice(0, -1) : text, stopped: false };
  }

  finish() {
    return { text: this.held, hidden: "", thought: "" };
  }
}

export function fakeText(stopIds: readonly number[] = []): TextModel {
  return {
    prompts: new FakePrompts(stopIds),
    stopIds,
    callOpenerIds: [],
    startAnswer: (stops) => new FakeDecoder(stopIds, stops),
    constraint: () => undefined,
  };
}
