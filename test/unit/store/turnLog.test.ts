import assert from "node:assert/strict";
import fc from "fast-check";
import { type CommittedLogs, decodeLogs, emptyLogs, type LogEntry, TurnLogWriter } from "../../../src/store/turnLog";

const entries = fc.array(
  fc.record({
    body: fc.dictionary(fc.string(), fc.string({ unit: "binary" })),
    tokens: fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 20 }).map((ids) => Int32Array.from(ids)),
  }),
  { maxLength: 12 },
);

/** Both files as a commit of all `entries` leaves them. */
function written(list: readonly LogEntry[]): { turns: Buffer; tokens: Buffer; committed: CommittedLogs } {
  const writer = new TurnLogWriter(Buffer.alloc(0), Buffer.alloc(0), emptyLogs);
  for (const entry of list) writer.append(entry);
  const pending = writer.pending();
  return { turns: pending.turnBytes, tokens: pending.tokenBytes, committed: pending.committed };
}

function plain(list: readonly LogEntry[]): unknown {
  return list.map(({ body, tokens }) => ({ body: { ...body }, tokens: [...tokens] }));
}

const sample: readonly LogEntry[] = [
  { body: { type: "turn", user: "Grüße\nan alle" }, tokens: Int32Array.from([]) },
  { body: { type: "prompt" }, tokens: Int32Array.from([1, 2, 3]) },
  { body: { type: "answer", text: "🙂" }, tokens: Int32Array.from([49_151, 2]) },
];

describe("turn log", () => {
  it("gives back what was committed", () => {
    fc.assert(
      fc.property(entries, (list) => {
        const { turns, tokens, committed } = written(list);
        const read = decodeLogs(turns, tokens, committed);
        assert.equal(read.damage, undefined);
        assert.deepEqual(plain(read.entries), plain(list));
      }),
    );
  });

  it("is the same in one commit or in several", () => {
    fc.assert(
      fc.property(entries, fc.nat(12), (list, cut) => {
        const writer = new TurnLogWriter(Buffer.alloc(0), Buffer.alloc(0), emptyLogs);
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

  it("ignores bytes behind the committed length", () => {
    const { turns, tokens, committed } = written(sample);
    const torn = decodeLogs(
      Buffer.concat([turns, Buffer.from("0123 half a li")]),
      Buffer.concat([tokens, Buffer.from([1, 2, 3])]),
      committed,
    );
    assert.equal(torn.damage, undefined);
    assert.equal(torn.entries.length, 3);
  });

  it("keeps the entries before the damage when turns.log is cut at any byte", () => {
    const { turns, tokens, committed } = written(sample);
    for (let length = 0; length < turns.length; length += 1) {
      const read = decodeLogs(turns.subarray(0, length), tokens, committed);
      assert.notEqual(read.damage, undefined, `cut at ${length}`);
      const wholeLines = turns.subarray(0, length).filter((byte) => byte === 0x0a).length;
      assert.deepEqual(plain(read.entries), plain(sample.slice(0, wholeLines)));
    }
  });

  it("keeps the entries whose tokens are there when tokens.bin is cut at any byte", () => {
    const { turns, tokens, committed } = written(sample);
    for (let length = 0; length < tokens.length; length += 1) {
      const read = decodeLogs(turns, tokens.subarray(0, length), committed);
      assert.notEqual(read.damage, undefined, `cut at ${length}`);
      assert.equal(read.entries.length, length < 12 ? 1 : 2);
    }
  });

  it("notices any changed byte and never gives back anything else than what was written", () => {
    const { turns, tokens, committed } = written(sample);
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), (inTurns, at, flip) => {
        const [changedTurns, changedTokens] = [Buffer.from(turns), Buffer.from(tokens)];
        const changed = inTurns ? changedTurns : changedTokens;
        const index = at % changed.length;
        changed.writeUInt8(changed.readUInt8(index) ^ flip, index);
        const read = decodeLogs(changedTurns, changedTokens, committed);
        assert.notEqual(read.damage, undefined);
        assert.deepEqual(plain(read.entries), plain(sample.slice(0, read.entries.length)));
      }),
    );
  });
});
