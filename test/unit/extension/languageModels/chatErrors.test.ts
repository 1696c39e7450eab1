import assert from "node:assert/strict";
import { EngineEndedError, PoolExhaustedError, ResidentError } from "../../../../src/common/errors";
import { createFormats } from "../../../../src/common/format";
import { chatErrorText } from "../../../../src/extension/languageModels/chatErrors";

const formats = createFormats("en");

describe("a failure in the chat's words", () => {
  it("has both numbers and says what to raise or leave out", () => {
    const full = new ResidentError("CONTEXT_FULL", "x", "y", { needed: 26_529, context: 16_384 });
    assert.match(chatErrorText(full.toInfo(), formats), /26,528 tokens.*16,384\. Start a new chat, attach less/);
    const pool = new PoolExhaustedError(1_024, 512, 64);
    assert.match(chatErrorText(pool.toInfo(), formats), /1,024 blocks.*512\. Raise the setting resident\.pool\.sizeMB/);
  });

  it("says that a core which ended starts again by itself", () => {
    assert.match(chatErrorText(new EngineEndedError("code 134").toInfo(), formats), /Send the message again/);
  });

  it("has the failure's own advice where the chat knows no better", () => {
    const refused = new ResidentError("INVALID_REQUEST", 'the tool "a b" has no proper name', "rename it");
    assert.equal(chatErrorText(refused.toInfo(), formats), 'The tool "a b" has no proper name. Rename it.');
  });
});
