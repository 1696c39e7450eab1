import type { Manifest } from "../../../src/store/manifest";
import type { LogEntry } from "../../../src/store/turnLog";

/** The contents of an agent's folder. */
export interface Forgery {
  readonly manifest: Manifest;
  readonly entries: readonly LogEntry[];
}

/** Forgeries by an attacker who knows the formats: every checksum is right, but the contents are not. */
export type Forge = (honest: Forgery) => {
  readonly manifest?: { readonly [key in keyof Manifest]?: unknown };
  readonly entries?: readonly LogEntry[];
};

const noTokens = new Int32Array(0);
const turn = (id: string, more: object = {}): LogEntry => ({
  body: { type: "turn", turn: id, user: "forged", at: 1, ...more },
  tokens: noTokens,
});
const prompt = (id: string, more: object = {}): LogEntry => ({
  body: { type: "prompt", turn: id, keep: 0, segments: [], tokens: 0, ...more },
  tokens: noTokens,
});
const answer = (id: string, text = "forged", ids: readonly number[] = [1]): LogEntry => ({
  body: { type: "answer", turn: id, text },
  tokens: Int32Array.from(ids),
});
const figures = {
  ...{ promptTokens: 1, reusedTokens: 0, prefilledTokens: 1, generatedTokens: 1, ttftMs: 1, restoreMs: 0 },
  ...{ decodeTokensPerSecond: 1, cache: { tier: "cold" } },
};
const end = (id: string, more: object = {}): LogEntry => ({
  body: { type: "end", turn: id, state: "done", finishReason: "length", figures, ...more },
  tokens: noTokens,
});
const whole = (id: string, more: object = {}): readonly LogEntry[] => [turn(id, more), prompt(id), answer(id), end(id)];

function nested(depth: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

const withCache =
  (change: (cache: NonNullable<Manifest["cache"]>) => object): Forge =>
  ({ manifest: { cache } }) => ({
    manifest: cache === undefined ? {} : { cache: { ...cache, ...change(cache) } },
  });
const huge = 2 ** 52;
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Manifests. */
const ofManifest: Readonly<Record<string, Forge>> = {
  "id climbs out": () => ({ manifest: { id: "../../outside" } }),
  "id is a path": () => ({ manifest: { id: "/etc" } }),
  "id is empty": () => ({ manifest: { id: "" } }),
  "id is a dot": () => ({ manifest: { id: ".." } }),
  "id of a prototype": () => ({ manifest: { id: "__proto__" } }),
  "name is empty": () => ({ manifest: { name: "" } }),
  "name is long": () => ({ manifest: { name: "x".repeat(1_000_000) } }),
  "name of control characters": () => ({ manifest: { name: "\u001b[2J\u0000\n\r" } }),
  "name of half a character": () => ({ manifest: { name: "\ud800" } }),
  "index is huge": () => ({ manifest: { index: Number.MAX_SAFE_INTEGER } }),
  "index is negative": () => ({ manifest: { index: -1 } }),
  "tokens are huge": () => ({ manifest: { headTokens: huge, headTurns: huge } }),
  "context is none": () => ({ manifest: { contextTokens: 0 } }),
  "context is huge": () => ({ manifest: { contextTokens: huge } }),
  "head is nowhere": () => ({ manifest: { head: "t999" } }),
  "head is of a prototype": () => ({ manifest: { head: "__proto__" } }),
  "head is a number": () => ({ manifest: { head: 7 } }),
  "times are far away": () => ({ manifest: { createdAt: 1e300, lastUsedAt: -1e300 } }),
  "model is endless": () => ({ manifest: { modelDirectory: "/dev/zero" } }),
  "model is nowhere": () => ({ manifest: { modelDirectory: "../../nowhere" } }),
  "system is long": () => ({ manifest: { system: "y ".repeat(15_000_000) } }),
  "system is deep": () => ({ manifest: { system: nested(3_000) } }),
  "log is said to be huge": ({ manifest }) => ({ manifest: { logs: { ...manifest.logs, turnBytes: huge } } }),
  "tokens are said to be many": ({ manifest }) => ({ manifest: { logs: { ...manifest.logs, tokenCount: huge } } }),
  "log is said to be short": ({ manifest }) => ({ manifest: { logs: { ...manifest.logs, turnBytes: 3 } } }),
  "digests are no digests": ({ manifest }) => ({ manifest: { logs: { ...manifest.logs, turnDigest: "__proto__" } } }),
  "logs are a list": () => ({ manifest: { logs: [] } }),
  "cache is a text": () => ({ manifest: { cache: "none" } }),
  "keys climb out": withCache(() => ({ blocks: ["../../../../outside", "../outside", "/etc/passwd"] })),
  "keys are many": withCache(() => ({ blocks: many(50_000, (i) => i.toString(16).padStart(64, "0")) })),
  "keys are of a prototype": withCache(() => ({ blocks: ["__proto__", "constructor", ""] })),
  "blocks of no tokens": withCache(({ identity }) => ({ identity: { ...identity, blockTokens: 0 } })),
  "blocks of many tokens": withCache(({ identity }) => ({ identity: { ...identity, blockTokens: huge } })),
  "tail is huge": withCache(({ tail }) => ({ tail: { ...tail, bytes: huge, start: huge, generation: huge } })),
  "tail of many tokens": withCache(({ tail }) => ({ tail: { ...tail, tokens: many(1_000_000, () => 1) } })),
  "tail of impossible tokens": withCache(({ tail }) => ({ tail: { ...tail, tokens: [huge, 0, 2 ** 31] } })),
  "cached tokens are huge": withCache(() => ({ tokens: huge, bytes: huge })),
};

/** Logs. */
const ofLog: Readonly<Record<string, Forge>> = {
  "turn is its own parent": () => ({ manifest: { head: "t1" }, entries: whole("t1", { parent: "t1" }) }),
  "turns are each other's parents": () => ({
    manifest: { head: "t1" },
    entries: [...whole("t1", { parent: "t2" }), ...whole("t2", { parent: "t1" })],
  }),
  "cycle of many turns without the head": () => ({
    manifest: { head: "t1" },
    entries: [...whole("t1"), ...many(300, (i) => whole(`t${i + 2}`, { parent: `t${((i + 1) % 300) + 2}` })).flat()],
  }),
  "parent comes later": () => ({
    manifest: { head: "t1" },
    entries: [...whole("t1", { parent: "t2" }), ...whole("t2")],
  }),
  "parent is nowhere": () => ({ manifest: { head: "t1" }, entries: whole("t1", { parent: "t77" }) }),
  "parent is a prototype's": () => ({ manifest: { head: "t1" }, entries: whole("t1", { parent: "__proto__" }) }),
  "turn is a prototype's": () => ({ manifest: { head: "__proto__" }, entries: whole("__proto__") }),
  "same turn twice": ({ entries }) => ({ entries: [...entries, ...entries] }),
  "turn without an id": () => ({ manifest: { head: "" }, entries: whole("") }),
  "message of 30 MB": () => ({ manifest: { head: "t1" }, entries: whole("t1", { user: "spam ".repeat(6_000_000) }) }),
  "message of 8 MB of spaces": () => ({
    manifest: { head: "t1" },
    entries: whole("t1", { user: " ".repeat(8_000_000) }),
  }),
  "answer of 30 MB": () => ({
    manifest: { head: "t1" },
    entries: [turn("t1"), prompt("t1"), answer("t1", "spam ".repeat(6_000_000)), end("t1")],
  }),
  "answer of many tokens": () => ({
    manifest: { head: "t1" },
    entries: [
      turn("t1"),
      prompt("t1"),
      answer(
        "t1",
        "x",
        many(2_000_000, () => 1),
      ),
      end("t1"),
    ],
  }),
  "answer of impossible tokens": () => ({
    manifest: { head: "t1" },
    entries: [turn("t1"), prompt("t1"), answer("t1", "x", [-1, 2 ** 31 - 1, 100_000]), end("t1")],
  }),
  "1,500 turns": () => ({
    manifest: { head: "t1500" },
    entries: many(1_500, (i) => whole(`t${i + 1}`, i === 0 ? {} : { parent: `t${i}` })).flat(),
  }),
  "1,500 branches": () => ({ manifest: { head: "t1" }, entries: many(1_500, (i) => whole(`t${i + 1}`)).flat() }),
  "20,000 pieces of an answer": () => ({
    manifest: { head: "t1" },
    entries: [turn("t1"), prompt("t1"), ...many(20_000, () => answer("t1", "x")), end("t1")],
  }),
  "deep record": () => ({ manifest: { head: "t1" }, entries: whole("t1", { more: nested(3_000) }) }),
  "record of an unknown type": ({ entries }) => ({
    entries: [...entries, { body: { type: "spell" }, tokens: noTokens }],
  }),
  "record without a type": ({ entries }) => ({ entries: [...entries, { body: {}, tokens: noTokens }] }),
  "record of a prototype": ({ entries }) => ({
    entries: [
      ...entries,
      {
        body: JSON.parse('{"type":"turn","turn":"t9","user":"x","at":1,"__proto__":{"polluted":1}}'),
        tokens: noTokens,
      },
    ],
  }),
  "end of a turn that is not there": ({ entries }) => ({ entries: [...entries, end("t99")] }),
  "answer before its turn": () => ({ manifest: { head: "t1" }, entries: [answer("t1"), ...whole("t1")] }),
  "keeps more than there is": () => ({
    manifest: { head: "t1" },
    entries: [turn("t1"), prompt("t1", { keep: huge }), answer("t1"), end("t1")],
  }),
  "segment of many tokens": () => ({
    manifest: { head: "t1" },
    entries: [
      turn("t1"),
      prompt("t1", { segments: [{ kind: "prompt", text: "x", count: huge }], tokens: huge }),
      end("t1"),
    ],
  }),
  "segments without tokens": () => ({
    manifest: { head: "t1" },
    entries: [
      turn("t1"),
      prompt("t1", { segments: many(50_000, () => ({ kind: "prompt", text: "x", count: 0 })) }),
      end("t1"),
    ],
  }),
  "segments are a text": () => ({
    manifest: { head: "t1" },
    entries: [turn("t1"), prompt("t1", { segments: "all" }), end("t1")],
  }),
  "negative tokens": () => ({
    manifest: { head: "t1" },
    entries: [turn("t1"), prompt("t1", { tokens: -1 }), end("t1")],
  }),
  "time is a text": () => ({ manifest: { head: "t1" }, entries: whole("t1", { at: "yesterday" }) }),
  "message is a list": () => ({ manifest: { head: "t1" }, entries: whole("t1", { user: ["a"] }) }),
  "unknown error": () => ({
    manifest: { head: "t1" },
    entries: [turn("t1"), end("t1", { state: "failed", error: { code: "NONE" } })],
  }),
  "figures are missing": () => ({ manifest: { head: "t1" }, entries: [turn("t1"), end("t1", { figures: null })] }),
};

export const forgeries: Readonly<Record<string, Forge>> = { ...ofManifest, ...ofLog };

/** Forgeries that take seconds each. */
export const largeForgeries: readonly string[] = [
  "system is long",
  "answer of 30 MB",
  "keys are many",
  "answer of many tokens",
  "20,000 pieces of an answer",
];
