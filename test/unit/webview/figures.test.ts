import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { agentColour } from "../../../src/webview/shared/agentColour";
import { cacheSource, figuresView, waitOf } from "../../../src/webview/shared/figures";
import { figures } from "../../support/webview/samples/agents";
import { nodesOf, text } from "../../support/webview/trees";

const formats = createFormats("en");

function items(...args: Parameters<typeof figuresView>): readonly string[] {
  return nodesOf(figuresView(...args))
    .filter(({ type }) => type === "li")
    .map((item) => text(item));
}

describe("the figures of a turn", () => {
  it("come in their one order: reused, prefilled, generated, TTFT, rate, source", () => {
    assert.deepEqual(items(figures(1842, 37, 212, { cache: { tier: "warm" } }), formats), [
      "1,842 reused",
      "37 prefilled",
      "212 generated",
      "TTFT 84 ms",
      "61 tok/s",
      "restored from disk",
    ]);
  });

  it("leave nothing out when a turn has ended, zeros neither", () => {
    const nothing = figures(0, 0, 0, { ttftMs: 0, decodeTokensPerSecond: 0, cache: { tier: "cold" } });
    assert.equal(items(nothing, formats).length, 6);
  });

  it("leave out while it runs what is not known yet, and the source", () => {
    const early = figures(3294, 45, 0, { ttftMs: 0, decodeTokensPerSecond: 0 });
    assert.deepEqual(items(early, formats, { running: true }), ["3,294 reused", "45 prefilled", "0 generated"]);
  });

  it("say that a server counted, and leave out what it did not tell", () => {
    const all = figures(1842, 37, 212, { by: "server", cache: { tier: "hot" } });
    assert.deepEqual(items(all, formats).slice(-2), ["61 tok/s", "by the server"]);
    const some = { ...all, untold: ["reused", "generated"] } as const;
    assert.deepEqual(items(some, formats), ["37 prefilled", "TTFT 84 ms", "by the server"]);
    const none = { ...all, ttftMs: 0, decodeTokensPerSecond: 0, untold: ["prompt", "reused", "generated"] } as const;
    assert.deepEqual(items(none, formats), ["by the server"]);
  });

  it("say how the answer ended where it did not end by itself", () => {
    assert.equal(items(figures(1, 1, 1), formats, { ending: "stopped" }).at(-1), "stopped");
  });

  it("tell what a person waited for, where the model was loaded or the cache restored before the first token", () => {
    const waited = figures(1842, 37, 212, { ttftMs: 252, waitMs: 2120, modelMs: 1790, restoreMs: 62 });
    assert.deepEqual(items(waited, formats).slice(3, 6), [
      "TTFT 252 ms",
      "waited 2.1 s (model 1.8 s, restore 62 ms)",
      "61 tok/s",
    ]);
    assert.equal(
      waitOf(waited, formats)?.title,
      "2.1 s from the message to the first token: 1.8 s until the model was loaded, 62 ms to restore the cache from disk",
    );
    const queued = figures(10, 10, 10, { ttftMs: 80, waitMs: 3000 });
    assert.equal(items(queued, formats)[4], "waited 3.0 s");
  });

  it("tell no wait where it was the time to the first token, or is not known", () => {
    for (const change of [{}, { waitMs: 90 }, { waitMs: 84 + 249 }, { waitMs: 100, restoreMs: 14 }]) {
      assert.equal(waitOf(figures(1, 1, 1, change), formats), undefined);
    }
    assert.equal(items(figures(1, 1, 0, { ttftMs: 0, waitMs: 900 }), formats, { running: true }).length, 4);
  });

  it("name where the reused tokens came from", () => {
    const refused = { code: "CHECKSUM", reason: "block 12 failed its checksum", atToken: 768 };
    const source = (reused: number, cache: Parameters<typeof cacheSource>[0]["cache"]) =>
      cacheSource(figures(reused, 1, 1, { cache })).text;
    assert.equal(source(10, { tier: "hot" }), "from memory");
    assert.equal(source(10, { tier: "warm" }), "restored from disk");
    assert.equal(source(10, { tier: "warm", refused }), "restored in part");
    assert.equal(source(0, { tier: "warm", refused }), "read in full");
    assert.equal(source(0, { tier: "cold" }), "read in full");
  });
});

describe("an agent's colour", () => {
  it("follows the order of creation and begins again after six", () => {
    const colours = Array.from({ length: 7 }, (_, index) => agentColour(index)["--c"]);
    assert.equal(new Set(colours.slice(0, 6)).size, 6);
    assert.equal(colours[6], colours[0]);
  });
});
