import type { Attachment } from "../common/attachments";
import { ResidentError } from "../common/errors";
import type { ToolResult } from "../common/tools";
import type { AgentId, AgentSummary, DraftSize, TurnId } from "../protocol/service";
import type { AgentWorld } from "./agentWorld";
import { checkedAttachments } from "./checkedFiles";
import { storedServer } from "./serverPort";
import { attachmentsOf, resultsSoFar, waitingCalls } from "./turnInput";

/** What is done for an agent between its turns: what comes next is read and measured, and what there is is saved. */
export function agentAhead(world: AgentWorld) {
  const { live, residency } = world;
  const { models } = world.options;
  return {
    /**
     * Reads the branch at the head and the draft of the next message ahead. Resolves when they are hot or more important
     * work came.
     */
    async warm(id: AgentId, draft?: string, attachments?: readonly Attachment[]): Promise<AgentSummary> {
      const wanted = attachments && checkedAttachments(attachments);
      return live.use(id, async (agent) => {
        const isWritten = draft !== undefined || wanted !== undefined;
        const readsFiles = agent.filesReading.isOpen;
        await residency.readAhead.start(
          agent,
          isWritten ? { text: draft ?? "", attachments: wanted ?? [] } : undefined,
        );
        // They are long, and the process may end before the next answer is saved.
        if (readsFiles && !agent.filesReading.isOpen) void residency.save(agent);
        return agent.summary();
      });
    },

    /** Reads the results that are known so far ahead, and what stands before the next. */
    readAheadResults(id: AgentId, results: readonly ToolResult[]): Promise<AgentSummary> {
      return live.use(id, async (agent) => {
        if (agent.activity !== undefined) return agent.summary();
        const known = resultsSoFar(waitingCalls(agent.headTurn), results);
        if (known.length > 0) await residency.readAhead.startResults(agent, known);
        return agent.summary();
      });
    },

    /**
     * How long a message would be; `undefined` while the agent's model is not loaded. Uses the text model only, so it
     * waits for no answer, read-ahead or load.
     */
    async measureDraft(
      id: AgentId,
      text: string,
      instead?: TurnId,
      given?: readonly Attachment[],
    ): Promise<DraftSize | undefined> {
      const checked = given && checkedAttachments(given);
      if (models.current === undefined) return undefined;
      return live.use(id, async (agent) => {
        const { conversation, frame, frameSize, writer } = agent;
        if (storedServer(writer.manifest) !== undefined) return undefined;
        const session = models.loaded(writer.manifest.modelDirectory);
        if (session === undefined) return undefined;
        const { prompts } = session.text;
        const replaced = instead === undefined ? undefined : agent.turn(instead);
        const before = replaced === undefined ? agent.head : replaced.parent;
        const draft = { text, attachments: checked ?? attachmentsOf(replaced?.input ?? []) };
        const size = await conversation.sizeWith(before, draft, frame, prompts);
        if (await frameSize.count(prompts)) world.changed(agent);
        return { ...size, contextTokens: session.contextTokens };
      });
    },

    save(id: AgentId): Promise<AgentSummary> {
      return live.use(id, async (agent) => {
        // `done` may resolve before the turn's clean-up has finished.
        if (agent.activity === undefined) await agent.over;
        await residency.save(agent);
        if (agent.saveError !== undefined) throw ResidentError.fromInfo(agent.saveError);
        return agent.summary();
      });
    },
  };
}
