import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { decodeRecord, encodeRecord, type TurnRecord } from "../../../src/agents/turnRecords";
import { userInput } from "../../../src/common/messages";
import { parseBenchReport } from "../../../src/service/benchReport";
import { MalformedJson } from "../../../src/store/json";
import { readKeys } from "../../../src/store/keyFile";
import { readLogs } from "../../../src/store/logReader";
import { decodeManifest, encodeManifest, type Manifest } from "../../../src/store/manifest";
import { emptyEnd, emptyLogs, shortDigest, TurnLogWriter } from "../../../src/store/turnLog";
import { oddBytes, oddJson } from "../../support/fuzz/hostile";
import { fuzz } from "../../support/fuzz/untrusted";
import type { Random } from "../../support/random";
import { identity, inFolder } from "../../support/store/fakes";

const manifest: Manifest = {
  ...{ id: "0123456789abcdef", name: "Ada", index: 0, modelDirectory: "/models/x", modelName: "x", contextTokens: 512 },
  ...{
    system: "",
    head: "t1",
    headTokens: 10,
    headTurns: 1,
    createdAt: 1,
    lastUsedAt: 2,
    pinned: true,
    logs: emptyLogs,
  },
};

const figures = {
  ...{ promptTokens: 3, reusedTokens: 0, prefilledTokens: 3, generatedTokens: 2, ttftMs: 1, restoreMs: 0 },
  ...{ decodeTokensPerSecond: 1, cache: { tier: "cold" as const } },
};

const records: readonly TurnRecord[] = [
  { type: "turn", turn: "t1", input: userInput("Hello"), at: 1 },
  {
    ...{ type: "prompt", turn: "t1", keep: 0, tokens: 3 },
    segments: [{ kind: "prompt", text: "Hello", ids: Int32Array.of(1, 2, 3) }],
  },
  { type: "answer", turn: "t1", text: "Hi", ids: Int32Array.of(4, 5) },
  { type: "end", turn: "t1", state: "done", finishReason: "stop", figures },
  { type: "turn", turn: "t2", parent: "t1", input: userInput("Again"), at: 2 },
  { type: "end", turn: "t2", state: "failed", error: { code: "DISK_FULL", what: "w", advice: "a", facts: { n: 1 } } },
];

const log = new TurnLogWriter(emptyEnd());
for (const record of records) log.append(encodeRecord(record));
const { turnBytes, tokenBytes } = log.pending();

const sourceOf = (bytes: Buffer) => ({
  bytes: bytes.length,
  read: async (position: number, length: number) => bytes.subarray(position, position + length),
});

const checksum = (text: string): string => createHash("sha256").update(text).digest("hex");

/** With the right checksum over whatever it says. */
function oddManifest(random: Random): Buffer {
  const outer: { readonly body: string } = JSON.parse(encodeManifest(manifest).toString("utf8"));
  const body = JSON.stringify(oddJson(random, JSON.parse(outer.body)));
  return Buffer.from(JSON.stringify({ checksum: checksum(body), body }));
}

function oddLog(random: Random): Buffer {
  const lines = turnBytes.toString("utf8").trimEnd().split("\n");
  const odd = lines.map((line) => {
    const object: unknown = JSON.parse(line.slice(17));
    const text = JSON.stringify(random.below(3) === 0 ? oddJson(random, object) : object);
    return `${shortDigest(text)} ${text}\n`;
  });
  return Buffer.from(odd.join(""));
}

const malformed = { errors: [MalformedJson] };

describe("whatever a home's files hold, reading them ends in a typed error or in what they say", function () {
  this.timeout(60_000);

  it("manifests", () =>
    fuzz(
      1000,
      (random) => {
        const isForged = random.below(2) === 0;
        decodeManifest(isForged ? oddManifest(random) : oddBytes(random, encodeManifest(manifest)));
      },
      malformed,
    ));

  it("turn logs and token files", () =>
    fuzz(600, async (random, allow) => {
      const turns = random.below(2) === 0 ? oddBytes(random, turnBytes) : oddLog(random);
      const tokens = random.below(2) === 0 ? oddBytes(random, tokenBytes) : tokenBytes;
      // Lines are read in pieces of 1 MB at most.
      allow(1024 * 1024 + turns.length + tokens.length);
      const { entries, damage } = await readLogs(sourceOf(turns), sourceOf(tokens));
      assert.ok(damage !== undefined || entries.length <= turns.length);
      assert.ok(entries.reduce((sum, entry) => sum + entry.tokens.length, 0) * 4 <= tokens.length);
    }));

  it("records of turns", () =>
    fuzz(
      3000,
      (random) => {
        const { body, tokens } = encodeRecord(random.pick(records));
        const odd = oddJson(random, body);
        if (typeof odd === "object" && odd !== null && !Array.isArray(odd)) decodeRecord({ body: { ...odd }, tokens });
      },
      malformed,
    ));

  it("files of keys", () =>
    inFolder(async (folder) => {
      const file = path.join(folder, "keys.bin");
      await fuzz(150, async (random) => {
        const records = Array.from({ length: random.below(20) }, () => random.bytes(1 + random.below(40)));
        await writeFile(file, Buffer.concat(records));
        await readKeys(file);
      });
    }));

  it("reports of benchmarks", () =>
    fuzz(1000, (random) => {
      const rows = [{ case: "a", n: 1, p50Ms: 1, p95Ms: 1, p99Ms: 1, extra: true }];
      const report = { suite: "engine", at: "2020-01-01", machine: identity.numericsId, rows };
      const text = JSON.stringify(random.below(2) === 0 ? oddJson(random, report) : report);
      parseBenchReport(random.below(2) === 0 ? text : oddBytes(random, Buffer.from(text)).toString("utf8"));
    }));
});
