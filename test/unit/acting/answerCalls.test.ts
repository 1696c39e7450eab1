import assert from "node:assert/strict";
import fc from "fast-check";
import { AnswerCalls, type CallsPorts, programEnds } from "../../../src/acting/answerCalls";
import { PendingApprovals } from "../../../src/acting/approvals";
import type { CallOutcome, Question, Tools } from "../../../src/acting/ports";
import type { ToolCall } from "../../../src/common/tools";
import type { CallKind } from "../../../src/protocol/acting";
import { everythingAsked, HandClock, MemoryJournal, MemoryPermissions, nothingAsked } from "../../support/acting/kept";
import { Random } from "../../support/random";

const seed = Number(process.env["RESIDENT_SEED"] ?? 19);
const kinds: readonly CallKind[] = ["read", "write", "run", "ask", "delegate", "other"];
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Tools whose calls take a random number of turns of the event loop, and that see what overlaps. */
class WatchedTools implements Tools {
  readonly ran = new Map<string, number>();
  readonly ended = new Set<string>();
  overlaps = 0;
  mostReads = 0;
  private readonly active = new Map<string, CallKind>();

  constructor(
    private readonly random: Random,
    private readonly failures: boolean,
  ) {}

  kindOf(name: string): CallKind {
    return kinds.find((kind) => kind === name) ?? "other";
  }

  async prepare({ name }: ToolCall) {
    return this.failures && this.random.next() < 0.1
      ? { refused: { text: "no", failed: true } }
      : { question: `Do ${name}`, ...(name === "run" ? { command: "npm test" } : {}) };
  }

  async run({ id, name }: ToolCall, _context: unknown, signal: AbortSignal): Promise<CallOutcome> {
    const kind = this.kindOf(name);
    const isLook = (one: CallKind) => one === "read" || one === "delegate";
    if ([...this.active.values()].some((other) => !isLook(kind) || !isLook(other))) this.overlaps += 1;
    this.active.set(id, kind);
    this.mostReads = Math.max(this.mostReads, this.active.size);
    this.ran.set(id, (this.ran.get(id) ?? 0) + 1);
    for (let turns = this.random.below(4); turns > 0 && !signal.aborted; turns--) await tick();
    this.active.delete(id);
    if (this.failures && this.random.next() < 0.2) throw new Error("it broke");
    if (!signal.aborted) this.ended.add(id);
    return { text: `did ${id}` };
  }
}

interface Case {
  readonly names: readonly CallKind[];
  readonly seed: number;
  readonly asked: boolean;
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  names: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 8 }),
  seed: fc.nat(),
  asked: fc.boolean(),
});

function start({ names, seed: own, asked }: Case, failures = true, journal = new MemoryJournal()) {
  const tools = new WatchedTools(new Random("tools", own), failures);
  const approvals = new PendingApprovals();
  const ports: CallsPorts = {
    ...{ tools, approvals, journal, clock: new HandClock() },
    door: new Proxy({} as CallsPorts["door"], {
      get: (_, name) => (name === "readAheadResults" ? async () => {} : undefined),
    }),
    permissions: new MemoryPermissions(asked ? everythingAsked : nothingAsked),
  };
  const calls = names.map((name, index) => ({ id: `c${index}`, name, arguments: {} }));
  const begin = (isResumed: boolean) =>
    new AnswerCalls(
      ports,
      {
        ...{ agent: "ada", turn: "t1", calls, isResumed, readsOnly: false, resultLength: 1000 },
        onError: (error) => assert.fail(String(error)),
      },
      () => {},
    );
  return { tools, approvals, journal, calls, begin };
}

/** A person who answers what is asked until `isOver`, now and then with no. */
async function decideAll(approvals: PendingApprovals, random: Random, isOver: () => boolean): Promise<number> {
  let asked = 0;
  while (!isOver()) {
    await tick();
    const [question] = approvals.questions;
    if (question === undefined) continue;
    asked += 1;
    approvals.decide("ada", question.call.id, { way: random.next() < 0.3 ? "deny" : "allow" });
  }
  return asked;
}

describe("the calls of any answer", function () {
  this.timeout(30_000);
  const parameters = { seed, numRuns: 150 };

  it("have one result each, in their order; only looks are at once", () =>
    fc.assert(
      fc.asyncProperty(anyCase, async (one) => {
        const { tools, approvals, calls, begin } = start(one);
        const work = begin(false);
        let isOver = false;
        const person = decideAll(approvals, new Random("person", one.seed), () => isOver);
        const results = await work.run(new AbortController().signal);
        isOver = true;
        const asked = await person;
        assert.deepEqual(
          results.map(({ call }) => call),
          calls.map(({ id }) => id),
        );
        assert.equal(tools.overlaps, 0);
        assert.ok([...tools.ran.values()].every((count) => count === 1));
        assert.ok(work.live.all.every(({ state }) => ["done", "failed", "denied"].includes(state)));
        if (!one.asked) assert.equal(asked, 0);
        for (const { call, state } of work.live.all)
          if (state === "denied") assert.equal(tools.ran.get(call), undefined);
      }),
      parameters,
    ));

  it("have a result each also when they are stopped at any moment, and nothing begins afterwards", () =>
    fc.assert(
      fc.asyncProperty(anyCase, fc.nat(12), async (one, moment) => {
        const { tools, approvals, calls, begin } = start(one);
        const abort = new AbortController();
        let isOver = false;
        const person = decideAll(approvals, new Random("person", one.seed), () => isOver);
        const work = begin(false).run(abort.signal);
        for (let turns = moment; turns > 0; turns--) await tick();
        abort.abort();
        const begun = tools.ran.size;
        const results = await work;
        isOver = true;
        await person;
        assert.equal(tools.ran.size, begun);
        assert.equal(results.length, calls.length);
        assert.deepEqual(approvals.questions, []);
      }),
      parameters,
    ));

  it("run nothing twice that changes something, whenever the program ended; what had begun is asked for", () =>
    fc.assert(
      fc.asyncProperty(anyCase, fc.nat(12), async (one, moment) => {
        const journal = new MemoryJournal();
        const first = start({ ...one, asked: false }, false, journal);
        const abort = new AbortController();
        const before = first.begin(false).run(abort.signal);
        for (let turns = moment; turns > 0; turns--) await tick();
        abort.abort(programEnds);
        await before;
        const second = start({ ...one, asked: false }, false, journal);
        let isOver = false;
        const asked: string[] = [];
        const person = (async () => {
          while (!isOver) {
            await tick();
            const [question] = second.approvals.questions;
            if (question === undefined) continue;
            asked.push(question.call.id);
            second.approvals.decide("ada", question.call.id, { way: "allow" });
          }
        })();
        const results = await second.begin(true).run(new AbortController().signal);
        isOver = true;
        await person;
        assert.equal(results.length, one.names.length);
        for (const [index, kind] of one.names.entries()) {
          const id = `c${index}`;
          const changes = kind === "write" || kind === "run" || kind === "other";
          if (!changes) continue;
          const wasDone = first.tools.ended.has(id);
          assert.equal(second.tools.ran.get(id) ?? 0, wasDone ? 0 : 1, `${kind} ${id}`);
          assert.equal(asked.includes(id), !wasDone);
          assert.equal(results[index]?.text, `did ${id}`);
        }
      }),
      parameters,
    ));

  it("run nothing, where one waited when the program ended, before that one is decided; none is asked for twice", async () => {
    let waited = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, fc.nat(4), async (one, decided) => {
        const journal = new MemoryJournal();
        const first = start({ ...one, asked: true }, false, journal);
        const abort = new AbortController();
        let isOver = false;
        const before = first.begin(false).run(abort.signal);
        void before.then(() => {
          isOver = true;
        });
        const person = new Random("person", one.seed);
        const said = new Map<string, string>();
        let question: Question | undefined;
        while (!isOver) {
          await tick();
          [question] = first.approvals.questions;
          if (question === undefined) continue;
          if (said.size === decided) break;
          const way = person.next() < 0.3 ? "deny" : "allow";
          said.set(question.call.id, way);
          first.approvals.decide("ada", question.call.id, { way });
        }
        if (isOver || question === undefined) return;
        waited += 1;
        abort.abort(programEnds);
        await before;
        const second = start({ ...one, asked: true }, false, journal);
        const work = second.begin(true);
        const left = work.askAgain({ call: question.call.id }, new AbortController().signal);
        for (let turns = 0; turns < 8; turns++) await tick();
        assert.equal(second.tools.ran.size, 0);
        assert.deepEqual(
          second.approvals.questions.map(({ call }) => call.id),
          [question.call.id],
        );
        second.approvals.decide("ada", question.call.id, { way: "allow" });
        assert.equal(await left, true);
        let hasEnded = false;
        const asked = decideAll(second.approvals, new Random("again", one.seed), () => hasEnded);
        const results = await work.run(new AbortController().signal);
        hasEnded = true;
        await asked;
        assert.equal(results.length, one.names.length);
        for (const [call, way] of said) assert.equal(second.tools.ran.get(call), undefined, way);
        assert.equal(second.tools.ran.get(question.call.id), 1);
      }),
      parameters,
    );
    assert.ok(waited > 20, `${waited}`);
  });
});
