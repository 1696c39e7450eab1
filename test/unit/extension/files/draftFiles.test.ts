import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachmentLimits } from "../../../../src/common/attachments";
import { Emitter } from "../../../../src/common/events";
import { digestOf } from "../../../../src/extension/files/digest";
import {
  attachmentChips,
  type DraftFile,
  refusedFile,
  sentAttachments,
  withFiles,
} from "../../../../src/extension/files/draftFiles";
import { KeptDraftFiles } from "../../../../src/extension/files/keptDraftFiles";
import { TextShelf } from "../../../../src/extension/files/textShelf";
import type { ServiceEvent } from "../../../../src/protocol/service";

const file = (path: string, text = path): DraftFile => ({ kind: "file", path, digest: digestOf(text), text });

describe("what a draft carries", () => {
  it("has each thing once: what is attached again takes the place of what was there", () => {
    const lines = { ...file("a.ts", "x"), kind: "selection", range: { from: 1, to: 2 } } as const;
    const held = withFiles([file("a.ts"), lines], [file("b.ts"), file("a.ts", "newer")]);
    assert.deepEqual(
      held.map(({ path, text }) => `${path} ${text}`),
      ["a.ts newer", "a.ts x", "b.ts b.ts"],
    );
  });

  it("shows what could not be attached and does not send it", () => {
    const refused = refusedFile("file", "c.png", "It is an image.");
    const held = [file("a.ts"), refused, file("b.ts")];
    const tokens = new Map(held.filter(({ text }) => text !== "").map((one, index) => [one, 3 + index]));
    assert.deepEqual(
      attachmentChips(held, (one) => tokens.get(one)).map(({ path, length, tokens: count, problem }) => {
        return { path, length, tokens: count, problem };
      }),
      [
        { path: "a.ts", length: 4, tokens: 3, problem: undefined },
        { path: "c.png", length: 0, tokens: undefined, problem: "It is an image." },
        { path: "b.ts", length: 4, tokens: 4, problem: undefined },
      ],
    );
    assert.deepEqual(sentAttachments(held), [file("a.ts"), file("b.ts")]);
    assert(!attachmentChips(held).some((chip) => "text" in chip), "the page has no text of files");
  });

  it("leaves room for what the pinned files tell, and says what does not fit", () => {
    const half = attachmentLimits.attachments / 2;
    const many = Array.from({ length: half + 1 }, (_, index) => file(`f${index}`));
    const held = withFiles([], many);
    assert.equal(sentAttachments(held).length, half);
    assert.match(held.at(-1)?.problem ?? "", /takes 50 attachments/);
    const long = "x".repeat(attachmentLimits.attachedLength / 2 - 10);
    const [first, second, third] = withFiles([], [file("a", long), file("b", "x".repeat(11)), file("c", "y")]);
    assert.deepEqual([first?.problem, second?.text, third?.problem], [undefined, "", undefined]);
    assert.match(second?.problem ?? "", /1,000,000 characters at most/);
  });
});

describe("what drafts carry, across reloads", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "resident-drafts-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  function newKept(values = new Map<string, string>()) {
    const events = new Emitter<ServiceEvent>();
    const errors: unknown[] = [];
    const told: string[] = [];
    const memory = {
      get: (key: string) => (values.has(key) ? JSON.parse(values.get(key) ?? "") : undefined),
      update: async (key: string, value: unknown) => void values.set(key, JSON.stringify(value)),
    };
    const kept = new KeptDraftFiles(memory, new TextShelf(folder), { onEvent: events.event }, (error) =>
      errors.push(error),
    );
    kept.onChange((agent) => told.push(agent));
    return { kept, values, events, errors, told };
  }

  it("is there again with its texts, which the memory of VS Code does not have", async () => {
    const { kept, values, told, errors } = newKept();
    const long = file("a.ts", "long ".repeat(10_000));
    const refused = refusedFile("file", "b.png", "It is an image.");
    await kept.change("ada", () => [long, refused]);
    await kept.settled();
    assert.deepEqual([told, errors], [["ada"], []]);
    assert((values.get("resident.draftFiles") ?? "").length < 500);
    const again = newKept(values).kept;
    assert.deepEqual(await again.get("ada"), [long, refused]);
    await again.change("ada", (held) => held.slice(1));
    assert.deepEqual(await again.get("ada"), [refused]);
  });

  it("loses no change of two that come at once", async () => {
    const { kept, values } = newKept();
    await kept.change("ada", () => [file("a")]);
    await kept.settled();
    const again = newKept(values).kept;
    await Promise.all([
      again.change("ada", (held) => withFiles(held, [file("b")])),
      again.change("ada", (held) => withFiles(held, [file("c")])),
    ]);
    assert.deepEqual(
      (await again.get("ada")).map(({ path }) => path),
      ["a", "b", "c"],
    );
    await again.settled();
  });

  it("goes with its agent, and what is lost or damaged is left out", async () => {
    const { kept, values, events } = newKept();
    await kept.change("ada", () => [file("a"), file("b")]);
    await kept.change("bea", () => [file("c")]);
    await kept.settled();
    await rm(join(folder, digestOf("a")));
    await writeFile(join(folder, digestOf("b")), "something else");
    const again = newKept(values);
    assert.deepEqual(await again.kept.get("ada"), []);
    events.fire({ type: "agent", id: "bea" });
    assert.deepEqual(await kept.get("bea"), []);
    await kept.settled();
    for (const bad of ["x", [1], [["ada", 7]], [["ada", [{ kind: "thing", path: "a", digest: "" }, null]]]]) {
      const read = newKept(new Map([["resident.draftFiles", JSON.stringify(bad)]])).kept;
      assert.deepEqual(await read.get("ada"), []);
    }
  });

  it("leaves no text behind that no draft has, but for what another window may just have written", async () => {
    await writeFile(join(folder, digestOf("old")), "old");
    await utimes(join(folder, digestOf("old")), 1, 1);
    await writeFile(join(folder, digestOf("new")), "new");
    const { kept } = newKept();
    await kept.settled();
    assert.deepEqual(await readdir(folder), [digestOf("new")]);
  });
});
