import path from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "@vscode/test-cli";
import { profileFolder } from "./test/host/profile.mjs";
import { serverFolders } from "./test/host/server.mjs";

const mocha = { ui: "bdd", timeout: 120_000 };
const root = path.dirname(fileURLToPath(import.meta.url));
const { userData } = serverFolders(profileFolder(root, "test"));
const launchArgs = [`--user-data-dir=${userData}`];

// Bundles come from `node esbuild.js --tests=<tier>`: the task "build tests" makes both.
export default defineConfig([
  {
    label: "integration",
    files: "out/test/integration/*.test.js",
    workspaceFolder: "test/fixtures/workspace",
    launchArgs: [...launchArgs, "--disable-extensions"],
    mocha,
  },
  {
    // In a second window, after the first: the common profile keeps the agents.
    label: "integration, restarted",
    files: "out/test/integration/restarted/*.test.js",
    workspaceFolder: "test/fixtures/workspace",
    launchArgs: [...launchArgs, "--disable-extensions"],
    mocha,
  },
  { label: "unit", files: "out/test/unit/**/*.test.js", launchArgs, mocha },
]);
