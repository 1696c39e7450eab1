import assert from "node:assert/strict";
import path from "node:path";
import fc from "fast-check";
import type { ChatMessage } from "../../../src/common/messages";
import type { ToolSpec } from "../../../src/common/tools";
import { commonPrefix } from "../../../src/engine/tokenHistory";
import { collectGarbage } from "../../../src/store/collect";
import type { Done } from "../../support/agents/agentRig";
import { system, ThreadRig, user } from "../../support/agents/threadRig";
import { inFolder } from "../../support/store/fakes";

type Step =
  | { readonly do: "ask"; readonly text: string; readonly times: number }
  /** Another conversation with the same instructions. */
  | { readonly do: "begin"; readonly text: string }
  /** A line of an earlier message goes, or comes back. */
  | { readonly do: "cut" | "undo"; readonly at: number }
  | { readonly do: "edit"; readonly at: number; readonly text: string }
  /** The other program changes what comes back of an answer. */
  | { readonly do: "change"; readonly at: number; readonly how: "trim" | "note" | "cut" }
  | { readonly do: "rewind"; readonly at: number }
  | { readonly do: "tools"; readonly order: number }
  | { readonly do: "stop"; readonly text: string; readonly at: "prefill" | "text" }
  | { readonly do: "title"; readonly text: string }
  | { readonly do: "restart" | "kill" | "collect" };

const words = fc.stringMatching(/^[a-z]{1,8}( [a-z]{1,6}){0,2}$/);
const place = fc.nat(20);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("ask" as const), text: words, times: fc.integer({ min: 1, max: 3 }) }),
  },
  fc.record({ do: fc.constant("begin" as const), text: words }),
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "undo" as const), at: place }) },
  fc.record({ do: fc.constant("edit" as const), at: place, text: words }),
  fc.record({
    do: fc.constant("change" as const),
    at: place,
    how: fc.constantFrom("trim" as const, "note" as const, "cut" as const),
  }),
  fc.record({ do: fc.constant("rewind" as const), at: place }),
  fc.record({ do: fc.constant("tools" as const), order: fc.nat(5) }),
  fc.record({
    do: fc.constant("stop" as const),
    text: words,
    at: fc.constantFrom("prefill" as const, "text" as const),
  }),
  fc.record({ do: fc.constant("title" as const), text: words }),
  fc.record({ do: fc.constantFrom("restart" as const, "kill" as const, "collect" as const) }),
);

const maxAnswerTokens = 5;
const blockTokens = 4;

const tool = (name: string, keys: readonly string[]): ToolSpec => ({
  name,
  description: `It does ${name}.`,
  parameters: { type: "object", properties: Object.fromEntries(keys.map((key) => [key, { type: "string" }])) },
});

/** The same tools in different orders, and with keys in different orders. */
const toolLists: readonly (readonly ToolSpec[])[] = [
  [],
  [tool("find", ["a", "b"]), tool("look", ["c"])],
  [tool("look", ["c"]), tool("find", ["b", "a"])],
  [tool("find", ["b", "a"]), tool("look", ["c"])],
  [tool("look", ["c"])],
  [tool("find", ["a", "b"])],
];

interface World {
  /** Of layers that see less than a turn. */
  readonly hasWindow: boolean;
  /** Answers call tools, where there are any. */
  readonly calls: boolean;
  /** The pool has room for little more than a conversation. */
  readonly isSmall: boolean;
}

const world: fc.Arbitrary<World> = fc.record({ hasWindow: fc.boolean(), calls: fc.boolean(), isSmall: fc.boolean() });

/** One program's conversations, in as many processes as it takes. */
class Life {
  rig: ThreadRig;
  private messages: ChatMessage[];
  private taken: { readonly index: number; readonly message: ChatMessage } | undefined;
  private tools: readonly ToolSpec[] = [];
  /** What the pool or the disk must still have: nothing is evicted in these lives. */
  private read: Int32Array[] = [];
  private count = 0;

  constructor(
    private readonly home: string,
    private readonly world: World,
  ) {
    this.rig = this.begin();
    this.messages = this.opening("a garden");
  }

  private begin(): ThreadRig {
    const { hasWindow, calls, isSmall } = this.world;
    return new ThreadRig(this.home, {
      ...{ totalBlocks: isSmall ? 400 : 4096, contextTokens: 1500, maxAnswerTokens, longTokens: 1 },
      ...(hasWindow ? { window: { tokens: 12, totalBlocks: 900 } } : {}),
      ...(calls ? { callAfter: 2 } : {}),
    });
  }

  private opening(text: string): ChatMessage[] {
    return [system("Answer briefly.\nBe kind.\nName plants."), user(`${text}\nsecond line\nthird line`)];
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "ask":
        return this.ask(step.text, step.times);
      case "begin":
        this.messages = this.opening(step.text);
        return this.ask("first", 1);
      case "cut":
        return this.cut(step.at);
      case "undo": {
        const { taken } = this;
        if (taken !== undefined && taken.index < this.messages.length) this.messages[taken.index] = taken.message;
        return;
      }
      case "edit":
        return this.change(step.at, (message) => ({ ...message, content: `${message.content} ${step.text}` }));
      case "change":
        return this.change(step.at, (message) => (message.role === "assistant" ? changed(message, step.how) : message));
      case "rewind": {
        const users = this.messages.flatMap(({ role }, index) => (role === "user" && index > 1 ? [index] : []));
        this.messages = this.messages.slice(0, users[step.at % Math.max(1, users.length)] ?? 2);
        return;
      }
      case "tools":
        this.tools = toolLists[step.order] ?? [];
        return;
      case "stop":
        return this.stop(step.text, step.at);
      case "title":
        return this.title(step.text);
      case "restart":
        await this.rig.threads.close();
        assert.equal(this.rig.session.engine.pool.referencedBlocks, 0);
        this.rig = this.begin();
        return;
      case "kill":
        // What was not saved is gone.
        this.rig = this.begin();
        this.read = [];
        return;
      case "collect": {
        const root = path.join(this.home, "store");
        await collectGarbage(root, this.rig.references, { nowMs: Date.now() + 1e9, graceMs: 0 });
        return;
      }
    }
  }

  /** Several requests at once from the same place; the last one is continued. */
  private async ask(text: string, times: number): Promise<void> {
    const asked = Array.from({ length: times }, () => this.next(text));
    const done = await Promise.all(
      asked.map((last) => this.rig.ask([...this.messages, last], { tools: this.tools, conversation: "c1" })),
    );
    for (const [index, one] of done.entries()) this.check(asked[index]?.content ?? "", one);
    for (const [index, one] of done.entries()) this.remember(asked[index]?.content ?? "", one);
    const [last, answer] = [asked.at(-1), done.at(-1)];
    if (last !== undefined && answer !== undefined) this.messages.push(last, ...this.returned(answer));
    this.rig.assertWhole();
  }

  /** The answer as it comes back, with results of its calls; other programs may name the calls as they like. */
  private returned(done: Done): readonly ChatMessage[] {
    const calls = (done.calls ?? []).map((call) => ({ ...call, id: `${call.id} of theirs` }));
    const results = calls.map(({ id, name }): ChatMessage => ({ role: "tool", content: "a tree", call: id, name }));
    return [{ role: "assistant", content: done.text, ...(calls.length > 0 && { calls }) }, ...results];
  }

  private async stop(text: string, at: "prefill" | "text"): Promise<void> {
    const last = this.next(text);
    const running = this.rig.start([...this.messages, last], { tools: this.tools, conversation: "c1" });
    running.onEvent((event) => {
      if (event.type === at) running.abort();
    });
    const stopped = await running.done;
    assert.equal(this.rig.session.engine.hasWork, false);
    if (stopped.tokenIds.length > 0) this.messages.push(last, ...this.returned(stopped));
    this.rig.assertWhole();
  }

  private async title(text: string): Promise<void> {
    const last = this.next(`title ${text}`);
    const { bytes } = this.rig.threads.status(1);
    const done = await this.rig.ask([last]);
    assert.deepEqual(done.tokenIds, this.rig.expected(last.content));
    assert.equal(this.rig.threads.status(1).bytes, bytes);
  }

  /** The answer is that of a model that never saw a cache; what was read before is not read again. */
  private check(content: string, { tokenIds, figures }: Done): void {
    // A call ends its answer.
    assert.deepEqual(tokenIds, this.rig.expected(content).slice(0, tokenIds.length));
    const ids = this.rig.promptOf(content);
    assert.equal(figures.promptTokens, ids.length);
    assert.equal(figures.reusedTokens + figures.prefilledTokens, ids.length);
    if (this.world.hasWindow || this.world.isSmall) return;
    const agreeing = Math.max(0, ...this.read.map((read) => commonPrefix(read, ids)));
    const whole = Math.floor(Math.min(agreeing, ids.length - 1) / blockTokens) * blockTokens;
    assert.ok(figures.reusedTokens >= whole, `${figures.reusedTokens} of ${agreeing} tokens were reused`);
  }

  /** All tokens that were computed: the last one of an answer never is. */
  private remember(content: string, { tokenIds }: Done): void {
    this.read.push(Int32Array.from([...this.rig.promptOf(content), ...tokenIds.slice(0, -1)]));
  }

  private next(text: string): ChatMessage {
    this.count += 1;
    return user(`${text} ${this.count}`);
  }

  private cut(at: number): Promise<void> | undefined {
    const index = at % this.messages.length;
    const message = this.messages[index];
    if (message === undefined || message.role === "assistant") return undefined;
    const lines = message.content.split("\n");
    if (lines.length < 2) return undefined;
    this.taken = { index, message };
    this.messages[index] = { ...message, content: lines.filter((_, line) => line !== 1).join("\n") };
    return undefined;
  }

  private async change(at: number, change: (message: ChatMessage) => ChatMessage): Promise<void> {
    const index = at % this.messages.length;
    const message = this.messages[index];
    if (message !== undefined) this.messages[index] = change(message);
  }
}

function changed(message: ChatMessage, how: "trim" | "note" | "cut"): ChatMessage {
  const { content } = message;
  if (how === "trim") return { ...message, content: ` ${content.trim()}\n` };
  if (how === "note") return { ...message, content: `${content}\n\n*It was cut.*` };
  return { ...message, content: content.slice(0, Math.ceil(content.length / 2)) };
}

describe("threads, whatever the other program sends", function () {
  const seed = Number(process.env["RESIDENT_SEED"] ?? Date.now() % 1_000_000);
  const numRuns = Number(process.env["RESIDENT_RUNS"] ?? 12);
  this.timeout(60_000 + numRuns * 5000);

  it(`answer as without a cache, and read nothing twice (seed ${seed})`, () =>
    fc.assert(
      fc.asyncProperty(world, fc.array(step, { minLength: 3, maxLength: 12 }), (where, steps) =>
        inFolder(async (home) => {
          const life = new Life(home, where);
          for (const next of steps) await life.take(next);
          await life.rig.threads.close();
          assert.equal(life.rig.session.engine.pool.referencedBlocks, 0);
          life.rig.assertWhole();
        }),
      ),
      { seed, numRuns },
    ));
});
