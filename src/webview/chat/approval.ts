/** What the person is asked about a call that waits: in its place, and in the bar above the message. */
import type { ApprovalChoice, LiveCall } from "../../protocol/acting";
import type { ChatCommand } from "../../protocol/chat";
import { markFewHidden } from "../shared/hiddenCharacters";
import { type Children, h, icon, type TreeNode } from "../shared/tree";

type Run = (command: ChatCommand) => void;

export function waitingCalls(calls: readonly LiveCall[] | undefined): readonly LiveCall[] {
  return calls?.filter(({ state }) => state === "waiting") ?? [];
}

export function questionOf({ question = "Go on?" }: LiveCall): string {
  return question;
}

/** In its place: the buttons, or a field where the agent asks something. */
export function approvalView(call: LiveCall, run: Run): TreeNode | undefined {
  if (call.state !== "waiting") return undefined;
  const question = questionOf(call);
  return h(
    "div.approval",
    { key: "approval", role: "group", "aria-label": question },
    h("p.asks", {}, icon("question", "warn"), h("span.grow", {}, markFewHidden(question))),
    asksForText(call) && answerField(call, run),
    h("div.row.buttons", {}, choiceButtons(call, run)),
  );
}

function asksForText({ choices }: LiveCall): boolean {
  return choices?.some(({ way }) => way === "answer") === true;
}

function answerField(call: LiveCall, run: Run): TreeNode {
  return h("textarea.answer-field", {
    key: "field",
    rows: "2",
    "aria-label": `Answer: ${questionOf(call)}`,
    on: {
      keydown: (event) => {
        if (!(event instanceof KeyboardEvent) || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        answer(call, event.currentTarget, run);
      },
    },
  });
}

/** Sends what is in the field that belongs to `element`; nothing while it is empty. */
function answer({ call }: LiveCall, element: EventTarget | null, run: Run): void {
  const box = element instanceof Element ? element.closest(".approval") : null;
  const field = box?.querySelector("textarea");
  const text = field?.value.trim() ?? "";
  if (text === "") field?.focus();
  else run({ type: "decide", call, way: "answer", text });
}

/** The first one is the primary button. */
function choiceButtons(call: LiveCall, run: Run): Children {
  return call.choices?.map((choice, index) =>
    h(
      `button.btn.small${index === 0 ? "" : ".second"}`,
      { key: choice.label, on: { click: (event) => choose(call, choice, event.currentTarget, run) } },
      markFewHidden(choice.label),
    ),
  );
}

function choose(call: LiveCall, { way }: ApprovalChoice, button: EventTarget | null, run: Run): void {
  if (way === "answer") answer(call, button, run);
  else if (way === "openDiff") run({ type: "openDiff", call: call.call });
  else run({ type: "decide", call: call.call, way });
}

export interface WaitingBarPorts {
  readonly run: Run;
  /** Shows the call in the transcript, and gives it the focus. */
  readonly jump: (call: string) => void;
  /** The message field takes the focus. */
  readonly leave: () => void;
}

/**
 * All that waits, a row each. Enter takes the first button of the row that has the focus, Escape denies it, Up and Down
 * move between rows, and below the last one to the message.
 */
export function waitingBar(calls: readonly LiveCall[], ports: WaitingBarPorts): TreeNode | undefined {
  const waiting = waitingCalls(calls);
  if (waiting.length === 0) return undefined;
  const title = waiting.length === 1 ? "Waits for you" : `${waiting.length} things wait for you`;
  return h(
    "div.waiting",
    { key: "waiting", role: "group", "aria-label": title },
    h(
      "div.row.small",
      {},
      icon("bell-dot", "warn"),
      h("b.grow", {}, title),
      h("span.dim.hide-s", {}, h("span.kbd", {}, "↑"), " to choose, ", h("span.kbd", {}, "Esc"), " to deny"),
    ),
    h(
      "ul",
      {},
      waiting.map((call) => waitingRow(call, ports)),
    ),
  );
}

function waitingRow(call: LiveCall, { run, jump, leave }: WaitingBarPorts): TreeNode {
  const question = questionOf(call);
  const choices = call.choices?.filter(({ way }) => way !== "answer") ?? [];
  const show = asksForText(call) ? "Answer…" : "Show";
  return h(
    "li",
    { key: call.call },
    h("span.what.cut", { title: question }, markFewHidden(question)),
    h(
      "div.tools",
      {
        role: "toolbar",
        "aria-label": question,
        on: { keydown: (event) => movedInBar(event, call, { run, leave }) },
      },
      asksForText(call) && h("button.btn.small", { key: "jump", on: { click: () => jump(call.call) } }, show),
      choices.map((choice, index) =>
        h(
          `button.btn.small${index === 0 && !asksForText(call) ? "" : ".second"}`,
          { key: choice.label, on: { click: (event) => choose(call, choice, event.currentTarget, run) } },
          markFewHidden(choice.label),
        ),
      ),
      !asksForText(call) && h("button.btn.small.second", { key: "jump", on: { click: () => jump(call.call) } }, show),
    ),
  );
}

function movedInBar(event: Event, call: LiveCall, { run, leave }: Pick<WaitingBarPorts, "run" | "leave">): void {
  if (!(event instanceof KeyboardEvent)) return;
  const { key, currentTarget } = event;
  const denial = call.choices?.find(({ way }) => way === "deny");
  if (key === "Escape" && denial !== undefined) {
    run({ type: "decide", call: call.call, way: "deny" });
  } else if (key === "ArrowUp" || key === "ArrowDown") {
    const row = currentTarget instanceof Element ? currentTarget.closest("li") : null;
    const next = key === "ArrowUp" ? row?.previousElementSibling : row?.nextElementSibling;
    const stop = next?.querySelector("button[tabindex='0'], button");
    if (stop instanceof HTMLElement) stop.focus();
    else if (key === "ArrowDown") leave();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}
