import assert from "node:assert/strict";
import { cleanName, longestName, validName } from "../../../src/agents/agentName";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

describe("an agent's name", () => {
  for (const [what, name, kept] of [
    ["white space around it and within", "  Ada \t\n the   Second\u00A0", "Ada the Second"],
    ["a mark that turns the direction", "\u202Ecold · 0 tokens", "cold · 0 tokens"],
    ["isolates and marks", "\u2066Ada\u2069\u200E\u200F\u061C", "Ada"],
    ["zero-width characters", "A\u200Bd\u2060a\uFEFF\u00AD", "Ada"],
    ["joiners where nothing is joined", "A\u200Dd\u200Ca", "Ada"],
    ["control characters", "A\u0000d\u001B[31ma\u009B", "Ad[31ma"],
    ["half a surrogate pair", "Ada\uD800", "Ada"],
    ["letters in two parts", "e\u0301", "\u00E9"],
  ] as const) {
    it(`is kept without ${what}`, () => assert.equal(cleanName(name), kept));
  }

  it("keeps what its script and its emoji need", () => {
    for (const name of ["👩‍💻 helper", "🏳️‍🌈", "👨🏽‍🚀", "می‌خواهم", "क्‍ष", "日本語", "שלום", "Zoë №1"]) {
      assert.equal(cleanName(name), name.normalize("NFC"));
    }
  });

  it("must be there, and not be too long: the limit is told", () => {
    for (const name of ["", " \n", "\u202E", "\u200B\u200B"]) {
      assert.throws(() => validName(name), { code: "INVALID_REQUEST", what: "an agent needs a name" });
    }
    assert.equal([...validName("🙂".repeat(longestName))].length, longestName);
    assert.throws(() => validName("a".repeat(300)), { code: "INVALID_REQUEST", what: /300 characters.*at most 100/ });
  });

  it("is the same for all who make, rename, fork and look for an agent", () =>
    inFolder(async (home) => {
      const { agents } = new AgentRig(home);
      const ada = await agents.create({ name: " Ada \u202E" });
      assert.equal(ada.name, "Ada");
      await assert.rejects(agents.create({ name: "A\u200Bda" }), { code: "INVALID_REQUEST" });
      await assert.rejects(agents.fork(ada.id, "\u200B"), { code: "INVALID_REQUEST" });
      assert.equal((await agents.rename(ada.id, "Ada\n  Lovelace")).name, "Ada Lovelace");
      assert.equal((await agents.find("Ada   Lovelace"))?.id, ada.id);
      assert.equal(await agents.find("\u200B"), undefined);
      await assert.rejects(agents.rename(ada.id, "x".repeat(101)), { code: "INVALID_REQUEST" });
    }));
});
