/** Reads what our Markdown documents name: links, files, scripts, commands. */

const fence = /^```[^\n]*\n([\s\S]*?)^```$/gm;

/** What set-up, builds and runs make: it need not be there. */
const made = /^(native\/(\.cache|mlx|build|stage|models)|dist|out|node_modules|test\/reference\/peers\/node_modules)\b/;

/** The text without fenced blocks. */
export const prose = (text) => text.replace(fence, "");

/** The contents of `code` spans. */
export const inlineCode = (text) => [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);

/** Targets of links and images in this repository. */
export function linksOf(text) {
  const targets = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** Anchors of the headings, as the usual renderers make them. */
export function anchorsOf(text) {
  const headings = [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Files and folders of the sources that are named as code. */
export function sourcePaths(text) {
  const words = inlineCode(text).flatMap((code) => code.split(/\s+/));
  const named = words.filter((word) => /^(src|native|test|media|\.github)\/[\w./-]*$/.test(word));
  return named.filter((name) => !made.test(name));
}

/** Names of the scripts in `npm run NAME`, `npm start` and `npm test`. */
export function npmScripts(text) {
  const run = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) => name);
  return [...run, ...[...text.matchAll(/\bnpm (start|test)\b/g)].map(([, name]) => name)];
}

/** What stands in *emphasis*, **strong** left out. */
export function emphasised(text) {
  return [...text.matchAll(/(?<![*\w])\*([^*\s`][^*`\n]*)\*(?![*\w])/g)].map(([, name]) => name);
}

/**
 * Calls of the built CLI.
 *
 * @returns {{ words: string[], options: string[], line: string }[]} `words`: the command, and its verb where it has some
 */
export function cliCalls(text) {
  return [...text.matchAll(/\bnode dist\/cli\.js ([^`|\n]*)/g)]
    .map(([line, call]) => {
      const parts = call
        .replace(/ #.*$/, "")
        .replace(/"[^"]*"/g, "TEXT")
        .trim()
        .split(/\s+/);
      const words = parts.slice(0, 2).filter((part) => /^[a-z][\w-]*$/.test(part));
      return { words, options: parts.filter((part) => part.startsWith("--")), line };
    })
    .filter(({ words }) => words[0] !== "help");
}

/** A setting's name as VS Code's settings editor shows it. */
export function settingTitle(id) {
  const name = id.split(".").at(-1) ?? "";
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
