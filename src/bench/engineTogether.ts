import { throwIfAborted } from "../common/errors";
import type { ChatMessage } from "../common/messages";
import type { AgentId, BenchRow, ResidentService, TurnFigures } from "../protocol/service";
import { usual } from "./benchSampling";
import { benchText, randomWords } from "./benchText";
import type { AnswerPlan } from "./engineAnswers";
import { finishedAnswer } from "./finishedAnswer";
import { type AgentService, withReadingAgent } from "./readingAgent";
import { median, percentiles } from "./statistics";

/** As many as an agent may have at once. */
const numDelegates = 4;
const numSmall = 3;

type DelegatingService = AgentService & Pick<ResidentService, "forkAgent">;
type ChatService = Pick<ResidentService, "chat" | "loadModel">;

/**
 * Delegates of an agent that has read much: the time from their forks to the last of their answers, against the longest of the
 * same tasks alone. The row says how many tokens the one that read most had to read.
 */
export async function delegatesRow(
  service: DelegatingService,
  plan: AnswerPlan,
  signal: AbortSignal,
): Promise<BenchRow> {
  const alone: number[] = [];
  const together: number[] = [];
  const read: TurnFigures[] = [];
  await withReadingAgent(service, plan.sharedTokens, signal, async (agent) => {
    await agent.ask();
    for (let i = 0; i < plan.repeats; i += 1) {
      const tasks = Array.from({ length: numDelegates }, () => `Look for:${randomWords(16)}`);
      const timesMs: number[] = [];
      for (const task of tasks) {
        await agent.rest();
        timesMs.push((await delegated(service, agent.id, [task], plan.answerTokens, signal)).ms);
      }
      alone.push(Math.max(...timesMs));
      await agent.rest();
      const { ms, figures } = await delegated(service, agent.id, tasks, plan.answerTokens, signal);
      together.push(ms);
      read.push(...figures);
    }
  });
  const most = read.reduce((a, b) => (b.prefilledTokens > a.prefilledTokens ? b : a));
  return {
    case: `${numDelegates} delegates at once of an agent of ${plan.sharedTokens} tokens`,
    ...percentiles(together),
    aloneMs: median(alone),
    ratio: median(together) / Math.max(median(alone), 0.001),
    mostRatio: 1.5,
    reusedTokens: most.reusedTokens,
    prefilledTokens: most.prefilledTokens,
  };
}

async function delegated(
  service: DelegatingService,
  id: AgentId,
  tasks: readonly string[],
  maxTokens: number,
  signal: AbortSignal,
) {
  throwIfAborted(signal);
  const startedMs = performance.now();
  const name = `bench delegate ${Date.now()}`;
  const forks = await Promise.all(tasks.map(() => service.forkAgent(id, name, undefined, { delegateOf: id })));
  try {
    const answered = forks.map(async (fork, i) => {
      const running = await service.send(fork.id, { text: tasks[i] ?? "", sampling: usual(maxTokens) });
      return (await finishedAnswer(running, signal)).figures;
    });
    const figures = await Promise.all(answered);
    return { ms: performance.now() - startedMs, figures };
  } finally {
    for (const fork of forks) await service.deleteAgent(fork.id);
  }
}

/**
 * The next message of another program's long conversation, from its arrival to its first token: alone, and with small requests
 * that come at the same time, by turns right before it and right behind it.
 */
export async function besideSmallRow(service: ChatService, plan: AnswerPlan, signal: AbortSignal): Promise<BenchRow> {
  const { directory: modelDirectory } = await service.loadModel(signal);
  const label = `of a conversation, ${Date.now()}`;
  const messages: ChatMessage[] = [{ role: "system", content: benchText(label, plan.sharedTokens) }];
  const chat = async (asked: readonly ChatMessage[], maxTokens: number, conversation?: string) => {
    throwIfAborted(signal);
    const request = { modelDirectory, messages: asked, sampling: usual(maxTokens) };
    return finishedAnswer(service.chat(conversation === undefined ? request : { ...request, conversation }), signal);
  };
  const ask = async () => {
    messages.push({ role: "user", content: `What comes after:${randomWords(16)}` });
    const { text, figures } = await chat([...messages], 8, label);
    messages.push({ role: "assistant", content: text });
    return figures.waitMs ?? figures.ttftMs;
  };
  const small = () => chat([{ role: "user", content: `A title for:${randomWords(32)}` }], 16);
  await ask();
  const alone: number[] = [];
  const beside: number[] = [];
  for (let i = 0; i < plan.repeats * 4; i += 1) {
    alone.push(await ask());
    const begin = () => Promise.all(Array.from({ length: numSmall }, small));
    const before = i % 2 === 0 ? begin() : undefined;
    const asked = ask();
    const others = before ?? begin();
    const [ms] = await Promise.all([asked, others]);
    beside.push(ms);
  }
  return {
    case: `a conversation's next message beside ${numSmall} small requests, first token`,
    ...percentiles(beside),
    aloneMs: median(alone),
    ratio: median(beside) / Math.max(median(alone), 0.001),
    mostRatio: 1.2,
  };
}
