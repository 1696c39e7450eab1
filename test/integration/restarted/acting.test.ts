import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { commands } from "../../../src/extension/contributions";
import { ended, ScriptedServer, said, stream } from "../../support/servers/scriptedServer";
import { run, until } from "../support";

describe("an agent that acted when its window was closed", () => {
  it("asks by itself what waited, runs nothing before it is decided, and goes on then", async () => {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
    const left = path.join(folder, "left.txt");
    const server = await ScriptedServer.start(Number(readFileSync(path.join(folder, "server.port"), "utf8")));
    try {
      const list = () =>
        run<readonly { agent: string; call: string; question: string }[]>(commands.reviewWaiting, { list: true });
      await until("it asks", async () => (await list()).length === 1);
      server.play(stream(said("OK"), ended()));
      await run(commands.connectServer, { address: `127.0.0.1:${server.port}`, model: "tiny" });
      const { length } = server.requests;
      await run(commands.openAgent, { agent: "Left Acting" });
      const [question, ...others] = await list();
      assert(question);
      assert.deepEqual(others, []);
      assert.match(question.question, /left\.txt/);
      assert.ok(!existsSync(left));
      assert.equal(server.requests.length, length);
      const { agent, call } = question;
      await run(commands.reviewWaiting, { agent, call, way: "allow" });
      await until("the results are sent", () => JSON.stringify(server.requests.at(-1)?.json).includes("Exit code 0"));
      assert.equal(readFileSync(left, "utf8"), "after the restart\n");
    } finally {
      await server.stop();
    }
  });
});
