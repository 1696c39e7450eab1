import type { TurnRecord } from "../agents/turnRecords";
import { noFigures } from "../agents/turnTree";
import { randomWords } from "../bench/benchText";
import type { ChatMessage, Segment } from "../text/prompt";
import type { TextModel } from "../text/textModel";

/** A turn as the log of an agent has it. */
export interface WrittenTurn {
  readonly turn: string;
  readonly records: readonly TurnRecord[];
  /** Of the branch, with the turn's answer. */
  readonly endTokens: number;
}

/** Of a turn's tokens, those that the template adds. */
const templateTokens = 10;

/**
 * A conversation of `count` turns of about `tokens` tokens each, without a model: the prompts are those that the text model
 * builds, the answers are written. A template renders each turn but the first alike, so what a turn adds is built behind the
 * first turn alone: the work is proportional to the turns.
 */
export function writtenTurns(
  text: Pick<TextModel, "prompts" | "tokenizer" | "stopIds">,
  count: number,
  tokens: number,
): readonly WrittenTurn[] {
  const { prompts, tokenizer, stopIds } = text;
  const half = Math.max(5, Math.floor((tokens - templateTokens) / 2));
  const turns: WrittenTurn[] = [];
  /** The first turn, as a conversation and as its segments. */
  const first: { messages: readonly ChatMessage[]; history: readonly Segment[] } = { messages: [], history: [] };
  let numSegments = 0;
  let numTokens = 0;
  for (let i = 0; i < count; i += 1) {
    const user = `Question ${i + 1}:${randomWords(half - 4)}`;
    const answer = `Answer ${i + 1}:${randomWords(half - 4)}`;
    const built = prompts.build([...first.messages, { role: "user", content: user }], first.history);
    const added = built.segments.slice(built.keptSegments);
    const ids = Int32Array.from([...tokenizer.encodeText(answer), ...stopIds.slice(0, 1)]);
    const answered = prompts.answerSegments({ ids, text: answer });
    const turn = `t${i + 1}`;
    const promptTokens = numTokens + lengthOf(added);
    const at = i + 1;
    turns.push({
      turn,
      endTokens: promptTokens + ids.length,
      records: [
        { type: "turn", turn, user, at, ...(i === 0 ? {} : { parent: `t${i}` }) },
        { type: "prompt", turn, keep: numSegments, segments: added, tokens: promptTokens },
        { type: "answer", turn, text: answer, ids },
        { type: "end", turn, state: "done", finishReason: "stop", figures: { ...noFigures, promptTokens } },
      ],
    });
    numSegments += added.length + answered.length;
    numTokens = promptTokens + lengthOf(answered);
    if (i > 0) continue;
    first.messages = [
      { role: "user", content: user },
      { role: "assistant", content: answer },
    ];
    first.history = [...added, ...answered];
  }
  return turns;
}

function lengthOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.ids.length, 0);
}
