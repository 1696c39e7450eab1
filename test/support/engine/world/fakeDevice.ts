import type { ResidentError } from "../../../../src/common/errors";
import type { AgentBlocks } from "../../../../src/engine/agentBlocks";
import type { EngineOptions } from "../../../../src/engine/engineOptions";
import type { PoolGeometry } from "../../../../src/engine/ports";
import type { GenerationRequest } from "../../../../src/engine/request";
import type { Restore, RestoreTarget } from "../../../../src/engine/restore";
import { EngineRig, vocabSize } from "../engineRig";
import { FakeGrammar } from "../fakeGrammar";
import { referenceAnswer } from "../fakeModel";
import type { Fault } from "./actions";
import type { Filled, TrueAnswer, WorldDevice } from "./device";

/** The fake device for a world. Its disk has the blocks of any tokens, as computing them would leave them. */
export class FakeDevice implements WorldDevice {
  readonly vocabSize = vocabSize;
  readonly exact = true;
  /** Ids by the sum of those before: many, some, one alone; 1 to 7 are stop ids. */
  readonly grammar = new FakeGrammar([[10, 20, 30, 41, 52, 3], [14], [26, 38], [9, 11, 13, 60], [8], [17, 19]]);
  duringRun: () => Promise<void> = async () => {};
  private readonly rig: EngineRig;

  constructor(geometry: Partial<PoolGeometry>, options: EngineOptions) {
    this.rig = new EngineRig(geometry, options);
    this.rig.runner.beforeStep = () => this.duringRun();
  }

  get engine(): EngineRig["engine"] {
    return this.rig.engine;
  }

  step(): Promise<boolean> {
    return this.rig.step();
  }

  async trueAnswer(request: GenerationRequest): Promise<TrueAnswer> {
    return { tokenIds: referenceAnswer(request, vocabSize) };
  }

  async holds(cache: AgentBlocks): Promise<boolean> {
    const { table, windowTable, tokenIds } = cache;
    return this.rig.runner.holds(table, tokenIds) && this.rig.runner.holds(windowTable, tokenIds);
  }

  async save(): Promise<void> {}

  async fill(restore: Restore, wanted: Int32Array, good: number): Promise<Filled> {
    const fill = ({ block, start, tokens }: RestoreTarget) => this.rig.runner.fill(block, start, wanted, tokens.length);
    let numTokens = restore.foundTokens;
    for (const target of restore.targets) {
      if (numTokens >= good) break;
      fill(target);
      numTokens = target.start + target.tokens.length;
    }
    const windowTargets = good % 2 === 0 ? undefined : restore.windowTargets;
    windowTargets?.forEach(fill);
    return { numTokens, window: windowTargets !== undefined };
  }

  plan(fault: Fault, error: ResidentError): void {
    const { runner, hasher, clock, engine } = this.rig;
    switch (fault) {
      case "run refused":
      case "run refused, one to blame":
      case "run out of memory":
      case "run broken":
        runner.failNext = { in: "run", error };
        return;
      case "copy refused":
      case "copy broken":
        runner.failNext = { in: "copy", error };
        return;
      case "sampling":
        runner.failSampling = () => {
          runner.failSampling = () => undefined;
          return error;
        };
        return;
      case "hasher":
        hasher.failNext = error;
        return;
      case "clock":
        clock.failNext = error;
        return;
      case "listener": {
        const subscription = engine.onWork(() => {
          subscription.dispose();
          throw error;
        });
        return;
      }
    }
  }

  planNothing(): void {
    const { runner, hasher, clock } = this.rig;
    runner.failNext = undefined;
    runner.failSampling = () => undefined;
    hasher.failNext = undefined;
    clock.failNext = undefined;
  }
}
