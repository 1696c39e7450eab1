import assert from "node:assert/strict";
import path from "node:path";
import { runCli } from "../../support/agents/cli";
import { temporaryFolder } from "../../support/models/folders";
import {
  beginStream,
  counted,
  ended,
  said,
  scriptedServer,
  stream,
  writeEvent,
} from "../../support/servers/scriptedServer";

/** The program as a person runs it, with a server that answers as it is told. */
describe("resident generate --server", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const scripted = scriptedServer();
  const usage = { prompt_tokens: 20, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 16 } };

  const generate = (...args: readonly string[]) =>
    runCli(["generate", "--json", "--home", path.join(folder.path, "home"), "--server", scripted.server.url, ...args], {
      env: { RESIDENT_SERVER_KEY: "secret" },
    });

  it("answers one prompt, with the server's figures and the key of the environment", async () => {
    scripted.server.play(stream(said("Hello"), ended(), counted(usage)));
    const { code, stdout, stderr } = await generate("--prompt=Hi", "--max-tokens=5");
    assert.equal(code, 0, stderr);
    const answer = JSON.parse(stdout);
    assert.deepEqual([answer.text, answer.by, answer.finishReason], ["Hello", "server", "stop"]);
    assert.deepEqual([answer.promptTokens, answer.reusedTokens, answer.generatedTokens], [20, 16, 2]);
    const { headers, json } = scripted.server.requests.at(-1) ?? {};
    assert.equal(headers?.authorization, "Bearer secret");
    assert.deepEqual([json?.["temperature"], json?.["max_tokens"]], [0, 5]);
  });

  it("continues an agent in another process, and lets a model here go on with it", async () => {
    scripted.server.play(stream(said("Hello."), ended(), counted(usage)));
    assert.equal((await generate("--agent=ada", "--prompt=Hi")).code, 0);
    assert.equal((await generate("--agent=ada", "--prompt=More")).code, 0);
    const { messages } = scripted.server.requests.at(-1)?.json ?? {};
    assert.deepEqual(messages, [
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello." },
      { role: "user", content: "More" },
    ]);
    const home = path.join(folder.path, "home");
    const starter = path.resolve("native", "models", "SmolLM2-135M-Instruct");
    const here = ["--model", starter, "--max-tokens=4", "--pool-mb=64"];
    const args = ["generate", "--json", "--home", home, "--agent=ada", "--prompt=And you?", ...here];
    const { code, stdout, stderr } = await runCli(args);
    assert.equal(code, 0, stderr);
    const answer = JSON.parse(stdout);
    assert.equal(answer.by, undefined);
    assert.ok(answer.promptTokens > 40, "the whole conversation was read here");
  });

  it("says in one line what is wrong", async () => {
    scripted.server.play((response) => {
      beginStream(response);
      writeEvent(response, said("Hel"));
      setTimeout(() => response.socket?.destroy(), 20);
    });
    const broken = await generate("--prompt=Hi");
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /^SERVER_FAILURE: 127\S+ ended the connection in the middle of the answer: [^\n]+\n$/);
    const unknown = await generate("--prompt=Hi", "--server-model=none", "--agent=x");
    assert.match(unknown.stderr, /^SERVER_REFUSED: .* lists no model none: /);
    const away = await runCli(["generate", "--prompt=Hi", "--server=http://192.0.2.1", "--home", folder.path]);
    assert.match(away.stderr, /^USAGE: conversations would leave this machine for 192.0.2.1.*needs --yes/);
  });
});
