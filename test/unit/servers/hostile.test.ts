import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import fc from "fast-check";
import { ResidentError } from "../../../src/common/errors";
import { rejection } from "../../support/models/folders";
import { Asked } from "../../support/servers/asked";
import { beginStream, delta, type Script, scriptedServer, status, stream } from "../../support/servers/scriptedServer";

/** Sends what `next` gives until the client is gone; tells how much was taken. */
function flood(next: () => string, begin: (response: ServerResponse) => void = beginStream) {
  const sent = { bytes: 0 };
  const script: Script = async (response) => {
    begin(response);
    const gone = new Promise<void>((resolve) => response.once("close", resolve));
    while (!response.destroyed) {
      const text = next();
      sent.bytes += text.length;
      if (response.write(text)) await new Promise((done) => setImmediate(done));
      else await Promise.race([gone, new Promise((drained) => response.once("drain", drained))]);
    }
  };
  return { script, sent };
}

const megabyte = "x".repeat(1 << 20);

describe("A hostile server", () => {
  const scripted = scriptedServer();
  const failed = async (script: Script, what: RegExp) => {
    scripted.server.play(script);
    const asked = new Asked(scripted.server.url);
    return {
      asked,
      error: await rejection(asked.answer({ tools: [{ name: "t", description: "" }] }), "SERVER_FAILURE", what),
    };
  };

  it("with a line that never ends is left", async () => {
    const { script, sent } = flood(() => megabyte);
    const { error } = await failed(script, /an event of more than/);
    assert.equal(error.facts["reason"], "tooLarge");
    assert.ok(sent.bytes < 64 << 20, `${sent.bytes} bytes were sent`);
  });

  it("with an event of endless lines is left", async () => {
    const { script } = flood(() => `data: ${megabyte}\n`);
    await failed(script, /an event of more than/);
  });

  it("with a gigabyte of arguments is left", async () => {
    const piece = (args: string) =>
      `data: ${JSON.stringify(delta({ tool_calls: [{ index: 0, id: "x", function: { name: "t", arguments: args } }] }))}\n\n`;
    const { script, sent } = flood(() => piece(megabyte));
    await failed(script, /arguments of calls of more than/);
    assert.ok(sent.bytes < 64 << 20, `${sent.bytes} bytes were sent`);
  });

  it("with calls without end is left", async () => {
    let index = 0;
    const { script } = flood(
      () => `data: ${JSON.stringify(delta({ tool_calls: [{ index: index++, function: { name: "t" } }] }))}\n\n`,
    );
    await failed(script, /more than 128 calls/);
  });

  it("with an answer without end is left, and what came is kept", async () => {
    const { script } = flood(() => `data: ${JSON.stringify(delta({ content: megabyte }))}\n\n`);
    const { asked } = await failed(script, /an answer of more than/);
    assert.ok(asked.text.length >= 15 << 20);
  });

  it("with deep JSON is left", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    await failed(stream(`{"choices":${deep}}`), /cannot be read/);
  });

  it("with huge or endless headers is left", async () => {
    await failed(status(200, "", { "x-huge": "x".repeat(20_000) }), /headers .* too long/);
    const endless = createServer((socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write(`x-more: ${"y".repeat(1000)}\r\n`), 1);
      socket.once("close", () => clearInterval(timer));
    });
    await new Promise<void>((done) => endless.listen(0, "127.0.0.1", done));
    const address = endless.address();
    assert.ok(address !== null && typeof address === "object");
    const asked = new Asked(`http://127.0.0.1:${address.port}/v1`);
    await rejection(asked.answer(), "SERVER_FAILURE", /headers .* too long/);
    await new Promise((done) => endless.close(done));
  });

  it("with an error without end tells its first words", async () => {
    const { script, sent } = flood(
      () => megabyte,
      (response) => void response.writeHead(400),
    );
    scripted.server.play(script);
    const { what } = await rejection(
      new Asked(scripted.server.url).answer(),
      "SERVER_REFUSED",
      /refuses the request \(400\)/,
    );
    assert.ok(what.length < 400);
    assert.ok(sent.bytes < 32 << 20);
  });

  it("with any events at all gives an answer or a typed error", async () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const names = fc.constantFrom(
      "choices",
      "delta",
      "content",
      "tool_calls",
      "function",
      "usage",
      "finish_reason",
      "message",
      "error",
    );
    const event = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        value,
        fc.dictionary(names, tie("node"), { maxKeys: 4 }),
        fc.array(tie("node"), { maxLength: 2 }),
      ),
    })).node;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 4 }), async (events) => {
        scripted.server.play(stream(...events.map((each) => JSON.stringify(each))));
        try {
          await new Asked(scripted.server.url, { options: { attempts: 1 } }).answer();
        } catch (error) {
          assert.ok(error instanceof ResidentError && error.code !== "INTERNAL", String(error));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("with any bytes at all gives an answer or a typed error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        scripted.server.play((response) => {
          beginStream(response);
          response.end(Buffer.from(bytes));
        });
        await assert.rejects(
          new Asked(scripted.server.url, { options: { attempts: 1 } }).answer(),
          (error) => error instanceof ResidentError && error.code === "SERVER_FAILURE",
        );
      }),
      { numRuns: 100 },
    );
  });
});
