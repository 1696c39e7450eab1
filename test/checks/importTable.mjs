/**
 * Who may import whom under src/. src/README.md states the same table; a test compares them. `node` and `vscode` say
 * whether a room may reach Node's built-in modules and VS Code. A room that is not in the table may not exist.
 *
 * @typedef {{ rooms: readonly string[], node: boolean, vscode: boolean }} Rule
 */
const nothing = { rooms: [], node: false, vscode: false };
const pure = (...rooms) => ({ ...nothing, rooms });
const onNode = (...rooms) => ({ ...nothing, rooms, node: true });

/** @type {Readonly<Record<string, Rule>>} */
export const importTable = {
  common: nothing,
  protocol: pure("common"),
  engine: pure("common"),
  text: onNode("common"),
  net: onNode("common"),
  models: onNode("common", "protocol", "text", "net"),
  servers: onNode("common", "protocol", "net"),
  store: onNode("common", "engine"),
  native: onNode("common", "engine"),
  agents: onNode("common", "protocol", "engine", "text", "store"),
  bench: onNode("common", "protocol", "engine", "native"),
  service: onNode("common", "protocol", "engine", "text", "models", "store", "native", "agents", "bench", "servers"),
  acting: pure("common", "protocol"),
  cli: onNode("common", "protocol", "service"),
  extension: { rooms: ["common", "protocol", "service", "acting"], node: true, vscode: true },
  webview: pure("common", "protocol"),
};
