import type { PinnedFile } from "../common/attachments";
import type { Thinking } from "../common/thinking";
import type { ToolSpec } from "../common/tools";
import type { AgentId, AgentSampling, AgentServer, AgentSummary } from "../protocol/service";
import { checkedThinking } from "./agentFrame";
import { folderModel, modelOf, serverModel, tokensOfAnother } from "./agentModel";
import { validName } from "./agentName";
import { checkedSampling, storedSampling } from "./agentSampling";
import { toolsText } from "./agentTools";
import type { AgentWorld } from "./agentWorld";
import { checkedPinnedFiles } from "./checkedFiles";

/** What an agent is set to: its name, what stands before its conversation, how it samples, and what answers it. */
export function agentSettings(world: AgentWorld) {
  const { live, residency, options } = world;
  const { readAhead } = residency;
  return {
    rename(id: AgentId, name: string): Promise<AgentSummary> {
      return world.change(id, (agent) => options.store.rename(agent.writer, validName(name)));
    },

    pin(id: AgentId, pinned: boolean): Promise<AgentSummary> {
      return world.change(id, async (agent) => {
        await agent.writer.commitOrUndo({ pinned }, { pinned: agent.writer.manifest.pinned === true });
        if (pinned) await readAhead.start(agent);
      });
    },

    /** Sets the agent's own sampling, from its next answer on. Empty: the agent has none of its own. */
    async setSampling(id: AgentId, sampling: AgentSampling): Promise<AgentSummary> {
      const wanted = checkedSampling(sampling);
      return world.change(id, async ({ writer }) => {
        const before = storedSampling(writer.manifest);
        await writer.commitOrUndo({ sampling: { ...wanted } }, { sampling: { ...before } });
      });
    },

    /** Sets how the agent thinks, from its next answer on; `undefined`: as its model does by itself. */
    async setThinking(id: AgentId, thinking: Thinking | undefined): Promise<AgentSummary> {
      const wanted = thinking === undefined ? "" : checkedThinking(thinking);
      return world.changeIdle(id, async (agent) => {
        await agent.changeFrame({ thinking: wanted }, { thinking: agent.writer.manifest.thinking ?? "" });
        await readAhead.stop(agent);
      });
    },

    /** Sets the tools that the agent's model is told of, from its next message on. */
    async setTools(id: AgentId, tools: readonly ToolSpec[]): Promise<AgentSummary> {
      const wanted = toolsText(tools);
      return world.changeIdle(id, async (agent) => {
        await agent.changeFrame({ tools: wanted }, { tools: agent.writer.manifest.tools ?? "" });
        await readAhead.stop(agent);
      });
    },

    setSystem(id: AgentId, system: string): Promise<AgentSummary> {
      return world.changeIdle(id, (agent) => agent.changeFrame({ system }, { system: agent.writer.manifest.system }));
    },

    /** Sets the files that stand behind the agent's instructions, from its next message on. */
    async setPinnedFiles(id: AgentId, files: readonly PinnedFile[]): Promise<AgentSummary> {
      const wanted = checkedPinnedFiles(files);
      return live.use(id, async (agent) => {
        agent.assertIdle();
        const before = agent.tree.files;
        await agent.setFiles(wanted);
        if (agent.tree.files === before) return agent.summary();
        // A message that came meanwhile has ended the reading, and reads them itself.
        if (agent.activity !== undefined) return world.changed(agent);
        await readAhead.stop(agent);
        agent.filesReading.begin();
        return world.changed(agent);
      });
    },

    /** From the next message on a server answers the agent. */
    async useServer(id: AgentId, server: AgentServer): Promise<AgentSummary> {
      const wanted = await serverModel(options, server);
      return world.changeIdle(id, async (agent) => {
        await agent.changeFrame(wanted, modelOf(agent.writer.manifest));
        await residency.evict(agent);
      });
    },

    /** From the next message on the model in a folder answers the agent. */
    async useFolder(id: AgentId, modelDirectory: string): Promise<AgentSummary> {
      const wanted = { ...(await folderModel(options, modelDirectory)), server: "" };
      return world.changeIdle(id, (agent) => {
        const { manifest } = agent.writer;
        const hasTokens = agent.tree
          .all()
          .some(({ prompt, answerIds }) => prompt !== undefined || answerIds.length > 0);
        if (hasTokens && manifest.modelDirectory !== modelDirectory) throw tokensOfAnother(manifest);
        return agent.changeFrame(wanted, modelOf(manifest));
      });
    },
  };
}
