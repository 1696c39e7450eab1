import type { TurnRecord } from "../agents/turnRecords";
import { noFigures } from "../agents/turnTree";
import { randomWords } from "../bench/benchText";
import { answerMessage, userInput } from "../common/messages";
import { Past } from "../text/past";
import type { TextModel } from "../text/textModel";

/** A turn as an agent's log stores it. */
export interface WrittenTurn {
  readonly turn: string;
  readonly records: readonly TurnRecord[];
  /** Tokens of the branch up to the end of the turn's answer. */
  readonly endTokens: number;
}

/** Tokens of a turn that the template adds. */
const templateTokens = 10;

/**
 * A conversation of `count` turns of about `tokens` tokens each, without a model: the text model builds the prompts;
 * the answers are random words.
 */
export async function writtenTurns(
  text: Pick<TextModel, "prompts" | "tokenizer" | "stopIds">,
  count: number,
  tokens: number,
): Promise<readonly WrittenTurn[]> {
  const { prompts, tokenizer, stopIds } = text;
  const half = Math.max(5, Math.floor((tokens - templateTokens) / 2));
  const turns: WrittenTurn[] = [];
  let past: Past | undefined;
  for (let i = 0; i < count; i += 1) {
    const input = userInput(`Question ${i + 1}:${randomWords(half - 4)}`);
    const answer = `Answer ${i + 1}:${randomWords(half - 4)}`;
    const { added, keptSegments: keep, ids: prompt } = await prompts.buildAfter({ system: "", past, input });
    const ids = Int32Array.from([...tokenizer.encodeText(answer), ...stopIds.slice(0, 1)]);
    const turn = `t${i + 1}`;
    const promptTokens = prompt.length;
    const at = i + 1;
    turns.push({
      turn,
      endTokens: promptTokens + ids.length,
      records: [
        { type: "turn", turn, input, at, ...(i === 0 ? {} : { parent: `t${i}` }) },
        { type: "prompt", turn, keep, segments: added, tokens: promptTokens },
        { type: "answer", turn, text: answer, ids },
        { type: "end", turn, state: "done", finishReason: "stop", figures: { ...noFigures, promptTokens } },
      ],
    });
    const said = prompts.answerSegments({ ids, text: answer });
    past = new Past(past, { input, answer: answerMessage(answer), keep, added: [...added, ...said] });
  }
  return turns;
}
