import type { ChatMessage } from "../common/messages";
import type { AgentId, AgentSummary, ConversationSize, TurnId } from "../protocol/service";
import { dayOfAgent, frameOf } from "./agentFrame";
import { folderModel } from "./agentModel";
import { validName } from "./agentName";
import type { AgentWorld } from "./agentWorld";
import { Conversation } from "./conversation";
import { wholeTree } from "./readTree";
import type { TurnRecord } from "./turnRecords";
import { isUnanswered, noFigures, type Turn, TurnTree } from "./turnTree";

/** Copies of an agent that use another model. Token ids belong to one model, so only texts are copied. */
export function copiesWithModel(world: AgentWorld) {
  const { live, options } = world;
  const { store, models } = options;

  async function textsOf(id: AgentId) {
    await live.get(id)?.writer.commit();
    const stored = await store.read(id);
    const tree = await wholeTree(stored);
    const records = textsUpTo(tree, tree.readable(stored.manifest.head));
    return { manifest: stored.manifest, files: tree.files, records };
  }

  return {
    /** A new agent that has the texts of the branch at the head: they are read with its first message. */
    async copyWithModel(id: AgentId, name: string, modelDirectory: string): Promise<AgentSummary> {
      const { manifest, files, records } = await textsOf(id);
      const model = await folderModel(options, modelDirectory);
      const { system, sampling, thinking, tools } = manifest;
      const writer = await store.create({
        ...{ name: validName(name), system, ...model, day: dayOfAgent(manifest) },
        ...(sampling === undefined ? {} : { sampling }),
        ...(thinking === undefined ? {} : { thinking }),
        ...(tools === undefined ? {} : { tools }),
      });
      const copy = world.made(writer);
      try {
        if (files.length > 0) await copy.setFiles(files);
        if (records.length > 0) await copy.addTexts(records, options.wallClockMs());
      } catch (error) {
        await store.remove(copy.id, writer, world.removeBlocksOf);
        throw error;
      }
      return world.adopt(copy);
    },

    /** How many tokens such a copy would read with its first message, and the context of its model. */
    async measureWithModel(id: AgentId, modelDirectory: string): Promise<ConversationSize> {
      const { manifest, files, records } = await textsOf(id);
      const { contextTokens } = await models.describe(modelDirectory);
      const tree = new TurnTree();
      for (const record of records) tree.apply(record);
      const prompts = await models.prompts(modelDirectory);
      const conversation = new Conversation(tree);
      const frame = frameOf(manifest, files);
      const { promptTokens } = await conversation.sizeWith(records.at(-1)?.turn, { text: "" }, frame, prompts);
      return { tokens: promptTokens, contextTokens };
    },
  };
}

const noIds = new Int32Array(0);

/**
 * The answered turns up to `head` as records of a new log. They have neither prompts nor ids: the next message's prompt is
 * rendered and encoded from their texts. Their answers count as whole, because a cut one could only be continued by the
 * model that began it.
 */
export function textsUpTo(tree: TurnTree, head: TurnId | undefined): readonly TurnRecord[] {
  const kept: Turn[] = [];
  /** Results that an answer which is not copied was given: what follows brings them. */
  let given: readonly ChatMessage[] = [];
  for (const turn of tree.branch(head)) {
    const results = turn.input.filter(({ role }) => role === "tool");
    const open = results.length > 0 ? results : given;
    const isCopied = !isUnanswered(turn) && (turn.answerText !== "" || turn.calls.length > 0);
    if (isCopied) kept.push(results.length > 0 ? turn : { ...turn, input: [...given, ...turn.input] });
    given = isCopied ? [] : open;
  }
  return kept.flatMap((turn, index) => textOf(turn, `t${index + 1}`, index === 0 ? undefined : `t${index}`));
}

function textOf(turn: Turn, id: TurnId, parent: TurnId | undefined): readonly TurnRecord[] {
  const { input, summary, createdAt: at, answerText: text, calls } = turn;
  return [
    { type: "turn", turn: id, input, at, ...(parent === undefined ? {} : { parent }), ...(summary && { summary }) },
    { type: "answer", turn: id, text, calls, ids: noIds },
    { type: "end", turn: id, state: "done", finishReason: calls.length > 0 ? "calls" : "stop", figures: noFigures },
  ];
}
