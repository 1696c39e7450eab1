import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { encodeRecord } from "../agents/turnRecords";
import type { HostPlan, HostWorld } from "../bench/hostSuite";
import { writeLongContextModel } from "../bench/longContextModel";
import { throwIfAborted } from "../common/errors";
import type { Log } from "../common/log";
import { inspectModel, readTextFiles } from "../models/modelDirectory";
import { AgentStore, type NewAgent } from "../store/agentStore";
import { durableFiles } from "../store/files";
import { createTextModel } from "../text/textModel";
import { type WrittenTurn, writtenTurns } from "./hostWorldTurns";
import { startCoreThread } from "./remote/startCoreThread";

export interface HostWorldSources {
  /** Folder in which the world's home is created. */
  readonly scratch: string;
  /** Its tokenizer and template are used. */
  readonly model: string;
  readonly nativeStage: string;
  /** The bundle of the core. */
  readonly coreFile: string;
  readonly log: Log;
}

const agentTurns = 3;
const agentTokens = 300;
/** Room for the messages to the agent. */
const spareTokens = 8192;
const poolBytes = 64 * 2 ** 20;
const blockTokens = 64;

/** A home with agents whose conversations were written without a model, and a core for it in a worker thread. */
export async function openHostWorld(
  { scratch, model, nativeStage, coreFile, log }: HostWorldSources,
  plan: HostPlan,
  signal: AbortSignal,
): Promise<HostWorld> {
  await mkdir(scratch, { recursive: true });
  const home = await mkdtemp(path.join(scratch, "host-"));
  try {
    const directory = path.join(home, "models", "long-context");
    const contextTokens = plan.tokens + spareTokens;
    const { vocabSize } = await inspectModel(model);
    await writeLongContextModel(directory, model, { contextTokens, vocabSize });
    const text = createTextModel(await readTextFiles(directory));
    // No other process uses this home.
    const locks = { tryLock: () => ({ release: () => {} }) };
    const store = new AgentStore(path.join(home, "agents"), durableFiles, () => locks);
    const agent = { modelDirectory: directory, modelName: "long-context", contextTokens, system: "" };
    const write = async (name: string, turns: number, tokens: number) =>
      writeAgent(store, { ...agent, name }, await writtenTurns(text, turns, Math.floor(tokens / turns)));
    const long = await write("long", plan.turns, plan.tokens);
    const others: string[] = [];
    while (others.length + 1 < plan.agents) {
      throwIfAborted(signal);
      others.push(await write(`agent ${others.length}`, agentTurns, agentTokens));
    }
    const service = startCoreThread(
      coreFile,
      {
        home,
        starterModel: directory,
        nativeStage,
        modelFolders: [],
        poolBytes,
        blockTokens,
        storeQuotaBytes: 2 ** 30,
      },
      log,
    );
    const dispose = async () => {
      await service.dispose();
      await rm(home, { recursive: true, force: true });
    };
    return { service, long, others, dispose };
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

async function writeAgent(store: AgentStore, agent: NewAgent, turns: readonly WrittenTurn[]): Promise<string> {
  const writer = await store.create(agent);
  try {
    for (const { records } of turns) {
      for (const record of records) {
        const { body, tokens } = encodeRecord(record);
        writer.append(body, tokens);
      }
    }
    const last = turns.at(-1);
    writer.change({ head: last?.turn ?? null, headTurns: turns.length, headTokens: last?.endTokens ?? 0 });
    await writer.commit();
    return writer.manifest.id;
  } finally {
    await writer.close();
  }
}
