import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { runCli } from "../../support/agents/cli";
import { temporaryFolder } from "../../support/models/folders";

const tools = [{ name: "now", description: "Tells the time" }];

describe("resident generate with tools", function () {
  this.timeout(300_000);
  const folder = temporaryFolder();

  async function written(name: string, content: unknown): Promise<string> {
    const file = path.join(folder.path, name);
    await writeFile(file, JSON.stringify(content));
    return file;
  }

  const generate = (...args: readonly string[]) =>
    runCli([
      "generate",
      "--home",
      path.join(folder.path, "home"),
      "--pool-mb=64",
      "--prompt=What time is it?",
      ...args,
    ]);

  it("says that the starter model takes none and that no call waits for a result, and what to do", async () => {
    const file = await written("tools.json", tools);
    for (const args of [["--json"], ["--agent=ada"]]) {
      const { code, stdout, stderr } = await generate("--tools", file, ...args);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        /^INVALID_REQUEST: tools cannot be offered to this model: .+: leave the tools out, or choose .+$/m,
      );
    }
    const show = await runCli(["agents", "show", "ada", "--home", path.join(folder.path, "home")]);
    assert.match(show.stdout, /^tools: now$/m);
    const { code, stderr } = await generate("--agent=ada", "--tools", await written("none.json", []), "--max-tokens=2");
    assert.equal(code, 0, stderr);
    const home = path.join(folder.path, "home");
    const result = await runCli(["generate", "--home", home, "--agent=ada", "--tool-result=c1=noon"]);
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /^INVALID_REQUEST: there is no call c1 that waits for a result: send results only after/m,
    );
  });

  it("says to what of a schema no answer can be held", async () => {
    const schema = { type: "object", properties: { at: { type: "string", pattern: "^[0-9]+$" } }, required: ["at"] };
    const file = await written("pattern.json", schema);
    const unconstrained = [{ path: "/properties/at", what: "pattern" }];
    const json = await generate("--json-schema", file, "--max-tokens=40", "--json");
    assert.deepEqual(JSON.parse(json.stdout).unconstrained, unconstrained);
    const { code, stderr } = await generate("--json-schema", file, "--max-tokens=40");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^\[warn\] the answer was not held to all of the schema.*: \/properties\/at: pattern$/m);
  });

  it("answers with JSON that fits a schema, always, also sampled and from the starter model", async () => {
    const schema = {
      type: "object",
      properties: { hour: { type: "integer", minimum: 0, maximum: 23 }, zone: { enum: ["here", "there"] } },
      required: ["hour", "zone"],
    };
    const file = await written("schema.json", schema);
    for (const seed of [1, 2, 3]) {
      const args = ["--json-schema", file, "--temperature=1.5", "--max-tokens=60", `--seed=${seed}`, "--json"];
      const { code, stdout, stderr } = await generate(...args);
      assert.equal(code, 0, stderr);
      const { text, finishReason } = JSON.parse(stdout);
      assert.equal(finishReason, "stop");
      const { hour, zone, ...others } = JSON.parse(text);
      assert.ok(Number.isInteger(hour) && hour >= 0 && hour <= 23 && ["here", "there"].includes(zone), text);
      assert.deepEqual(others, {});
    }
  });
});
