/**
 * Bundles the product into dist/ and the tests into out/test/.
 *
 *   node esbuild.js                    dist/ with source maps
 *   node esbuild.js --production       dist/ minified, without source maps
 *   node esbuild.js --out=DIR          DIR/dist/ and DIR/meta/ instead of dist/ and out/meta/
 *   node esbuild.js --watch            dist/, again after every change
 *   node esbuild.js --tests=unit       out/test/unit/; parts of file names after it choose among the test files
 *
 * Only the extension and the tests that run inside VS Code may reach `vscode`: everywhere else it is not an external, so
 * a path from the core to `vscode` does not build. What went into a bundle is written to out/meta/<entry>.json, from
 * which test/checks proves who imports whom.
 */
const fs = require("node:fs");
const path = require("node:path");
const esbuild = require("esbuild");

const root = __dirname;

/** Paths with forward slashes, relative to the repository: what esbuild and the metafiles speak. */
const product = {
  // Node 18.15 is what VS Code 1.82, the oldest that `engines` allows, runs extensions with.
  extension: {
    entryPoints: { extension: "src/extension/extension.ts" },
    platform: "node",
    target: "node18",
    outdir: "dist",
    external: ["vscode"],
  },
  // Run by the extension in a worker thread, on first need.
  core: {
    entryPoints: { core: "src/service/remote/coreThread.ts" },
    platform: "node",
    target: "node18",
    outdir: "dist",
  },
  // Run by the extension in a thread of its own for each search of an agent.
  search: {
    entryPoints: { search: "src/extension/acting/searchWorker.ts" },
    platform: "node",
    target: "node18",
    outdir: "dist",
  },
  cli: {
    entryPoints: { cli: "src/cli/main.ts" },
    platform: "node",
    target: "node20",
    outdir: "dist",
    banner: { js: "#!/usr/bin/env node" },
    plugins: [executable("cli.js")],
  },
  // Chromium 114 is VS Code 1.82's. A page imports its style sheet, and @vscode/codicons/dist/codicon.css, from main.ts.
  webview: {
    entryPoints: {
      chat: "src/webview/chat/main.ts",
      room: "src/webview/room/main.ts",
      status: "src/webview/status/main.ts",
    },
    platform: "browser",
    format: "iife",
    target: "chrome114",
    outdir: "dist/webview",
    loader: { ".ttf": "file" },
    assetNames: "[name]",
  },
};

/** Test tiers that are bundled, with what their host provides at run time. */
const tiers = {
  unit: { external: [] },
  native: { external: [] },
  faults: { external: [] },
  reference: { external: [] },
  models: { external: [] },
  tokenizers: { external: [] },
  integration: { external: ["vscode", "mocha", "oxc-parser"] },
  pages: { external: ["playwright-core", "esbuild", "axe-core"] },
  ui: { external: ["playwright-core", "oxc-parser"] },
  // No tier of tests: what draws the README's pictures.
  pictures: { external: ["playwright-core", "oxc-parser"] },
};

function common(production) {
  return {
    absWorkingDir: root,
    bundle: true,
    format: "cjs",
    legalComments: "none",
    logLevel: "info",
    metafile: true,
    minify: production,
    sourcemap: !production,
  };
}

function executable(file) {
  return {
    name: "executable",
    setup(build) {
      build.onEnd((result) => {
        if (result.errors.length === 0) fs.chmodSync(path.join(build.initialOptions.outdir, file), 0o755);
      });
    },
  };
}

function metafile(name, directory) {
  return {
    name: "metafile",
    setup(build) {
      build.onEnd((result) => {
        if (!result.metafile) return;
        fs.mkdirSync(directory, { recursive: true });
        fs.writeFileSync(path.join(directory, `${name}.json`), JSON.stringify(result.metafile));
      });
    },
  };
}

/** Speaks the lines that the problem matcher in .vscode/tasks.json waits for. */
const watchReporter = {
  name: "watch-reporter",
  setup(build) {
    build.onStart(() => console.log("[watch] build started"));
    build.onEnd(() => console.log("[watch] build finished"));
  },
};

function productBuilds({ production, watch, out }) {
  const metaDirectory = path.join(out ?? path.join(root, "out"), "meta");
  return Object.entries(product).map(([name, options]) => {
    const plugins = [...(options.plugins ?? []), metafile(name, metaDirectory), ...(watch ? [watchReporter] : [])];
    return { ...common(production), ...options, outdir: path.resolve(out ?? root, options.outdir), plugins };
  });
}

/** Every test file of the tier, or those whose path has one of `parts` in it; and what runs them, where a tier has that. */
function testFiles(tier, parts) {
  const folder = path.join(root, "test", tier);
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true })
    .map((file) => `test/${tier}/${file.split(path.sep).join("/")}`)
    .filter((file) => file.endsWith(".test.ts") || file === `test/${tier}/index.ts`)
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)) || file.endsWith("/index.ts"))
    .sort();
}

/** Bundled next to its place and then moved there, so that no bundle of a test that is gone stays behind. */
async function buildTests(tier, parts) {
  const files = testFiles(tier, parts);
  const outdir = path.join(root, "out", "test", tier);
  fs.mkdirSync(path.dirname(outdir), { recursive: true });
  const scratch = fs.mkdtempSync(path.join(path.dirname(outdir), `.${tier}-`));
  try {
    await esbuild.build({
      ...common(false),
      ...tiers[tier],
      entryPoints: files,
      outbase: `test/${tier}`,
      outdir: scratch,
      platform: "node",
      target: "node18",
      sourcemap: "inline",
      logLevel: "warning",
      plugins: [metafile(`test-${tier}`, path.join(root, "out", "meta"))],
    });
    fs.rmSync(outdir, { recursive: true, force: true });
    fs.renameSync(scratch, outdir);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

async function main(args) {
  const watch = args.includes("--watch");
  const production = args.includes("--production");
  const tier = args.find((arg) => arg.startsWith("--tests="))?.slice("--tests=".length);
  if (tier !== undefined) {
    if (!Object.hasOwn(tiers, tier)) throw new Error(`no bundled test tier is called "${tier}"`);
    await buildTests(
      tier,
      args.filter((arg) => !arg.startsWith("--")),
    );
    return;
  }
  const out = args.find((arg) => arg.startsWith("--out="))?.slice("--out=".length);
  const builds = productBuilds({ production, watch, out });
  if (watch) {
    for (const options of builds) await (await esbuild.context(options)).watch();
    return;
  }
  if (production) fs.rmSync(path.resolve(out ?? root, "dist"), { recursive: true, force: true });
  for (const options of builds) await esbuild.build(options);
}

main(process.argv.slice(2)).catch((error) => {
  // esbuild has told its own errors already.
  if (!Array.isArray(error.errors)) console.error(error.message);
  process.exitCode = 1;
});
