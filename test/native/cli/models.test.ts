import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runCli } from "../../support/agents/cli";
import { temporaryFolder } from "../../support/models/folders";
import { FakeHub } from "../../support/models/hub/fakeHub";
import { fakeModel } from "../../support/models/hub/hubRig";

describe("The program, with a model hub", () => {
  const folder = temporaryFolder();

  it("searches, gets, lists and deletes a model", async () => {
    const hub = await FakeHub.start();
    try {
      const name = "maker/Model-4bit";
      const { files } = fakeModel(name, 100_000);
      const {
        "model-00001-of-00002.safetensors": weights = "",
        "model-00002-of-00002.safetensors": _,
        ...rest
      } = files;
      hub.add({
        name,
        files: { ...rest, "model.safetensors": weights },
        large: ["model.safetensors"],
        privateFor: "t0ken",
      });
      const env = { HF_ENDPOINT: hub.url, HF_TOKEN: "t0ken", HOME: folder.path, no_proxy: "127.0.0.1" };
      const run = async (...words: readonly string[]) => {
        const { code, stdout, stderr } = await runCli(["models", ...words, "--home", folder.path], { env });
        return { code, stdout, stderr };
      };
      assert.match((await run("search", "model")).stdout, /^maker\/Model-4bit +llama/);
      const got = await run("get", name);
      assert.equal(got.code, 0, got.stderr);
      assert.match(got.stderr, /llama, 4-bit, context of 128 tokens, tools\n/);
      assert.match(got.stderr, /download .* KB; fits: /);
      assert.deepEqual(await readdir(join(folder.path, "models")), ["Model-4bit"]);
      const listed = await run("list");
      assert.match(listed.stdout, /^Model-4bit +downloaded +llama +4-bit .*fits/m);
      const asked = await run("delete", name);
      assert.match(asked.stderr, /^USAGE: deleting Model-4bit in .* needs --yes/);
      const deleted = await run("delete", name, "--yes");
      assert.match(deleted.stdout, /^Model-4bit is deleted: .* KB are free again\n$/);
      assert.deepEqual(await readdir(join(folder.path, "models")), []);
      assert.match((await run("delete", "starter")).stderr, /^MODEL_NOT_FOUND: /);
    } finally {
      await hub.stop();
    }
  });
});
