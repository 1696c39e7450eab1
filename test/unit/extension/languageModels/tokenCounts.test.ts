import assert from "node:assert/strict";
import { TokenCounts } from "../../../../src/extension/languageModels/tokenCounts";
import type { CountedInput } from "../../../../src/protocol/service";

function counting(tokensOf: (input: CountedInput) => number = (input) => input.length) {
  const asked: [string, readonly CountedInput[]][] = [];
  const counts = new TokenCounts(async (directory, inputs) => {
    asked.push([directory, inputs]);
    return inputs.map(tokensOf);
  });
  return { asked, counts };
}

describe("token counts", () => {
  it("that are asked for at the same time go to the core together, each model's apart", async () => {
    const { asked, counts } = counting();
    const texts = Array.from({ length: 300 }, (_, i) => "x".repeat(i));
    const counted = await Promise.all([...texts.map((text) => counts.count("/a", text)), counts.count("/b", "xy")]);
    assert.deepEqual(counted, [...texts.map(({ length }) => length), 2]);
    assert.deepEqual(
      asked.map(([directory, inputs]) => [directory, inputs.length]),
      [
        ["/a", 300],
        ["/b", 1],
      ],
    );
  });

  it("are remembered by text, also while they are counted", async () => {
    const { asked, counts } = counting();
    assert.deepEqual(await Promise.all([counts.count("/a", "one"), counts.count("/a", "one")]), [3, 3]);
    assert.equal(await counts.count("/a", "one"), 3);
    assert.equal(asked.flatMap(([, inputs]) => inputs).length, 1);
    counts.clear();
    assert.equal(await counts.count("/a", "one"), 3);
    assert.equal(asked.length, 2);
  });

  it("tell a text from a message that looks like it, and messages by their content", async () => {
    const { asked, counts } = counting();
    const message = { role: "user", content: "one" } as const;
    await Promise.all([
      counts.count("/a", JSON.stringify([message])),
      counts.count("/a", [message]),
      counts.count("/a", [{ ...message }]),
    ]);
    assert.equal(asked[0]?.[1].length, 2);
  });

  it("forget the oldest, not the ones in use", async () => {
    const { asked, counts } = counting();
    await counts.count("/a", "in use");
    for (let i = 0; i < 10_000; i++) {
      void counts.count("/a", `text ${i}`);
      if (i % 1000 === 0) void counts.count("/a", "in use");
    }
    await counts.count("/a", "in use");
    await counts.count("/a", "text 0");
    const all = asked.flatMap(([, inputs]) => inputs);
    assert.equal(all.filter((input) => input === "in use").length, 1);
    assert.equal(all.filter((input) => input === "text 0").length, 2);
  });

  it("that failed are asked for again", async () => {
    let fail = true;
    const counts = new TokenCounts(async (_, inputs) => {
      if (fail) throw new Error("not yet");
      return inputs.map(() => 1);
    });
    await assert.rejects(counts.count("/a", "one"), /not yet/);
    fail = false;
    assert.equal(await counts.count("/a", "one"), 1);
  });

  it("that cannot be counted concern no others that were asked for with them", async () => {
    const counts = new TokenCounts(async (_, inputs) => {
      if (inputs.includes("bad")) throw new Error("the template refuses it");
      return inputs.map(({ length }) => length);
    });
    const [good, bad] = await Promise.allSettled([counts.count("/a", "good"), counts.count("/a", "bad")]);
    assert.deepEqual(good, { status: "fulfilled", value: 4 });
    assert.equal(bad.status, "rejected");
  });
});
