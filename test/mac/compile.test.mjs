/** Every C++ source and test under the compiler of Macs, with the warnings of the tests as errors. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildDirectoryOf, root } from "../../native/setup/paths.mjs";

const limitMs = 8 * 60_000;
const database = path.join(buildDirectoryOf("darwin-arm64"), "compile_commands.json");

/** "c++ -DNAME=\"a b\" x.cc" as its words: CMake escapes with backslashes and double quotes only. */
function wordsOf(command) {
  return [...command.matchAll(/(?:"(?:\\.|[^"])*"|\\.|[^\s"\\])+/g)].map(([word]) =>
    word.replaceAll(/"((?:\\.|[^"])*)"/g, (_, inside) => inside.replaceAll(/\\(.)/g, "$1")).replaceAll(/\\(.)/g, "$1"),
  );
}

function check({ command, directory }) {
  const [compiler, ...args] = wordsOf(command);
  const at = args.indexOf("-o");
  const syntaxOnly = [
    ...args.filter((_, index) => at < 0 || (index !== at && index !== at + 1)),
    "-fsyntax-only",
    "-Werror",
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, syntaxOnly, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve(code === 0 ? "" : said || `exit code ${code}`));
  });
}

/** As many at a time as there are processors. */
async function checkAll(entries) {
  const complaints = [];
  const left = [...entries];
  const work = async () => {
    for (let entry = left.shift(); entry !== undefined; entry = left.shift()) {
      const said = await check(entry);
      if (said !== "") complaints.push(`${path.relative(root, entry.file)}:\n${said}`);
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, work));
  return complaints;
}

describe("C++ for macOS", function () {
  this.timeout(limitMs);
  let entries;
  before(() => {
    entries = JSON.parse(fs.readFileSync(database, "utf8"));
  });

  it("is known to the build, all of it but the kernels of x86", () => {
    const known = new Set(entries.map(({ file }) => path.relative(root, file)));
    const sources = ["native/src", "native/test"].flatMap((folder) =>
      fs
        .readdirSync(path.join(root, folder), { recursive: true })
        .filter((name) => name.endsWith(".cc"))
        .map((name) => path.join(folder, name)),
    );
    const left = sources.filter((source) => !known.has(source));
    assert.deepEqual(
      left.filter((source) => !/kernels\/level_(avx|amx)/.test(source)),
      [],
    );
  });

  it("compiles without a warning", async () => {
    assert.deepEqual(await checkAll(entries), []);
  });

  it("would be found by one", async () => {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "resident-clang-"));
    try {
      const file = path.join(scratch, "odd.cc");
      fs.writeFileSync(file, "void Odd(int n) {\n  for (int i = 0, d = 0; d < n; ++i) {\n  }\n}\n");
      const like = entries.find((entry) => entry.file.endsWith("core/run.cc"));
      const [complaint] = await checkAll([{ ...like, file, command: like.command.replaceAll(like.file, file) }]);
      assert.match(complaint ?? "", /for-loop-analysis/);
    } finally {
      fs.rmSync(scratch, { recursive: true, force: true });
    }
  });
});
