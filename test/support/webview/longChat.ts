import type { ChatSnapshot, ChatUpdate } from "../../../src/protocol/chat";
import type { PageTurn } from "../../../src/protocol/page";
import { agent, figures, ready } from "./samples/agents";

/** A text that is only in the first turn of a long conversation. */
export const rareWord = "serendipity";

const prose = "The parser reports `expected '}'` at the end of the **last complete statement**, then it skips on. ";
const code = "```ts\nfunction add(left: number, right: number): number {\n  return left + right; // the sum\n}\n```\n";

function longTurn(number: number): PageTurn {
  return {
    id: `t${number}`,
    user: number === 1 ? `What is ${rareWord}?` : `Question ${number}`,
    answer: `${prose.repeat(1 + (number % 4))}\n\n1. One thing\n2. Another thing\n\n${code}\n${prose}`,
    state: "done",
    finishReason: "stop",
    createdAt: 0,
    figures: figures(60 * number, 40, 250),
  };
}

/** The id of the running turn. */
export const runningId = "running";

/** `count` turns, each with text and code; the last one is running and has no text yet. */
export function longSnapshot(count: number): ChatSnapshot {
  const ended = Array.from({ length: count - 1 }, (_, at) => longTurn(at + 1));
  return {
    settings: { language: "en" },
    agent: agent(0, "Parser reviewer", { state: "answering", turnCount: count }),
    system: "",
    engine: { state: ready, actions: [] },
    starts: [],
    turns: [...ended, { id: runningId, user: "And now?", answer: "", state: "running", createdAt: 0 }],
    branches: [],
  };
}

/** More text of the running turn. */
export function textUpdate(offset: number, text: string): ChatUpdate {
  return { type: "text", turn: runningId, delta: { offset, text, figures: figures(3000, 40, offset) } };
}
