import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { type SearchThread, searchFiles } from "../../../../src/extension/acting/lineSearch";
import { lineMatcher } from "../../../../src/extension/acting/matchingLines";
import { type SearchedFile, type SearchOrder, search } from "../../../../src/extension/acting/searchWorker";
import { LinkedFolders } from "../../../../src/extension/files/linkedFolders";

describe("matching lines", () => {
  const find = (text: string, whole: string, isRegex = false, most = 100) =>
    lineMatcher({ text, isRegex })(whole, most);

  it("are told with their numbers, each once, without their line ends", () => {
    assert.deepEqual(find("a", "a a\r\nb\na"), [
      { line: 1, text: "a a" },
      { line: 3, text: "a" },
    ]);
    assert.deepEqual(find("z", "a\nb"), []);
  });

  it("are as many as are asked for, and beginnings where they are long", () => {
    assert.equal(find("x", "x\n".repeat(50), false, 7).length, 7);
    const [long] = find("b", `${"🎈".repeat(300)}b`);
    assert.equal(long?.text, "🎈".repeat(200));
  });

  it("are those of a regular expression, whose ^ and $ are of lines", () => {
    assert.deepEqual(find("^b.*c$", "abc\nbxc\nbc d", true), [{ line: 2, text: "bxc" }]);
    assert.deepEqual(
      find("^$", "a\n\nb\n", true).map(({ line }) => line),
      [2],
    );
    assert.equal(find("\\u{1F388}", "🎈", true).length, 1, "with u where it allows it");
    assert.equal(find("\\-", "a-b", true).length, 1, "without u where it does not");
    assert.throws(() => find("(", "", true), SyntaxError);
  });

  it("are the lines that contain the text", () => {
    const word = fc.constantFrom("a", "b", "ab", "", "ba");
    fc.assert(
      fc.property(fc.array(word), fc.constantFrom("a", "b", "ab"), (lines, wanted) => {
        const expected = lines.flatMap((line, index) => (line.includes(wanted) ? [index + 1] : []));
        assert.deepEqual(
          find(wanted, lines.join("\n")).map(({ line }) => line),
          expected,
        );
        assert.deepEqual(find(wanted, lines.join("\n"), true), find(wanted, lines.join("\n")));
      }),
    );
  });
});

/** The thread's own code, in this thread. */
function thread(): SearchThread {
  const listeners = new Set<(value: unknown) => void>();
  const worker = {
    on: (event: string, listener: (value: unknown) => void) => void (event === "message" && listeners.add(listener)),
    off: (_event: string, listener: (value: unknown) => void) => void listeners.delete(listener),
    once: () => {},
    postMessage: (order: SearchOrder) => {
      void search(order, (report) => {
        for (const listener of [...listeners]) listener(report);
      });
    },
    terminate: async () => 0,
  };
  return worker as unknown as SearchThread;
}

async function* each(files: readonly SearchedFile[]) {
  yield* files;
}

const limits = { most: 10, ms: 5000, signal: new AbortController().signal, roots: [realpathSync(tmpdir())] };

describe("a search of files", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "resident search "));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("reads files and texts, leaves out what is no text and what is gone, and says when there is more", async () => {
    const file = join(folder, "a.txt");
    const binary = join(folder, "b.bin");
    writeFileSync(file, "one\ntwo one\n");
    writeFileSync(binary, Buffer.from([0x6f, 0x6e, 0x65, 0]));
    const files: SearchedFile[] = [
      { path: "a.txt", file },
      { path: "b.bin", file: binary },
      { path: "gone", file: join(folder, "gone") },
      { path: "open.ts", text: "one" },
    ];
    const found = await searchFiles({ text: "one", isRegex: false }, each(files), limits, thread);
    assert.deepEqual(found, {
      lines: [
        { path: "a.txt", line: 1, text: "one" },
        { path: "a.txt", line: 2, text: "two one" },
        { path: "open.ts", line: 1, text: "one" },
      ],
      isCut: false,
    });
    const few = await searchFiles({ text: "one", isRegex: false }, each(files), { ...limits, most: 2 }, thread);
    assert.deepEqual([few.lines.length, few.isCut], [2, true]);
    const exact = await searchFiles({ text: "one", isRegex: false }, each(files), { ...limits, most: 3 }, thread);
    assert.deepEqual([exact.lines.length, exact.isCut], [3, false]);
  });

  it("leaves out what is really outside of the workspace", async () => {
    const [inside, outside] = ["inside", "inside of another"].map((name) => join(folder, name));
    for (const made of [inside, outside]) mkdirSync(made ?? "");
    writeFileSync(join(outside ?? "", "a"), "one");
    symlinkSync(join(outside ?? "", "a"), join(inside ?? "", "link"));
    const roots = [realpathSync(inside ?? "")];
    const files = [{ path: "link", file: join(inside ?? "", "link") }];
    const query = { text: "one", isRegex: false };
    assert.deepEqual((await searchFiles(query, each(files), { ...limits, roots }, thread)).lines, []);
    assert.equal((await searchFiles(query, each(files), limits, thread)).lines.length, 1);
    const links = new LinkedFolders(roots);
    assert.deepEqual(await Promise.all([inside, outside, inside].map((one) => links.isInside(one ?? ""))), [
      true,
      false,
      true,
    ]);
  });

  it("goes on over many files", async () => {
    const files = Array.from({ length: 450 }, (_, index) => ({ path: `${index}`, text: index % 150 === 7 ? "x" : "" }));
    const { lines } = await searchFiles({ text: "x", isRegex: false }, each(files), limits, thread);
    assert.deepEqual(
      lines.map(({ path }) => path),
      ["7", "157", "307"],
    );
  });

  it("refuses what is no regular expression", async () => {
    await assert.rejects(searchFiles({ text: "(", isRegex: true }, each([]), limits, thread), {
      code: "INVALID_REQUEST",
    });
  });

  it("ends a thread that takes too long, and one whose search is stopped", async () => {
    const endless = () => new Worker("for (;;);", { eval: true });
    const files = [{ path: "a", text: "a" }];
    const late = await searchFiles({ text: "a", isRegex: false }, each(files), { ...limits, ms: 200 }, endless);
    assert.deepEqual(late, { lines: [], isCut: true });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const stopped = searchFiles(
      { text: "a", isRegex: false },
      each(files),
      { ...limits, signal: stop.signal },
      endless,
    );
    assert.equal((await stopped).isCut, true);
  });
});
