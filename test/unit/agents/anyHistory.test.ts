import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import type { ToolSpec } from "../../../src/common/tools";
import type { WindowGeometry } from "../../../src/engine/ports";
import type { AgentId, TurnId, TurnView } from "../../../src/protocol/service";
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
  | { readonly do: "restart" | "warm" | "save" }
  /** What the calls at the head gave, if any wait: a further step of the turn. */
  | { readonly do: "results"; readonly text: string; readonly failed: boolean }
  /** The results are read before they are sent; perhaps others are sent then. `awaited` as below. */
  | { readonly do: "ahead"; readonly text: string; readonly awaited: boolean }
  /** The branch of an agent that it was forked from, or of a fork of that one, is taken over; perhaps that agent is deleted. */
  | { readonly do: "adopt"; readonly from: number; readonly asHead: boolean; readonly deletes: boolean }
  /** The model is told of a tool, which each of its answers then calls, or of none. */
  | { readonly do: "tools"; readonly on: boolean }
  /** At any node of the branch at the head: in the middle of a turn's steps too. Absent: at the head. */
  | { readonly do: "regenerate" | "fork"; readonly at?: number | undefined }
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
  fc.record({ do: fc.constantFrom("restart", "warm", "save") }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("results" as const),
      text: fc.stringMatching(/^[a-z]{0,12}$/),
      failed: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("ahead" as const),
      text: fc.stringMatching(/^[a-z]{0,12}$/),
      awaited: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("adopt" as const),
      from: fc.nat(5),
      asHead: fc.boolean(),
      deletes: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tools" as const), on: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("regenerate" as const, "fork" as const),
      at: fc.option(fc.nat(5), { nil: undefined }),
    }),
  },
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

/** Behind so many letters an answer calls a tool, with two more. */
const callAfter = 1;

const look: ToolSpec = { name: "look", description: "Looks at a place." };

/** Of layers that see less than a turn; they have blocks for one long prompt. */
const window = fc.constantFrom(undefined, { tokens: 12, totalBlocks: 150 });

/** One agent's life, in as many processes as it takes. */
class Life {
  private rig: AgentRig;
  private id = "";
  private forks = 0;
  /** The agents that were forked, which answer no more. */
  private others: readonly AgentId[] = [];

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
      case "results": {
        const { turns } = await this.rig.agents.get(this.id);
        const { calls = [], finishReason } = turns.at(-1) ?? {};
        if (finishReason !== "calls") return;
        const results = calls.map(({ id }) => ({
          call: id,
          text: step.text,
          ...(step.failed ? { failed: true } : {}),
        }));
        return this.check(await this.rig.agents.sendResults(this.id, { results }));
      }
      case "ahead": {
        const { turns } = await this.rig.agents.get(this.id);
        const { calls = [], finishReason } = turns.at(-1) ?? {};
        const results = finishReason === "calls" ? calls.map(({ id }) => ({ call: id, text: step.text })) : [];
        const reading = this.rig.agents.readAheadResults(this.id, results);
        if (step.awaited) await reading;
        return;
      }
      case "adopt":
        return this.adopt(step);
      case "tools":
        await this.rig.agents.setTools(this.id, step.on ? [look] : []);
        return;
      case "regenerate": {
        const { turns } = await this.rig.agents.get(this.id);
        if (turns.length === 0) return;
        return this.check(await this.rig.agents.regenerate(this.id, this.anyOf(turns, step.at)));
      }
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
      case "fork": {
        this.forks += 1;
        const { turns } = await this.rig.agents.get(this.id);
        this.others = [...this.others, this.id];
        this.id = (await this.rig.agents.fork(this.id, `fork ${this.forks}`, this.anyOf(turns, step.at))).id;
        return;
      }
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

  private async adopt({ from, asHead, deletes }: Extract<Step, { do: "adopt" }>): Promise<void> {
    const other = this.others[from % Math.max(1, this.others.length)];
    if (other === undefined) return;
    const { agents } = this.rig;
    const theirs = await agents.get(other);
    const before = await agents.get(this.id);
    const adopting = agents.adoptBranch(this.id, other, { asHead });
    if (theirs.turns.length === 0) await assert.rejects(adopting, { code: "INVALID_REQUEST" });
    else {
      const last = await adopting;
      const { turns } = await agents.get(this.id);
      if (asHead) assert.equal(turns.at(-1)?.id, last);
      const content = (all: readonly TurnView[]) =>
        all.map(({ user, results, answer, calls, figures, createdAt }) => [
          ...[user, results, answer, calls, figures, createdAt],
        ]);
      assert.deepEqual(content(turns), content(asHead ? theirs.turns : before.turns));
    }
    if (!deletes) return;
    await agents.delete(other);
    this.others = this.others.filter((one) => one !== other);
  }

  /** Whatever was reused, restored or refused: the answer is that of reading everything. */
  private async check(running: Awaited<ReturnType<AgentRig["agents"]["send"]>>): Promise<void> {
    const { tokenIds, figures, finishReason, calls } = await running.done;
    const hasTools = this.rig.lastDialogue?.tools !== undefined;
    const length = hasTools ? callAfter + 2 : maxTokens;
    const tokens = this.rig.lastPrompt;
    assert.deepEqual(tokenIds, referenceAnswer({ tokens, maxTokens: length }, fakeTextVocabSize));
    assert.deepEqual([finishReason, calls?.length], hasTools ? ["calls", 1] : ["length", undefined]);
    this.checkInput();
    assert.equal(figures.promptTokens, this.rig.lastPrompt.length);
    assert.equal(figures.promptTokens, figures.reusedTokens + figures.prefilledTokens);
    assert.equal(figures.cache.tier === "cold", figures.reusedTokens === 0);
    this.rig.session.engine.assertInvariants();
  }

  /** Each call of the answer before has one result in what is answered: a template may insist on it. */
  private checkInput(): void {
    const { past, input = [] } = this.rig.lastDialogue ?? {};
    const waited = past?.answer.calls?.map(({ id }) => id) ?? [];
    assert.deepEqual(
      input.flatMap((message) => (message.role === "tool" ? [message.call] : [])),
      waited,
    );
  }

  private anyOf(turns: readonly TurnView[], at: number | undefined): TurnId | undefined {
    return at === undefined || turns.length === 0 ? undefined : turns[at % turns.length]?.id;
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
      callAfter,
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
