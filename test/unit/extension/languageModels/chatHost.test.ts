import assert from "node:assert/strict";
import { chatHostOf } from "../../../../src/extension/languageModels/chatHost";
import {
  DataPart,
  fakeApi,
  fakeHost,
  LanguageModelError,
  TextPart,
  ThinkingPart,
  ToolCallPart,
} from "../../../support/extension/fakeChatHost";

describe("the host's API for chat models", () => {
  it("is not there before VS Code has it, whatever part of it is missing", () => {
    assert.equal(chatHostOf({}), undefined);
    for (const missing of ["lm", "LanguageModelTextPart", "LanguageModelToolCallPart", "LanguageModelDataPart"]) {
      assert.equal(chatHostOf(fakeApi({ [missing]: undefined })), undefined, missing);
    }
    assert.equal(chatHostOf(fakeApi({ lm: {} })), undefined);
    assert.equal(chatHostOf(fakeApi({ lm: null })), undefined);
  });

  it("makes the host's own parts", () => {
    const { parts } = fakeHost();
    assert.deepEqual(parts.text("Hello"), new TextPart("Hello"));
    assert.deepEqual(
      parts.call("c1", "weather", { city: "Paris" }),
      new ToolCallPart("c1", "weather", { city: "Paris" }),
    );
    const bytes = new Uint8Array([1]);
    assert.deepEqual(parts.data(bytes, "usage"), new DataPart(bytes, "usage"));
    assert.deepEqual(parts.thinking?.("Hm", "t1"), new ThinkingPart("Hm", "t1", undefined));
  });

  it("has no part for thoughts where the host has none", () => {
    assert.equal(fakeHost({ LanguageModelThinkingPart: undefined }).parts.thinking, undefined);
  });

  it("makes the host's own errors, and plain ones where its class is missing or takes no message", () => {
    const error = fakeHost().parts.error("It is full.", "CONTEXT_FULL");
    assert.ok(error instanceof LanguageModelError);
    assert.deepEqual([error.message, error.code], ["It is full.", "CONTEXT_FULL"]);
    class Silent extends Error {
      constructor() {
        super("illegal constructor");
      }
    }
    class Closed extends Error {
      constructor() {
        super();
        throw new TypeError("private");
      }
    }
    for (const other of [undefined, Silent, Closed]) {
      assert.equal(fakeHost({ LanguageModelError: other }).parts.error("It is full.", "X").message, "It is full.");
    }
  });

  it("registers with the host's own object, and gives back what ends it", () => {
    const calls: unknown[] = [];
    let disposed = false;
    const lm = {
      registerLanguageModelChatProvider(vendor: string, provider: unknown) {
        calls.push([this === lm, vendor, provider]);
        return {
          dispose: () => {
            disposed = true;
          },
        };
      },
    };
    const provider = {
      onDidChangeLanguageModelChatInformation: () => ({ dispose: () => {} }),
      provideLanguageModelChatInformation: async () => [],
      provideLanguageModelChatResponse: async () => {},
      provideTokenCount: async () => 0,
    };
    fakeHost({ lm }).register("resident", provider).dispose();
    assert.deepEqual(calls, [[true, "resident", provider]]);
    assert.equal(disposed, true);
  });
});
