import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import type { ChatCommand, ChatSnapshot } from "../../../src/protocol/chat";
import { attachedAnnouncement } from "../../../src/webview/chat/announcements";
import { compactButton, compactNotice } from "../../../src/webview/chat/compact";
import { contextMeter, shownParts } from "../../../src/webview/chat/contextMeter";
import { attachButton, toolsButton } from "../../../src/webview/chat/draftViews";
import { pinnedFilesView } from "../../../src/webview/chat/pinnedFiles";
import { emptyChat, reduceChat } from "../../../src/webview/chat/state";
import { attachmentName, draftAttachments, sentAttachments } from "../../../src/webview/shared/attachments";
import { draftChips, pinnedFiles, readingFiles, renewedFiles } from "../../support/webview/samples/acting";
import { chatSamples } from "../../support/webview/samples/chat";
import { buttons, nodesOf, press, text } from "../../support/webview/trees";

const formats = createFormats("en");

function snapshotOf(name: string): ChatSnapshot {
  const update = chatSamples[name]?.[0];
  if (update?.type !== "snapshot") throw new Error(`no sample ${name}`);
  return update.snapshot;
}

function recorder() {
  const commands: ChatCommand[] = [];
  return { commands, run: (command: ChatCommand) => commands.push(command) };
}

describe("what a message carries", () => {
  it("is told by the last part of its path, with its lines", () => {
    const names = draftChips.map(attachmentName);
    assert.deepEqual(names, ["recover.ts:88–141", "tokens.ts", "parser", "picture.png"]);
    const [first] = draftChips;
    assert(first);
    assert.equal(attachmentName({ ...first, range: { from: 7, to: 7 } }), "recover.ts:7");
    assert.equal(attachmentName({ ...first, kind: "terminal", path: "zsh / build" }).startsWith("zsh / build"), true);
  });

  it("is opened and taken away; what cannot be sent says why", () => {
    const { commands, run } = recorder();
    const node = draftAttachments(draftChips, formats, run);
    press("Remove tokens.ts", node);
    press("Open selection recover.ts:88–141, 861 tokens", node);
    assert.deepEqual(commands, [
      { type: "detach", index: 1 },
      { type: "openAttachment", index: 0 },
    ]);
    assert.match(text(node), /picture\.png: This is an image, which the model cannot read\./);
    assert.equal(draftAttachments([], formats, run), undefined);
  });

  it("stays with the message that was sent, and opens", () => {
    const { commands, run } = recorder();
    const node = sentAttachments(draftChips.slice(0, 2), formats, (index) =>
      run({ type: "openAttachment", turn: "t1", index }),
    );
    press("Open file tokens.ts, 612 tokens", node);
    assert.deepEqual(commands, [{ type: "openAttachment", turn: "t1", index: 1 }]);
    assert(!buttons(node).some((name) => name.startsWith("Remove")));
    assert.equal(
      sentAttachments(undefined, formats, () => {}),
      undefined,
    );
  });

  it("is kept by the host: its updates replace what was there", () => {
    const start = reduceChat(emptyChat, { type: "snapshot", snapshot: snapshotOf("acted") });
    const next = reduceChat(start, { type: "attachments", attachments: draftChips });
    assert.equal(next.snapshot?.attachments, draftChips);
    assert.equal(reduceChat(next, { type: "pinnedFiles", files: pinnedFiles }).snapshot?.pinnedFiles, pinnedFiles);
  });

  it("is announced when it is attached, with what is wrong with it, and not when its tokens are known", () => {
    const [first, ...rest] = draftChips;
    assert(first);
    const at = (attachments: typeof draftChips) => ({ ...snapshotOf("acted"), attachments });
    assert.equal(attachedAnnouncement(at([]), at([first])), "Attached recover.ts:88–141");
    const last = draftChips.slice(0, -1);
    assert.equal(
      attachedAnnouncement(at(last), at(draftChips)),
      "Attached picture.png: This is an image, which the model cannot read.",
    );
    assert.equal(attachedAnnouncement(at([first]), at([{ ...first, tokens: 900 }])), "");
    assert.equal(attachedAnnouncement(at(draftChips), at(rest)), "");
  });

  it("takes the selection as an attachment where the host can", () => {
    const { commands, run } = recorder();
    press("Attach recover.ts:88–141", attachButton(snapshotOf("acted"), false, run));
    press("Attach recover.ts:88–141", attachButton(snapshotOf("done"), false, run));
    assert.deepEqual(commands, [
      { type: "attach", what: "selection" },
      { type: "act", action: "startFromSelection" },
    ]);
  });
});

describe("the agent's pinned files", () => {
  const { run } = recorder();
  const line = (state: typeof pinnedFiles) => {
    const node = pinnedFilesView(state, false, formats, run);
    return text(nodesOf(node).find(({ type }) => type === "summary") ?? "");
  };

  it("are told in one line: how many, their tokens, and what is going on", () => {
    assert.equal(line(pinnedFiles), "4 pinned files4,347 tokens1 file changed: the next message says how");
    assert.equal(line(renewedFiles), "10 pinned files1,245 tokens2 of 10 files changed: 412 tokens read");
    assert.equal(line(readingFiles), "2 pinned files2,900 of 3,735 tokens read");
    assert.equal(pinnedFilesView({ files: [] }, false, formats, run), undefined);
  });

  it("are taken away, added, and read again", () => {
    const { commands, run } = recorder();
    const node = pinnedFilesView(pinnedFiles, false, formats, run);
    for (const name of ["Unpin src/parser/tokens.ts", "Pin Files…", "Read Again"]) press(name, node);
    assert.deepEqual(commands, [
      { type: "unpinFile", path: "src/parser/tokens.ts" },
      { type: "pinFiles" },
      { type: "renewFiles" },
    ]);
    assert.match(text(node), /generated\.ts.*It is larger than the model's context\./);
    assert.match(text(node), /shared with Test writer/);
    const fixed = nodesOf(pinnedFilesView(pinnedFiles, true, formats, run)).filter(({ type }) => type === "button");
    assert(fixed.every(({ props }) => props["disabled"] === true));
  });
});

describe("the context", () => {
  it("is told in parts: instructions, pinned files, and what is left of it for the conversation", () => {
    const meter = contextMeter(snapshotOf("pinnedFiles"), formats);
    assert.equal(
      meter?.props["aria-valuetext"],
      "3,425 of 32,768 tokens: 312 instructions, 1,506 pinned files, 1,607 conversation",
    );
    assert.equal(nodesOf(meter).filter(({ type }) => type === "i").length, 3);
    assert.equal(contextMeter(snapshotOf("done"), formats)?.props["aria-valuetext"], "3,425 of 32,768 tokens");
    assert.deepEqual(shownParts({ instructions: 300, files: 200, conversation: 0 }, 100), {
      ...{ instructions: 300, files: 200, conversation: 0 },
    });
  });

  it("comes with the agent's updates", () => {
    const { agent, contextParts } = snapshotOf("pinnedFiles");
    assert(contextParts);
    const start = reduceChat(emptyChat, { type: "snapshot", snapshot: snapshotOf("done") });
    const next = reduceChat(start, { type: "agent", agent, contextParts });
    assert.equal(next.snapshot?.contextParts, contextParts);
    assert.equal(reduceChat(next, { type: "agent", agent }).snapshot?.contextParts, contextParts, "it stays");
  });

  it("can be compacted when it is nearly full and when something did not fit", () => {
    const { commands, run } = recorder();
    const notice = compactNotice(snapshotOf("nearlyFullActing"), formats, run);
    assert.match(text(notice ?? ""), /^1,204 tokens of the context are left\./);
    press("Compact the Conversation", notice);
    const refused = chatSamples["compact"]?.at(-1);
    assert(refused?.type === "refused");
    press("Compact", compactButton(refused.problem, run));
    assert.deepEqual(commands, [{ type: "compact" }, { type: "compact" }]);
    assert.equal(compactNotice(snapshotOf("nearlyFull"), formats, run), undefined, "the host cannot");
    assert.equal(compactNotice(snapshotOf("acted"), formats, run), undefined);
    const other = { ...refused.problem, error: { ...refused.problem.error, code: "DISK_FULL" as const } };
    assert.equal(compactButton(other, run), undefined);
  });

  it("has the agent's tools next to the message where it can act", () => {
    const { commands, run } = recorder();
    press("Tools of this agent: 9. Change…", toolsButton(snapshotOf("acted"), run));
    assert.deepEqual(commands, [{ type: "tools" }]);
    assert.equal(toolsButton(snapshotOf("done"), run), undefined);
  });
});
