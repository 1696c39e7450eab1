/** Replaces VS Code and the extension's host: answers `ready` with the state that the address names. */
import { isChatToHost } from "../../../src/protocol/chat";
import type { Reply } from "../../../src/protocol/page";
import { foundFiles } from "./samples/acting";
import { chatSamples } from "./samples/chat";
import { roomSamples } from "./samples/room";
import { statusSamples } from "./samples/status";

type Sample = readonly object[];

const samples: Readonly<Record<string, Readonly<Record<string, Sample>>>> = {
  "/chat": chatSamples,
  "/room": roomSamples,
  "/status": statusSamples,
};

const { pathname, searchParams } = new URL(location.href);
const sample = samples[pathname]?.[searchParams.get("state") ?? ""] ?? [];
/** The state that the page saved before it was loaded. */
let state: unknown = JSON.parse(searchParams.get("memory") ?? "{}");

function toPage(message: object): void {
  window.postMessage(message, "*");
}

/** Marks the body once the page has received and painted every update of its sample: tests and pictures wait for it. */
let fed = 0;
window.addEventListener("message", () => {
  fed += 1;
  if (fed === sample.length)
    requestAnimationFrame(() => requestAnimationFrame(() => document.body.setAttribute("data-shown", "")));
});

function receive(message: unknown): void {
  console.log(JSON.stringify(message));
  if (typeof message !== "object" || message === null || !("type" in message)) return;
  if (message.type === "ready") {
    for (const update of sample) toPage(update);
  } else if ("id" in message && typeof message.id === "number") {
    const reply: Reply = { type: "reply", id: message.id };
    toPage(reply);
    if (isChatToHost(message) && message.type === "request" && message.command.type === "findFiles")
      toPage({ type: "foundFiles", serial: message.command.serial, files: foundFiles });
  }
}

Object.assign(window, {
  pageMemory: () => state,
  acquireVsCodeApi: () => ({
    postMessage: receive,
    getState: () => state,
    setState: (next: unknown) => {
      state = next;
    },
  }),
});
