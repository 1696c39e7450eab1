import path from "node:path";
import { encodeRecord, type TurnRecord } from "../../../src/agents/turnRecords";
import { noFigures } from "../../../src/agents/turnTree";
import type { ToolCall } from "../../../src/common/tools";
import { readTextFiles, summarizeModel } from "../../../src/models/modelDirectory";
import { AgentStore } from "../../../src/store/agentStore";
import { durableFiles } from "../../../src/store/files";
import { createTextModel } from "../../../src/text/textModel";
import { FakeLocks } from "../../support/store/fakes";
import type { Answer } from "./journal";

export const waitingMessage = "How warm is the lake?";
const waitingCall: ToolCall = { id: "c1", name: "measure", arguments: { place: "lake" } };
const said = "I measure.";
const raw = `${said}<call>${JSON.stringify(waitingCall.arguments)}</call>`;

/**
 * Writes an agent whose answer called a tool and waits for the result. The device of these programs says random words, so
 * the answer is written here; whatever follows it is the programs' own.
 */
export async function writeWaitingAgent(
  home: string,
  model: string,
  name: string,
): Promise<{ readonly id: string; readonly turn: string; readonly answer: Answer }> {
  const { contextTokens, name: modelName } = await summarizeModel(model);
  const { prompts, tokenizer, stopIds } = createTextModel(await readTextFiles(model));
  const input = [{ role: "user", content: waitingMessage }] as const;
  const built = await prompts.buildAfter({ system: "", past: undefined, input });
  const ids = Int32Array.from([...tokenizer.encodeText(raw), ...stopIds.slice(0, 1)]);
  const turn = "t1";
  const records: readonly TurnRecord[] = [
    { type: "turn", turn, input, at: 1 },
    { type: "prompt", turn, keep: built.keptSegments, segments: built.added, tokens: built.ids.length },
    { type: "answer", turn, text: said, raw, calls: [waitingCall], ids },
    { type: "end", turn, state: "done", finishReason: "calls", figures: noFigures },
  ];
  const locks = new FakeLocks().process();
  const store = new AgentStore(path.join(home, "agents"), durableFiles, () => locks);
  // Without tools of its own: the model's template has no form for them.
  const writer = await store.create({ name, modelDirectory: model, modelName, contextTokens, system: "" });
  for (const record of records) {
    const { body, tokens } = encodeRecord(record);
    writer.append(body, tokens);
  }
  writer.change({ head: turn, headTurns: 1, headTokens: built.ids.length + ids.length, headCalls: 1 });
  await writer.commit();
  const { id } = writer.manifest;
  await writer.close();
  return { id, turn, answer: { text: said, ids: ids.join(" ") } };
}
