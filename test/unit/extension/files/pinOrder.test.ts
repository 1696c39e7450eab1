import assert from "node:assert/strict";
import fc from "fast-check";
import { changeText } from "../../../../src/extension/files/changeText";
import { digestOf } from "../../../../src/extension/files/digest";
import { type ChangeRank, pinOrder } from "../../../../src/extension/files/pinOrder";
import { PinSources } from "../../../../src/extension/files/pinSources";
import { SaveHistory } from "../../../../src/extension/files/saveHistory";

const ranks =
  (table: Readonly<Record<string, number>>) =>
  (path: string): ChangeRank => ({ saves: table[path] ?? 0, changedAt: 0 });

describe("the order of pinned files", () => {
  it("has what seldom changes first", () => {
    const rankOf = ranks({ a: 5, b: 1, c: 3 });
    assert.deepEqual(
      pinOrder(["a", "b", "c"], [], () => false, rankOf),
      ["b", "c", "a"],
    );
  });

  it("asks for the time where the saves are equal, and keeps the order of equal ones", () => {
    const at = (changedAt: number): ChangeRank => ({ saves: 0, changedAt });
    const times: Readonly<Record<string, number>> = { a: 9, b: 2, c: 2 };
    assert.deepEqual(
      pinOrder(
        ["a", "b", "c"],
        [],
        () => false,
        (path) => at(times[path] ?? 0),
      ),
      ["b", "c", "a"],
    );
  });

  it("moves nothing before the first change, whatever the ranks are", () => {
    const rankOf = ranks({ a: 9, b: 8, c: 7, d: 1 });
    assert.deepEqual(
      pinOrder(["a", "b", "c", "d", "e"], ["a", "b", "c", "d"], (path) => path === "c", rankOf),
      ["a", "b", "e", "d", "c"],
    );
    assert.deepEqual(
      pinOrder(["a", "c"], ["a", "b", "c"], () => false, rankOf),
      ["a", "c"],
    );
  });

  it("has each file once, and the unchanged beginning stays, for all orders", () => {
    const path = fc.constantFrom("a", "b", "c", "d", "e", "f");
    fc.assert(
      fc.property(
        fc.uniqueArray(path),
        fc.uniqueArray(path),
        fc.uniqueArray(path),
        fc.dictionary(path, fc.nat(3)),
        (paths, current, changed, table) => {
          const isChanged = (one: string) => changed.some((path) => path === one);
          const order = pinOrder(paths, current, isChanged, ranks(table));
          assert.deepEqual([...order].sort(), [...paths].sort());
          const first = current.findIndex((one) => !paths.includes(one) || isChanged(one));
          const kept = first < 0 ? current : current.slice(0, first);
          assert.deepEqual(order.slice(0, kept.length), kept);
        },
      ),
    );
  });
});

describe("the saves of a workspace", () => {
  const day = 24 * 60 * 60 * 1000;

  function newHistory(values = new Map<string, unknown>()) {
    let now = 1000 * day;
    const memory = {
      get: (key: string) => values.get(key),
      update: async (key: string, value: unknown) => void values.set(key, structuredClone(value)),
    };
    const history = new SaveHistory(
      memory,
      (error) => assert.fail(String(error)),
      () => now,
    );
    return {
      history,
      values,
      pass: (ms: number) => {
        now += ms;
      },
    };
  }

  it("count less when they are old, and are there again", () => {
    const { history, values, pass } = newHistory();
    for (let index = 0; index < 40; index++) history.note("busy");
    history.note("calm");
    assert(history.rankOf("busy").saves > history.rankOf("calm").saves);
    assert.deepEqual(newHistory(values).history.rankOf("busy"), history.rankOf("busy"));
    pass(60 * day);
    assert.equal(history.rankOf("busy").saves, 0);
  });

  it("are completed by what the disk says, and bounded", () => {
    const { history, values } = newHistory();
    assert.deepEqual(history.rankOf("other", 77), { saves: 0, changedAt: 77 });
    for (let index = 0; index < 500; index++) history.note(`f${index}`);
    assert.equal((values.get("resident.saves") as unknown[]).length, 200);
    assert.equal(history.rankOf("f0").changedAt, 0);
    assert.equal(history.rankOf("f499").changedAt, 1000 * day);
    for (const bad of ["x", [1], [["a", null]], [["a", { count: "1", at: 1 }]]]) {
      assert.deepEqual(newHistory(new Map([["resident.saves", bad]])).history.rankOf("a"), { saves: 0, changedAt: 0 });
    }
  });
});

describe("where pinned files come from", () => {
  function newSources(values = new Map<string, unknown>()) {
    const memory = {
      get: (key: string) => values.get(key),
      update: async (key: string, value: unknown) => void values.set(key, structuredClone(value)),
    };
    return { sources: new PinSources(memory, (error) => assert.fail(String(error))), values };
  }

  it("is known by path and text, for forks too, and after a reload", () => {
    const { sources, values } = newSources();
    const [digest, other] = [digestOf("x"), digestOf("y")];
    sources.keep([
      { path: "a.ts", digest, file: "file:///w/a.ts" },
      { path: "b.ts", digest, file: "file:///w/c.ts", movedTo: "c.ts" },
    ]);
    const again = newSources(values).sources;
    assert.deepEqual(again.find({ path: "a.ts", digest }), { file: "file:///w/a.ts" });
    assert.deepEqual(again.find({ path: "b.ts", digest }), { file: "file:///w/c.ts", movedTo: "c.ts" });
    assert.equal(again.find({ path: "a.ts", digest: other }), undefined);
    again.moved("file:///w/a.ts", "file:///w/d.ts", "d.ts");
    assert.deepEqual(again.find({ path: "a.ts", digest }), { file: "file:///w/d.ts", movedTo: "d.ts" });
    again.moved("file:///w/d.ts", "file:///w/a.ts", "a.ts");
    assert.deepEqual(again.find({ path: "a.ts", digest }), { file: "file:///w/a.ts" });
    for (let index = 0; index < 600; index++) again.keep([{ path: `f${index}`, digest, file: "file:///f" }]);
    assert.equal((values.get("resident.pinSources") as unknown[]).length, 500);
  });
});

describe("the change of a file in words", () => {
  it("is a unified diff", async () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join("");
    const diff = await changeText("src/a.ts", before, before.replace("line 9\n", "line nine\n"));
    assert.equal(
      diff,
      [
        "--- src/a.ts",
        "+++ src/a.ts",
        "@@ -7,7 +7,7 @@",
        " line 6",
        " line 7",
        " line 8",
        "-line 9",
        "+line nine",
        " line 10",
        " line 11",
        " line 12",
        "",
      ].join("\n"),
    );
  });

  it("is none where too much is different, and long texts leave the thread free", async () => {
    const lines = (seed: string) => Array.from({ length: 20_000 }, (_, index) => `${seed} ${index}\n`).join("");
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
    }, 1);
    assert.equal(await changeText("a", lines("old"), lines("new")), undefined);
    clearInterval(ticking);
    assert(turns > 20, `other work had ${turns} turns`);
  });
});
