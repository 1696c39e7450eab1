/** The colours of VS Code's themes, and the colours that CSS computes from them. */
import fs from "node:fs";
import path from "node:path";
import type { ThemeName } from "./themes.mjs";

/** Red, green and blue from 0 to 255, alpha from 0 to 1. */
export interface Colour {
  readonly rgb: readonly [number, number, number];
  readonly alpha: number;
}

export type Theme = ReadonlyMap<string, string>;

/** How themes.css selects each theme's body. */
const selectors: Readonly<Record<ThemeName, string>> = {
  dark: ".vscode-dark {",
  light: ".vscode-light {",
  "high-contrast": ".vscode-high-contrast:not(.vscode-high-contrast-light) {",
  "high-contrast-light": ".vscode-high-contrast-light {",
};

/** The variables of a theme by their names ("--vscode-foreground"). */
export function readTheme(name: ThemeName): Theme {
  const css = fs.readFileSync(path.join("test", "support", "webview", "themes.css"), "utf8");
  const start = css.indexOf(`\n${selectors[name]}`);
  if (start < 0) throw new Error(`themes.css has no ${selectors[name]}`);
  const block = css.slice(start, css.indexOf("}", start));
  return new Map(
    [...block.matchAll(/(--[\w-]+): ([^;]+);/g)].map(([, variable = "", value = ""]) => [variable, value]),
  );
}

/**
 * A colour as style sheets and browsers write it: hexadecimal, rgb(), color(srgb …), var() and color-mix(in srgb, …).
 */
export function resolve(expression: string, theme: Theme): Colour {
  const text = expression.trim();
  const [, name = "", inside = ""] = /^([\w-]+)\((.*)\)$/s.exec(text) ?? [];
  if (text.startsWith("#")) return fromHex(text.slice(1));
  if (name === "var") return variable(inside, theme);
  if (name === "color-mix") return mixed(inside, theme);
  const numbers = (inside.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number);
  const [red = Number.NaN, green = Number.NaN, blue = Number.NaN, alpha = 1] = numbers;
  if (name === "rgb" || name === "rgba") return { rgb: [red, green, blue], alpha };
  if (name === "color") return { rgb: [red * 255, green * 255, blue * 255], alpha };
  throw new Error(`no colour: ${expression}`);
}

function fromHex(digits: string): Colour {
  const at = (index: number) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
  return { rgb: [at(0), at(1), at(2)], alpha: digits.length === 8 ? at(3) / 255 : 1 };
}

function variable(inside: string, theme: Theme): Colour {
  const [name = "", ...fallback] = topLevel(inside);
  const value = theme.get(name) ?? fallback.join(",");
  if (value === "") throw new Error(`the theme has no ${name}`);
  return resolve(value, theme);
}

function mixed(inside: string, theme: Theme): Colour {
  const [, first = "", second = ""] = topLevel(inside);
  const share = Number(/ ([\d.]+)%$/.exec(first)?.[1] ?? 50) / 100;
  const [a, b] = [resolve(first.replace(/ [\d.]+%$/, ""), theme), resolve(second, theme)];
  const alpha = a.alpha * share + b.alpha * (1 - share);
  const channel = (index: 0 | 1 | 2) =>
    alpha === 0 ? 0 : (a.rgb[index] * a.alpha * share + b.rgb[index] * b.alpha * (1 - share)) / alpha;
  return { rgb: [channel(0), channel(1), channel(2)], alpha };
}

/** The arguments between the commas that are in no brackets. */
function topLevel(inside: string): readonly string[] {
  const parts = [""];
  let depth = 0;
  for (const character of inside) {
    depth += character === "(" ? 1 : character === ")" ? -1 : 0;
    if (character === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}

/** The visible colour when `over` is painted on `under`. */
export function painted(over: Colour, under: Colour): Colour {
  const channel = (index: 0 | 1 | 2) => over.rgb[index] * over.alpha + under.rgb[index] * (1 - over.alpha);
  return { rgb: [channel(0), channel(1), channel(2)], alpha: 1 };
}

/** WCAG's contrast ratio of two opaque colours. */
export function contrast(one: Colour, other: Colour): number {
  const [bright = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dark + 0.05);
}

function luminance({ rgb }: Colour): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
