/**
 * The test tiers, in the order in which `npm test` runs them. Each is a list of commands; each command must leave the
 * results file that its environment names in RESIDENT_RESULTS: `{ passed, failed, pending, failures: [{ title, message }] }`
 * (test/runner/reporter.cjs writes it for mocha). A command fails its tier when it exits with a code other than 0, is
 * not done within its limit, leaves no results, or ran no test.
 */
const minutes = (n) => n * 60_000;

/** `parts` choose among a tier's test files; a tier without files to choose from ignores them. */
const mocha = (pattern, ...options) => [
  "node_modules/mocha/bin/mocha.js",
  "--reporter",
  "test/runner/reporter.cjs",
  ...options,
  pattern,
];

/**
 * On a Mac the addon of set-up is the one; elsewhere it is compiled for one. The kernels for Arm are run by an emulator where
 * the processor is none.
 */
const macAddon = process.platform === "darwin" ? ["mlx", "addon"] : ["mac-addon"];
const emulator = process.arch === "arm64" ? [] : ["arm-emulator"];

const bundled = (tier) => (parts) => ["esbuild.js", `--tests=${tier}`, ...parts];

/**
 * `setUp`: the parts of native/setup.mjs that the tier needs. `prepare`: run before, counts no tests. `onDemand`: runs only where
 * it is named. `behind`: it computes nearly all the time and nothing in it waits for a moment, so it takes what the tiers that
 * wait leave of the processors: it runs at the same time as they, at the lowest priority, and its limits are wide. What has
 * limits inside comes last: by then the tiers in front drive a browser and leave it most of a processor.
 * All commands are arguments of this Node.
 */
export const tiers = [
  {
    name: "checks",
    setUp: ["clang-format", "build"],
    commands: [
      {
        name: "checks",
        args: () => mocha("test/checks/**/*.test.mjs", "--timeout=120000", "--parallel", "--jobs=2"),
        limitMs: minutes(5),
      },
    ],
  },
  {
    name: "unit",
    setUp: [],
    prepare: bundled("unit"),
    commands: [
      {
        name: "unit",
        args: () => mocha("out/test/unit/**/*.test.js", "--timeout=20000", "--parallel", "--jobs=2"),
        limitMs: minutes(10),
      },
    ],
  },
  {
    name: "native",
    setUp: ["mlx", "addon", "build", "model"],
    prepare: bundled("native"),
    commands: [
      { name: "native-cpp", args: () => ["native/test/run.mjs"], limitMs: minutes(6), whole: true },
      {
        name: "native",
        args: () => mocha("out/test/native/**/*.test.js", "--timeout=120000"),
        limitMs: minutes(15),
      },
    ],
  },
  {
    name: "faults",
    setUp: ["mlx", "addon", "build", "model"],
    prepare: bundled("faults"),
    commands: [{ name: "faults", args: () => ["out/test/faults/index.js", "--quick"], limitMs: minutes(10) }],
  },
  {
    // Fetches 600 MB and has two other programs answer with real weights: too long for every run.
    name: "models",
    onDemand: true,
    setUp: ["mlx", "addon", "build"],
    prepare: bundled("models"),
    commands: [
      { name: "models", args: () => mocha("out/test/models/**/*.test.js", "--timeout=1800000"), limitMs: minutes(60) },
    ],
  },
  {
    name: "real",
    onDemand: true,
    setUp: ["mlx", "addon", "build"],
    prepare: bundled("integration"),
    commands: [{ name: "real", args: () => ["test/integration/run.mjs", "--real"], limitMs: minutes(60) }],
  },
  {
    name: "integration",
    setUp: ["mlx", "addon", "build", "model"],
    prepare: bundled("integration"),
    commands: [{ name: "integration", args: () => ["test/integration/run.mjs"], limitMs: minutes(8) }],
  },
  {
    name: "pages",
    setUp: ["build"],
    prepare: bundled("pages"),
    commands: [
      { name: "pages", args: () => mocha("out/test/pages/**/*.test.js", "--timeout=120000"), limitMs: minutes(10) },
    ],
  },
  {
    name: "ui",
    setUp: ["mlx", "addon", "build", "model"],
    prepare: bundled("ui"),
    commands: [{ name: "ui", args: () => ["test/ui/run.mjs"], limitMs: minutes(20) }],
  },
  {
    name: "mac",
    behind: true,
    setUp: [...macAddon, ...emulator],
    commands: [{ name: "mac", args: () => mocha("test/mac/**/*.test.mjs", "--timeout=1800000"), limitMs: minutes(40) }],
  },
  {
    // Compiles all C++ once more the first time.
    name: "asan",
    behind: true,
    setUp: ["mlx", "addon"],
    commands: [{ name: "asan", args: () => ["native/test/run.mjs", "--asan"], limitMs: minutes(40), whole: true }],
  },
  {
    name: "reference",
    behind: true,
    setUp: ["mlx", "addon", "build", "model", "graph-tools"],
    prepare: bundled("reference"),
    commands: [
      {
        name: "reference",
        args: () => mocha("out/test/reference/**/*.test.js", "--timeout=1800000"),
        limitMs: minutes(40),
      },
    ],
  },
  {
    name: "tokenizers",
    onDemand: true,
    setUp: [],
    prepare: bundled("tokenizers"),
    commands: [
      {
        name: "tokenizers",
        args: () => mocha("out/test/tokenizers/**/*.test.js", "--timeout=900000"),
        limitMs: minutes(20),
      },
    ],
  },
];

/** The commands of a tier that run when `parts` of its files are asked for. */
export const commandsOf = (tier, parts) => tier.commands.filter((command) => parts.length === 0 || !command.whole);

/**
 * The tiers to run, and of them those that run one after the other (`front`) and those that run at the same time (`behind`).
 * With nothing to stand behind, a tier runs like any other.
 *
 * @param {readonly string[]} named none: all but those on demand
 */
export function choose(all, named, parts) {
  const isNamed = (tier) => (named.length === 0 ? tier.onDemand !== true : named.includes(tier.name));
  const chosen = all.filter((tier) => isNamed(tier) && commandsOf(tier, parts).length > 0);
  const front = chosen.filter((tier) => tier.behind === undefined);
  if (front.length === 0) return { chosen, front: chosen, behind: [] };
  return { chosen, front, behind: chosen.filter((tier) => tier.behind !== undefined) };
}
