import type { Browser } from "playwright-core";

export function ensureBrowser(): string;
export function launchBrowser(): Promise<Browser>;
