/** Every C++ source and test under the compiler of Macs, with the warnings of the tests as errors. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildDirectoryOf, cacheDirectory, root } from "../../native/setup/paths.mjs";

const limitMs = 30 * 60_000;
const database = path.join(buildDirectoryOf("darwin-arm64"), "compile_commands.json");

/** Without optimisation, into `object`: zig's clang cannot stop at the syntax. The last option of a kind counts. */
function check({ command, directory }, object) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: path.join(cacheDirectory, "zig-cache") };
    const options = { cwd: directory, env, stdio: ["ignore", "ignore", "pipe"] };
    const child = spawn("sh", ["-c", `${command} -O0 -Werror -o '${object}'`], options);
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
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "resident-clang-"));
  const complaints = [];
  const left = [...entries.entries()];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, entry] = next;
      const said = await check(entry, path.join(scratch, `${index}.o`));
      if (said !== "") complaints.push(`${path.relative(root, entry.file)}:\n${said}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: os.availableParallelism() }, work));
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  return complaints;
}

describe("C++ for macOS", function () {
  this.timeout(limitMs);
  let entries;
  const isBelow = (folder) => (entry) => path.relative(root, entry.file).startsWith(`${folder}/`);
  before(() => {
    entries = JSON.parse(fs.readFileSync(database, "utf8")).filter(
      (entry) => isBelow("native/src")(entry) || isBelow("native/test")(entry),
    );
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

  if (process.platform !== "darwin") {
    it("was compiled without a warning for the addon: for it they are errors too", () => {
      const left = entries.filter(isBelow("native/src")).filter(({ command, directory }) => {
        const object = / -o (\S+\.o) /.exec(command)?.[1];
        return !command.includes(" -Werror ") || object === undefined || !fs.existsSync(path.join(directory, object));
      });
      assert.deepEqual(
        left.map(({ file }) => file),
        [],
      );
    });
  }

  it("compiles without a warning", async () => {
    const isToDo = process.platform === "darwin" ? () => true : isBelow("native/test");
    assert.deepEqual(await checkAll(entries.filter(isToDo)), []);
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
