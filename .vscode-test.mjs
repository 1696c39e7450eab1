import { defineConfig } from "@vscode/test-cli";

const mocha = { ui: "bdd", timeout: 120_000 };

// Bundles come from `node esbuild.js --tests=<tier>`: the task "build tests" makes both.
export default defineConfig([
  {
    label: "integration",
    files: "out/test/integration/*.test.js",
    workspaceFolder: "test/fixtures/workspace",
    launchArgs: ["--disable-extensions"],
    mocha,
  },
  {
    // In a second window, after the first: the profile in .vscode-test keeps the agents.
    label: "integration, restarted",
    files: "out/test/integration/restarted/*.test.js",
    workspaceFolder: "test/fixtures/workspace",
    launchArgs: ["--disable-extensions"],
    mocha,
  },
  { label: "unit", files: "out/test/unit/**/*.test.js", mocha },
]);
