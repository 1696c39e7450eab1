import { InvalidRequestError } from "../common/errors";
import type { AgentId, ResultsRequest, Running, SamplingOptions, SendRequest, TurnId } from "../protocol/service";
import type { AgentWorld } from "./agentWorld";
import { assertNotBlank } from "./answerBudget";
import { checkedAttachments } from "./checkedFiles";
import { noRoomToGoOn } from "./contextFull";
import { assertContinuable, cutTurn } from "./continuing";
import { storedServer } from "./serverPort";
import { attachmentsOf, resultMessages, waitingCalls } from "./turnInput";
import { newTurn, openCopy, sameTurn } from "./turnStart";
import type { TurnStarter } from "./turnStarter";
import { countTokens } from "./turnTree";
import { Wait } from "./wait";

/** What is asked of an agent: a message, the results of its calls, its answer again or the rest of it. */
export function agentTurns({ live, options: { clock } }: AgentWorld, starter: TurnStarter) {
  return {
    async send(id: AgentId, request: SendRequest): Promise<Running> {
      const { text, sampling, instead, toolMode, jsonSchema, isOneOfSeveral: again = false } = request;
      const given = request.attachments && checkedAttachments(request.attachments);
      if (instead === undefined && !given?.length) assertNotBlank(text);
      const wait = new Wait(clock);
      return live.use(id, (agent) => {
        const replaced = instead === undefined ? undefined : agent.turn(instead);
        const attachments = given ?? attachmentsOf(replaced?.input ?? []);
        if (attachments.length === 0) assertNotBlank(text);
        const parent = replaced === undefined ? agent.head : replaced.parent;
        const input = agent.conversation.draftInput(parent, { text, attachments });
        return starter.begin(agent, { ...newTurn(parent, input), again }, { sampling, toolMode, jsonSchema }, wait);
      });
    },

    /** A further step of the turn at the head. Rejects with INVALID_REQUEST where its calls and the results do not fit. */
    async sendResults(id: AgentId, { results, sampling, toolMode }: ResultsRequest): Promise<Running> {
      const wait = new Wait(clock);
      return live.use(id, (agent) => {
        agent.assertIdle();
        const calls = waitingCalls(agent.headTurn);
        if (calls.length === 0 && results.length === 0) {
          throw new InvalidRequestError(`${agent.name} waits for no result`, "send a message");
        }
        return starter.begin(agent, newTurn(agent.head, resultMessages(calls, results)), { sampling, toolMode }, wait);
      });
    },

    /** Continues the head's answer where it was cut. Rejects with INVALID_REQUEST or CONTEXT_FULL where it cannot. */
    async continueAnswer(id: AgentId, sampling?: SamplingOptions): Promise<Running> {
      const wait = new Wait(clock);
      return live.use(id, (agent) => {
        agent.assertIdle();
        const { tree, head, name, writer } = agent;
        const turn = cutTurn(tree, head, name);
        assertContinuable(turn, storedServer(writer.manifest));
        const { contextTokens } = writer.manifest;
        const tokens = countTokens(tree, turn.id);
        if (contextTokens > 0 && tokens >= contextTokens) throw noRoomToGoOn(tokens, contextTokens);
        return starter.begin(agent, tree.isFollowed(turn.id) ? openCopy(turn) : sameTurn, { sampling }, wait);
      });
    },

    /** Answers the message of `turn` (default: the head's) again, on a new branch. */
    async regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<Running> {
      const wait = new Wait(clock);
      return live.use(id, (agent) => {
        const again = turn ?? agent.head;
        if (again === undefined) throw new InvalidRequestError(`${agent.name} has no turn yet`, "send a message first");
        const { parent, input } = agent.turn(again);
        return starter.begin(agent, { ...newTurn(parent, input), again: true }, { sampling }, wait);
      });
    },

    running(id: AgentId): Running | undefined {
      return live.get(id)?.activity?.answer;
    },
  };
}
