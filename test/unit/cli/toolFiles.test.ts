import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { parseArguments } from "../../../src/cli/arguments";
import { readJsonSchema, readTools } from "../../../src/cli/toolFiles";
import { readResults } from "../../../src/cli/toolResults";

describe("A file of tools", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "resident tools "));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function written(content: unknown, name = "tools.json"): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  }

  const parameters = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
  const read = { name: "read_file", description: "Reads", parameters };
  const { description: _, ...undescribed } = read;
  const forms: readonly (readonly [string, unknown, unknown])[] = [
    ["a list as OpenAI's API takes it", [{ type: "function", function: { ...read, strict: true } }], [read]],
    ["a plain list", [read, { name: "now" }], [read, { name: "now", description: "" }]],
    [
      "the list of an MCP server",
      { tools: [{ name: "read_file", title: "R", inputSchema: parameters }] },
      [{ ...undescribed, description: "" }],
    ],
    ["the list of the responses API", [{ type: "function", ...read }], [read]],
    ["no tools", [], []],
    [
      "a tool without a schema",
      [{ name: "now", description: "", parameters: null }],
      [{ name: "now", description: "" }],
    ],
  ];
  for (const [name, content, tools] of forms) {
    it(`may be ${name}`, async () => {
      const file = await written(`\ufeff${JSON.stringify(content)}`);
      assert.deepEqual(await readTools(file), tools);
    });
  }

  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ["text that is no JSON", "[{", /^tools\.json is no JSON: .+$/],
    ["an object", { name: "read_file" }, /^tools\.json has no list of tools$/],
    ["a list of texts", [read, "now"], /^tools\.json has a tool 2 that is no object$/],
    ["a tool without a name", [{ description: "x" }], /a tool 1 without a name$/],
    ["a tool of another type", [{ type: "web_search" }], /a tool 1 of the type "web_search"$/],
    ["a description that is no text", [{ name: "a", description: 5 }], /a tool 1 whose description is no text$/],
    ["parameters that are no schema", [{ name: "a", parameters: [] }], /a tool 1 whose parameters are no JSON schema$/],
  ];
  for (const [name, content, what] of refused) {
    it(`with ${name} is refused in words, with the form to write`, async () => {
      const file = await written(content);
      await assert.rejects(readTools(file), (error: { code?: unknown; what?: unknown; advice?: unknown }) => {
        assert.equal(error.code, "INVALID_REQUEST");
        assert.match(String(error.what), what);
        assert.notEqual(error.advice, "");
        return true;
      });
    });
  }

  it("that is not there, or is a folder, is named with the reason", async () => {
    await assert.rejects(readTools(path.join(folder, "none.json")), { code: "IO_FAILURE" });
    await assert.rejects(readTools(folder), { code: "IO_FAILURE", what: `${folder} is a folder` });
  });

  it("is told from a file with a JSON schema, which may be true", async () => {
    assert.deepEqual(await readJsonSchema(await written(parameters)), parameters);
    assert.equal(await readJsonSchema(await written("true")), true);
    await assert.rejects(readJsonSchema(await written([])), {
      code: "INVALID_REQUEST",
      what: "tools.json is no JSON schema",
    });
  });

  describe("and the results of calls", () => {
    const spec = {
      usage: "x",
      summary: "",
      positionals: [],
      options: { "tool-result": { value: "R", many: true, help: "" } },
    } as const;
    const resultsOf = (...given: readonly string[]) => {
      const args = parseArguments(
        spec,
        given.map((one) => `--tool-result=${one}`),
      );
      return readResults(args);
    };

    it("are texts, files, and failures, in the order in which they are given", async () => {
      const file = await written("line 1\nline 2\n", "result.txt");
      assert.deepEqual(await resultsOf("a1=x=y", `b2=@${file}`, "c3!=no such file", "d4=", "e5=@@home"), [
        { call: "a1", text: "x=y" },
        { call: "b2", text: "line 1\nline 2\n" },
        { call: "c3", text: "no such file", failed: true },
        { call: "d4", text: "" },
        { call: "e5", text: "@home" },
      ]);
    });

    it("are refused where they name no call, or a file that is not there", async () => {
      for (const given of ["text", "=text", "!=text"]) await assert.rejects(resultsOf(given), { code: "USAGE" });
      await assert.rejects(resultsOf(`a=@${path.join(folder, "none")}`), { code: "IO_FAILURE" });
    });
  });
});
