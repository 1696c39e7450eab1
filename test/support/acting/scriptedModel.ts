/** A model whose answers a test writes: text and calls in place of sampled letters. Everything around it is the real core. */
import type { AnswerDecoder } from "../../../src/agents/ports";
import type { DroppedCall, JsonObject } from "../../../src/common/tools";

export interface ScriptedAnswer {
  readonly text?: string;
  readonly calls?: readonly (readonly [name: string, args: JsonObject])[];
  readonly dropped?: DroppedCall;
  /** The answer does not end by itself: it says letters until its limit. */
  readonly isEndless?: boolean;
  /** Happens before it is said. */
  readonly meanwhile?: () => void;
}

/** The next answer, from the end of the prompt as text: the last message or results stand there. */
export type Script = (heard: string) => ScriptedAnswer;

/** These answers in turn, whatever is heard. */
export function inTurn(...answers: readonly ScriptedAnswer[]): Script {
  let next = 0;
  return (heard) => {
    const answer = answers[next++];
    if (answer === undefined) throw new Error(`the script is over; heard: ${heard.slice(-400)}`);
    return answer;
  };
}

const heardLength = 30_000;

export class ScriptedModel {
  /** What was heard before each answer. */
  readonly heard: string[] = [];
  private calls = 0;

  constructor(private readonly script: Script) {}

  readonly decoder = (prompt: Int32Array): AnswerDecoder => {
    const heard = String.fromCharCode(...prompt.subarray(-heardLength));
    this.heard.push(heard);
    const answer = this.script(heard);
    answer.meanwhile?.();
    let isSaid = false;
    const nothing = { text: "", hidden: "", thought: "" };
    const first = {
      ...nothing,
      text: answer.text ?? "",
      ...(answer.calls && {
        calls: answer.calls.map(([name, args]) => ({ id: `c${++this.calls}`, name, arguments: args })),
      }),
      ...(answer.dropped && { dropped: answer.dropped }),
    };
    return {
      push: () => {
        if (isSaid) return { ...nothing, text: "x", stopped: false };
        isSaid = true;
        return { ...first, stopped: answer.isEndless !== true };
      },
      finish: () => nothing,
    };
  };
}
