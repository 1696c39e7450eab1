/** Will the addon of a Linux package load on the oldest system that MLX runs on, Ubuntu 22.04? */
import fs from "node:fs";
import path from "node:path";
import { isAtLeast } from "../setup/versions.mjs";
import { readElf } from "./elf.mjs";

const ofTheSystem = /^(lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so\.\d+|ld-linux-[\w-]+\.so\.\d)$/;
const newestVersions = { GLIBC: "2.35", GLIBCXX: "3.4.30", CXXABI: "1.3.13", GCC: "12.0.0" };

/**
 * @param {string} stage the folder of `resident.node`
 * @param {string} target as in "linux-arm64"
 * @param {typeof readElf} [read]
 * @returns {string[]} one sentence for each reason that it will not
 */
export function libraryProblems(stage, target, read = readElf) {
  const problems = [];
  const seen = new Map();
  const visit = (file, inherited) => {
    if (seen.has(file)) return;
    const facts = read(file);
    const name = path.relative(stage, file);
    seen.set(file, facts);
    if (`linux-${facts.machine}` !== target) problems.push(`${name} is for ${facts.machine}`);
    problems.push(...facts.versions.filter(isTooNew).map((version) => `${name} needs ${version}`));
    const places = [...facts.runPaths.map((place) => place.replace("$ORIGIN", path.dirname(file))), ...inherited];
    for (const library of facts.libraries.filter((one) => !ofTheSystem.test(one))) {
      const found = places.map((place) => path.join(place, library)).find((one) => isInside(stage, one));
      if (found === undefined) problems.push(`${name} needs ${library}, which is not where it looks`);
      else visit(found, places);
    }
  };
  const addon = path.join(stage, "resident.node");
  visit(addon, []);
  const shipped = [...seen].filter(([file]) => file !== addon).map(([, facts]) => facts.exports);
  const isKnown = (name) => name.startsWith("napi_") || shipped.some((exports) => exports.has(name));
  const unknown = seen.get(addon).imports.filter(({ name, version }) => version === undefined && !isKnown(name));
  return [...problems, ...unknown.map(({ name }) => `resident.node calls ${name}, which nothing has`)];
}

const isInside = (stage, file) => file.startsWith(stage + path.sep) && fs.existsSync(file);

function isTooNew(version) {
  const [, kind, number] = /^([A-Z]+)_([\d.]+)$/.exec(version) ?? [];
  const newest = newestVersions[kind];
  return newest !== undefined && !isAtLeast(newest, number);
}
