/** What `npm run package` is asked for. */
import path from "node:path";

const targets = ["darwin-arm64", "linux-x64", "linux-arm64"];

/** MLX's two builds, by the oldest macOS of each. A package with the first is for all Macs. */
const macBuilds = ["14", "26"];

/**
 * @param {readonly string[]} args of the command line
 * @param {string} here this platform
 * @param {string} macos the build that set-up takes here
 * @returns {{ target: string, macos: string, out: string | undefined }} `macos`: the build in a package for Macs
 */
export function readOptions(args, here, macos) {
  const given = { target: here, macos, out: undefined };
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at].replace(/^--/, "");
    const value = args[at + 1];
    if (!Object.hasOwn(given, name)) throw new Error(`there is no option ${args[at]}: use --target, --macos or --out`);
    if (value === undefined) throw new Error(`${args[at]} needs a value`);
    given[name] = value;
  }
  if (!targets.includes(given.target)) {
    throw new Error(`there is no package for ${given.target}: choose among ${targets.join(", ")}`);
  }
  if (!macBuilds.includes(given.macos)) throw new Error(`--macos is one of ${macBuilds.join(", ")}`);
  return { ...given, out: given.out === undefined ? undefined : path.resolve(given.out) };
}

/** The file's name: the build for newer Macs says so, since both have the same target. */
export function packageName({ name, version }, { target, macos }) {
  const newer = target === "darwin-arm64" && macos !== macBuilds[0] ? `-macos${macos}` : "";
  return `${name}-${target}${newer}-${version}.vsix`;
}
