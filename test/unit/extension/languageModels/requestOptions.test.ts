import assert from "node:assert/strict";
import {
  requestConversation,
  requestSampling,
  requestThinking,
} from "../../../../src/extension/languageModels/requestOptions";
import { requestToolMode, requestTools } from "../../../../src/extension/languageModels/requestTools";

describe("the options of a request", () => {
  it("set the sampling that they name, in OpenAI's words or in ours", () => {
    assert.deepEqual(requestSampling({ temperature: 0, top_p: 0.9, topK: 40, max_tokens: 100, seed: 7 }), {
      temperature: 0,
      topP: 0.9,
      topK: 40,
      maxTokens: 100,
      seed: 7,
    });
    assert.deepEqual(requestSampling({ stop: "END" }), { stop: ["END"] });
    assert.deepEqual(requestSampling({ stop: ["a", "b"] }), { stop: ["a", "b"] });
  });

  it("say nothing where they are not known, the host's own, or no numbers", () => {
    const others = {
      _otelTraceContext: null,
      _temperature: 1,
      reasoning_effort: "high",
      temperature: "hot",
      top_p: NaN,
    };
    assert.deepEqual(requestSampling({ ...others, stop: [1], constructor: 1, toString: 2 }), {});
    assert.deepEqual(requestSampling(undefined), {});
  });

  it("name the conversation where the host tells it", () => {
    assert.equal(requestConversation({ _conversationId: "c-1" }), "c-1");
    for (const options of [undefined, {}, { _conversationId: "" }, { _conversationId: 7 }]) {
      assert.equal(requestConversation(options), undefined);
    }
  });
});

describe("the thinking of a request", () => {
  it("is what the person chose for the model, else none where the chat asks for none", () => {
    const modelOptions = { _enableThinking: false };
    assert.equal(requestThinking({ modelConfiguration: { thinking: "on" }, modelOptions }), "on");
    assert.equal(requestThinking({ modelConfiguration: { thinking: "own" }, modelOptions }), undefined);
    assert.equal(requestThinking({ modelConfiguration: {}, modelOptions }), "off");
    assert.equal(requestThinking({ modelOptions }), "off");
    assert.equal(requestThinking({ modelOptions: { _enableThinking: true } }), undefined);
    assert.equal(requestThinking({ modelConfiguration: { thinking: 7 } }), undefined);
    assert.equal(requestThinking({}), undefined);
  });
});

describe("the tools of a request", () => {
  it("keep names, descriptions and schemas", () => {
    const inputSchema = { type: "object", properties: { city: { type: "string" } }, if: {}, required: ["city"] };
    assert.deepEqual(requestTools([{ name: "weather", description: "Tells it", inputSchema }]), [
      { name: "weather", description: "Tells it", parameters: inputSchema },
    ]);
  });

  it("take no arguments where a schema is missing or none", () => {
    const parameters = { type: "object", properties: {} };
    for (const inputSchema of [undefined, null, "object", []]) {
      assert.deepEqual(requestTools([{ name: "now", inputSchema }]), [{ name: "now", description: "", parameters }]);
    }
    assert.deepEqual(requestTools(undefined), []);
  });

  it("may be called, or must be", () => {
    assert.deepEqual([undefined, 1, 2, 9].map(requestToolMode), ["auto", "auto", "required", "auto"]);
  });
});
