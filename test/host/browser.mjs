import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { chromium } from "playwright-core";

/** Where Chromium and its kin are put by Debian, Ubuntu, Fedora, Homebrew and Google. */
const usualPlaces = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Homebrew has no signed Chromium, and macOS starts no other. */
export function installCommand(platform) {
  return platform === "darwin"
    ? "brew install --cask google-chrome"
    : "sudo apt-get install -y --no-install-recommends chromium";
}

/** $CHROMIUM, or one in a usual place, or, as root on Debian, a fresh one. */
export function ensureBrowser() {
  const named = process.env.CHROMIUM;
  if (named) {
    if (fs.existsSync(named)) return named;
    throw new Error(`$CHROMIUM names ${named}, which is not there: correct it or unset it`);
  }
  const found = usualPlaces.find((file) => fs.existsSync(file)) ?? installFromDebian();
  if (found) return found;
  throw new Error(`Chromium is missing: install one (${installCommand(process.platform)}) or name one in $CHROMIUM`);
}

function installFromDebian() {
  if (process.platform !== "linux" || process.getuid() !== 0 || !fs.existsSync("/usr/bin/apt-get")) return undefined;
  console.log("Installing Chromium from Debian …");
  const apt = (...args) => spawnSync("apt-get", args, { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  const install = () => apt("install", "-y", "-qq", "--no-install-recommends", "chromium");
  if (!install() && !(apt("update", "-qq") && install())) return undefined;
  return usualPlaces.find((file) => fs.existsSync(file));
}

/** @returns {Promise<import("playwright-core").Browser>} headless, without services of its own */
export function launchBrowser() {
  return chromium.launch({
    executablePath: ensureBrowser(),
    args: [
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-gpu",
      "--disable-quic",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
