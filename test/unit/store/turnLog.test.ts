import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import type { AgentRecord } from "../../../src/store/agentRecord";
import type { CommittedLogs } from "../../../src/store/committedLogs";
import { readLogs } from "../../../src/store/logReader";
import { committedAt, emptyEnd, type LogEntry, TurnLogWriter } from "../../../src/store/turnLog";
import { bytesIn } from "../../support/store/bytesIn";

const entries = fc.array(
  fc.record({
    body: fc.dictionary(fc.string(), fc.string({ unit: "binary" })),
    tokens: fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 20 }).map((ids) => Int32Array.from(ids)),
  }),
  { maxLength: 12 },
);

/** Both files as a commit of all `entries` leaves them. */
function written(
  list: readonly LogEntry[],
  agent?: AgentRecord,
): { turns: Buffer; tokens: Buffer; committed: CommittedLogs } {
  const writer = new TurnLogWriter(emptyEnd());
  if (agent !== undefined) writer.describe(agent);
  for (const entry of list) writer.append(entry);
  const pending = writer.pending();
  return { turns: pending.turnBytes, tokens: pending.tokenBytes, committed: pending.committed };
}

function decodeLogs(turns: Buffer, tokens: Buffer, committed: CommittedLogs) {
  return readLogs(bytesIn(turns), bytesIn(tokens), { committed });
}

const ada: AgentRecord = {
  id: "ada1",
  name: "Ada",
  index: 0,
  createdAt: 1,
  modelDirectory: "/models/smol",
  modelName: "smol",
  contextTokens: 8192,
  system: "",
};

function plain(list: readonly LogEntry[]): unknown {
  return list.map(({ body, tokens }) => ({ body: { ...body }, tokens: [...tokens] }));
}

const sample: readonly LogEntry[] = [
  { body: { type: "turn", user: "Grüße\nan alle" }, tokens: Int32Array.from([]) },
  { body: { type: "prompt" }, tokens: Int32Array.from([1, 2, 3]) },
  { body: { type: "answer", text: "🙂" }, tokens: Int32Array.from([49_151, 2]) },
];

describe("turn log", () => {
  it("gives back what was committed", () =>
    fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const { turns, tokens, committed } = written(list);
        const read = await decodeLogs(turns, tokens, committed);
        assert.equal(read.damage, undefined);
        assert.deepEqual(plain(read.entries), plain(list));
        assert.deepEqual(committedAt(read.end), committed);
      }),
    ));

  it("says who the agent is where it changes, and nothing of it in the entries", async () => {
    const writer = new TurnLogWriter(emptyEnd());
    for (const [index, name] of ["Ada", "Ada", "Bea"].entries()) {
      writer.describe({ ...ada, name });
      writer.append({ body: { index }, tokens: Int32Array.from([index]) });
    }
    const { turnBytes, tokenBytes, committed } = writer.pending();
    const read = await decodeLogs(turnBytes, tokenBytes, committed);
    assert.deepEqual(
      read.agents.map(({ name }) => name),
      ["Ada", "Bea"],
    );
    assert.equal(read.entries.length, 3);
    assert.equal(read.end.agent?.name, "Bea");
  });

  it("takes back who the agent is with the entries that were not committed", async () => {
    const writer = new TurnLogWriter(emptyEnd());
    writer.describe(ada);
    writer.markCommitted(writer.pending());
    writer.describe({ ...ada, name: "Bea" });
    writer.discardPending();
    assert.equal(writer.pending().turnBytes.length, 0);
    writer.describe({ ...ada, name: "Bea" });
    assert.ok(writer.pending().turnBytes.includes("Bea"));
  });

  it("is read the same whatever lines span, long ones too", async () => {
    const long = "ä".repeat(300_000);
    const list = [1, 2, 3].map((n) => ({
      body: { n, long },
      tokens: Int32Array.from({ length: 50_000 }, (_, i) => i * n),
    }));
    const { turns, tokens, committed } = written(list, ada);
    const read = await decodeLogs(turns, tokens, committed);
    assert.equal(read.damage, undefined);
    assert.deepEqual(plain(read.entries), plain(list));
  });

  it("is the same in one commit or in several", () => {
    fc.assert(
      fc.property(entries, fc.nat(12), (list, cut) => {
        const writer = new TurnLogWriter(emptyEnd());
        for (const entry of list.slice(0, cut)) writer.append(entry);
        const first = writer.pending();
        for (const entry of list.slice(cut)) writer.append(entry);
        writer.markCommitted(first);
        const second = writer.pending();
        const whole = written(list);
        assert.deepEqual(Buffer.concat([first.turnBytes, second.turnBytes]), whole.turns);
        assert.deepEqual(second.committed, whole.committed);
      }),
    );
  });

  it("ignores bytes behind the committed length", async () => {
    const { turns, tokens, committed } = written(sample);
    const torn = await decodeLogs(
      Buffer.concat([turns, Buffer.from("0123 half a li")]),
      Buffer.concat([tokens, Buffer.from([1, 2, 3])]),
      committed,
    );
    assert.equal(torn.damage, undefined);
    assert.equal(torn.entries.length, 3);
  });

  it("keeps the entries before the damage when turns.log is cut at any byte", async () => {
    const { turns, tokens, committed } = written(sample);
    for (let length = 0; length < turns.length; length += 1) {
      const read = await decodeLogs(turns.subarray(0, length), tokens, committed);
      assert.notEqual(read.damage, undefined, `cut at ${length}`);
      const wholeLines = turns.subarray(0, length).filter((byte) => byte === 0x0a).length;
      assert.deepEqual(plain(read.entries), plain(sample.slice(0, wholeLines)));
    }
  });

  it("keeps the entries whose tokens are there when tokens.bin is cut at any byte", async () => {
    const { turns, tokens, committed } = written(sample);
    for (let length = 0; length < tokens.length; length += 1) {
      const read = await decodeLogs(turns, tokens.subarray(0, length), committed);
      assert.notEqual(read.damage, undefined, `cut at ${length}`);
      assert.equal(read.entries.length, length < 12 ? 1 : 2);
    }
  });

  it("notices any changed byte and never gives back anything else than what was written", async () => {
    const { turns, tokens, committed } = written(sample);
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (inTurns, at, flip) => {
        const [changedTurns, changedTokens] = [Buffer.from(turns), Buffer.from(tokens)];
        const changed = inTurns ? changedTurns : changedTokens;
        const index = at % changed.length;
        changed.writeUInt8(changed.readUInt8(index) ^ flip, index);
        const read = await decodeLogs(changedTurns, changedTokens, committed);
        assert.notEqual(read.damage, undefined);
        assert.deepEqual(plain(read.entries), plain(sample.slice(0, read.entries.length)));
      }),
    );
  });

  it("refuses forged lines: tokens that overlap, that nobody can have, and what is nested too deeply", async () => {
    const tokens = Buffer.alloc(40);
    const line = (start: number, count: number, body: string) => {
      const digest = (data: string | Buffer) => createHash("sha256").update(data).digest("hex").slice(0, 16);
      const of = digest(tokens.subarray(start * 4, (start + count) * 4));
      const text = `{"start":${start},"count":${count},"tokens":"${of}","body":${body}}`;
      return `${digest(text)} ${text}\n`;
    };
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const quoted = JSON.stringify({ a: `${"[".repeat(200)}\\"${"{".repeat(200)}` });
    const forged: readonly (readonly [string, number, RegExp | undefined])[] = [
      [line(0, 5, "{}") + line(0, 5, "{}"), 1, /do not follow/],
      [line(0, 5, "{}") + line(6, 2, "{}"), 1, /do not follow/],
      [line(0, 2 ** 40, "{}"), 0, /more tokens than/],
      [line(0, 11, "{}"), 0, /missing from tokens.bin/],
      [line(0, 1, deep), 0, /nested deeper/],
      [line(0, 1, quoted) + line(1, 1, "{}"), 2, undefined],
    ];
    for (const [text, kept, why] of forged) {
      const { entries: read, damage } = await readLogs(bytesIn(Buffer.from(text)), bytesIn(tokens));
      assert.equal(read.length, kept);
      if (why === undefined) assert.equal(damage, undefined);
      else assert.match(damage?.reason ?? "", why);
    }
  });

  it("reads on behind a first line that is damaged where that is asked for, and tells it", async () => {
    const { turns, tokens } = written(sample, ada);
    turns.writeUInt8(turns.readUInt8(40) ^ 1, 40);
    const [strict, lenient] = [
      await readLogs(bytesIn(turns), bytesIn(tokens)),
      await readLogs(bytesIn(turns), bytesIn(tokens), { skipFirst: true }),
    ];
    assert.deepEqual([strict.entries.length, strict.isFirstSkipped], [0, false]);
    assert.deepEqual([lenient.isFirstSkipped, lenient.damage], [true, undefined]);
    assert.deepEqual(plain(lenient.entries), plain(sample));
  });

  it("lets the event loop turn while it is read", async () => {
    const list = Array.from({ length: 40_000 }, (_, n) => ({
      body: { n, text: "x".repeat(200) },
      tokens: Int32Array.from([n]),
    }));
    const { turns, tokens, committed } = written(list);
    let turnsOfLoop = 0;
    const timer = setInterval(() => {
      turnsOfLoop += 1;
    }, 1);
    const read = await decodeLogs(turns, tokens, committed);
    clearInterval(timer);
    assert.equal(read.entries.length, list.length);
    // One turn at least for every slice: reading in one go would have given none.
    assert.ok(turnsOfLoop >= 3, `${turnsOfLoop}`);
  });
});
