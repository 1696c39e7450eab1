import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import type { WindowGeometry } from "../../../src/engine/ports";
import { collectGarbage } from "../../../src/store/collect";
import { listObjects } from "../../../src/store/objectFiles";
import { ReferenceReader } from "../../../src/store/references";
import { evict } from "../../../src/store/removals";
import { AgentRig } from "../../support/agents/agentRig";
import { fakeTextVocabSize } from "../../support/agents/fakeText";
import { referenceAnswer } from "../../support/engine/fakeModel";
import { inFolder } from "../../support/store/fakes";

type Step =
  | { readonly do: "ask"; readonly text: string }
  | { readonly do: "regenerate" | "restart" | "fork" | "warm" | "save" }
  /** `awaited`: until it is read; else the next step comes while it is. */
  | { readonly do: "write"; readonly draft: string; readonly awaited: boolean }
  | { readonly do: "rewind"; readonly to: number }
  | { readonly do: "damage"; readonly file: number }
  /** Another process takes every third object; one collects what nobody refers to. */
  | { readonly do: "evict"; readonly third: number }
  | { readonly do: "collect" }
  /** The system opens no more files until further notice, or does so again. */
  | { readonly do: "exhaust"; readonly exhausted: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("ask" as const), text: fc.stringMatching(/^[a-z]{1,12}$/) }) },
  fc.record({ do: fc.constantFrom("regenerate", "restart", "fork", "warm", "save") }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      draft: fc.stringMatching(/^[a-z]{0,24}$/),
      awaited: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constant("rewind" as const), to: fc.nat(5) }),
  fc.record({ do: fc.constant("damage" as const), file: fc.nat(100) }),
  fc.record({ do: fc.constant("evict" as const), third: fc.nat(2) }),
  fc.record({ do: fc.constant("collect" as const) }),
  fc.record({ do: fc.constant("exhaust" as const), exhausted: fc.boolean() }),
);

const maxTokens = 5;

/** Of layers that see less than a turn; they have blocks for one long prompt. */
const window = fc.constantFrom(undefined, { tokens: 12, totalBlocks: 150 });

/** One agent's life, in as many processes as it takes. */
class Life {
  private rig: AgentRig;
  private id = "";
  private forks = 0;

  constructor(
    private readonly home: string,
    private readonly window: WindowGeometry | undefined,
  ) {
    this.rig = this.newRig();
  }

  private get store(): string {
    return path.join(this.home, "store");
  }

  async begin(): Promise<void> {
    this.id = await this.rig.create();
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "ask":
        return this.check(await this.rig.agents.send(this.id, { text: step.text }));
      case "regenerate":
        if ((await this.rig.agents.get(this.id)).turns.length === 0) return;
        return this.check(await this.rig.agents.regenerate(this.id));
      case "warm":
        await this.rig.agents.warm(this.id);
        return;
      case "write": {
        const reading = this.rig.agents.warm(this.id, step.draft);
        if (step.awaited) await reading;
        return;
      }
      case "save":
        await this.rig.agents.save(this.id);
        return;
      case "rewind": {
        const { turns, branches } = await this.rig.agents.get(this.id);
        const heads = [undefined, ...turns.map((turn) => turn.id), ...branches.map((branch) => branch.turn)];
        await this.rig.agents.rewind(this.id, heads[step.to % heads.length]);
        return;
      }
      case "fork":
        this.forks += 1;
        this.id = (await this.rig.agents.fork(this.id, `fork ${this.forks}`)).id;
        return;
      case "restart":
        await this.end();
        this.rig = this.newRig();
        return;
      case "damage":
        return this.damage(step.file);
      case "evict": {
        const objects = await listObjects(this.store);
        return evict(
          this.store,
          objects.filter((_, index) => index % 3 === step.third),
        );
      }
      case "collect": {
        const references = new ReferenceReader(path.join(this.home, "agents"));
        await collectGarbage(this.store, references, { nowMs: Date.now() + 2 * 60 * 60_000 });
        return;
      }
      case "exhaust":
        this.rig.files.refuseRead = () => (step.exhausted ? { code: "unreadable", reason: "EMFILE" } : undefined);
    }
  }

  async end(): Promise<void> {
    await this.rig.agents.close();
    const { pool, windowPool } = this.rig.session.engine;
    assert.equal(pool.referencedBlocks + (windowPool?.referencedBlocks ?? 0), 0);
  }

  /** Whatever was reused, restored or refused: the answer is that of reading everything. */
  private async check(running: Awaited<ReturnType<AgentRig["agents"]["send"]>>): Promise<void> {
    const { tokenIds, figures } = await running.done;
    assert.deepEqual(tokenIds, referenceAnswer({ tokens: this.rig.lastPrompt, maxTokens }, fakeTextVocabSize));
    assert.equal(figures.promptTokens, this.rig.lastPrompt.length);
    assert.equal(figures.promptTokens, figures.reusedTokens + figures.prefilledTokens);
    assert.equal(figures.cache.tier === "cold", figures.reusedTokens === 0);
    this.rig.session.engine.assertInvariants();
  }

  private async damage(which: number): Promise<void> {
    const names = (await readdir(this.home, { recursive: true })).filter((name) =>
      /(\.safetensors|keys\.bin)$/.test(name),
    );
    const name = names.sort()[which % Math.max(1, names.length)];
    if (name === undefined) return;
    const file = path.join(this.home, name);
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes === undefined || bytes.length === 0) return;
    bytes.writeUInt8(bytes.readUInt8(which % bytes.length) ^ 1, which % bytes.length);
    await writeFile(file, bytes);
  }

  private newRig(): AgentRig {
    return new AgentRig(this.home, {
      totalBlocks: 96,
      maxAnswerTokens: maxTokens,
      ...(this.window && { window: this.window }),
    });
  }
}

describe("an agent's answers", function () {
  this.timeout(120_000);

  it("are those of reading everything, whatever happened before", () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), window, (steps, window) =>
        inFolder(async (home) => {
          const life = new Life(home, window);
          await life.begin();
          for (const one of steps) await life.take(one);
          await life.end();
        }),
      ),
      { numRuns: 40 },
    ));
});
