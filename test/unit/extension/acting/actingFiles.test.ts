import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Checkpoint } from "../../../../src/acting/ports";
import { ActingFiles } from "../../../../src/extension/acting/actingFiles";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

describe("what is kept of what agents do", () => {
  let root: string;
  let now: number;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "resident acting "));
    now = Date.now();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const open = (bytes = 1e9, ms = 1e9) => new ActingFiles(root, { bytes, ms }, () => now);

  const write = (before: string, after: string, path = "a.ts"): [Checkpoint, Record<string, string>] => [
    { turn: "t1", call: "c1", folder: "/w", path, before: digest(before), after: digest(after) },
    { [digest(before)]: before, [digest(after)]: after },
  ];

  it("is there again after a restart: copies in their order, and each text once", async () => {
    const files = open();
    await Promise.all([files.add("agent", ...write("one", "two")), files.add("agent", ...write("two", "three 🎈"))]);
    const again = open();
    const [first, second, ...more] = await again.list("agent");
    assert.deepEqual([first?.before, second?.after, more], [digest("one"), digest("three 🎈"), []]);
    assert.equal(await again.text("agent", digest("three 🎈")), "three 🎈");
    assert.equal(readdirSync(join(root, "agent", "texts")).length, 3);
    assert.deepEqual(await again.list("other"), []);
    assert.equal(await again.text("agent", digest("never")), undefined);
  });

  it("leaves out what a crash cut, and a text that is not what its name says", async () => {
    const files = open();
    await files.add("agent", ...write("one", "two"));
    appendFileSync(join(root, "agent", "checkpoints.jsonl"), '{"turn":"t2","call"');
    writeFileSync(join(root, "agent", "texts", digest("one")), "other");
    assert.equal((await files.list("agent")).length, 1);
    assert.equal(await files.text("agent", digest("one")), undefined);
  });

  it("keeps which calls ran, replaced as a whole", async () => {
    const files = open();
    await files.write("agent", [{ call: "a" }, { call: "b", result: { text: "done" } }]);
    assert.deepEqual(await open().read("agent"), [{ call: "a" }, { call: "b", result: { text: "done" } }]);
    await files.write("agent", []);
    assert.deepEqual(await files.read("agent"), []);
    for (const damage of ["{", "[{}]", '[{"call":"a","result":{}}]', "null"]) {
      writeFileSync(join(root, "agent", "journal.json"), damage);
      assert.deepEqual(await files.read("agent"), [], damage);
    }
  });

  it("goes with its agent, and takes ids that are no names of files", async () => {
    const files = open();
    for (const agent of ["agent", "../../escaped", "a/b", ""]) {
      await files.add(agent, ...write("one", agent));
      assert.equal(await files.text(agent, digest(agent)), agent);
    }
    assert.ok(!existsSync(join(root, "..", "..", "escaped")));
    await files.forget("agent");
    assert.deepEqual(await files.list("agent"), []);
    assert.equal((await files.list("a/b")).length, 1);
  });

  it("is forgotten when nothing has touched it for long", async () => {
    await open().add("old", ...write("one", "two"));
    now += 5000;
    await open(1e9, 4000).trim();
    assert.deepEqual(readdirSync(root), []);
  });

  it("stays within its size: the agents that wrote longest ago go first, then the oldest texts", async () => {
    const files = open();
    for (const agent of ["first", "second", "third"]) {
      await files.add(agent, ...write("x".repeat(4000), agent.repeat(1000)));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await open(22_000).trim("third");
    assert.deepEqual(readdirSync(root).sort(), ["second", "third"]);
    await open(1).trim("third");
    assert.deepEqual(readdirSync(root), ["third"]);
    for (let number = 0; number < 5; number++) {
      await files.add("third", ...write(`${number}`.repeat(5000), `${number}!`.repeat(5000)));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await open(30_000).trim("third");
    assert.equal(await files.text("third", digest("0".repeat(5000))), undefined);
    assert.equal(await files.text("third", digest("4!".repeat(5000))), "4!".repeat(5000));
  });
});
