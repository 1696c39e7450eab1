import assert from "node:assert/strict";
import fc from "fast-check";
import { isDelicatePath, isGitPath, PathRefusal, placePath } from "../../../src/acting/paths";
import type { FileRef } from "../../../src/acting/ports";
import { resolvePath } from "../../../src/acting/resolvePath";
import { FakeWorkspace } from "../../support/acting/fakeWorkspace";

const one = [{ name: "app", path: "/work/app" }];
const two = [...one, { name: "lib", path: "/work/lib" }];
const windows = [{ name: "app", path: "c:/work/app" }];

function placed(written: string, folders = one): string {
  const place = placePath(written, folders);
  return place instanceof PathRefusal ? `! ${place.fault}` : `${place.folder} ${place.path} (${place.shown})`;
}

describe("a path that a model wrote", () => {
  it("is one in the folder, however it is spelt", () => {
    for (const written of [
      "src/a.ts",
      "./src/a.ts",
      "src//a.ts",
      "src\\a.ts",
      ".\\src\\a.ts",
      "src/b/../a.ts",
      "x/../src/a.ts",
    ]) {
      assert.equal(placed(written), "0 src/a.ts (src/a.ts)", written);
    }
    assert.equal(placed("."), "0  (.)");
    assert.equal(placed(""), "0  (.)");
    assert.equal(placed("src/"), "0 src (src)");
    assert.equal(placed("a b/ü.ts"), "0 a b/ü.ts (a b/ü.ts)");
    assert.equal(placed("..a/...b"), "0 ..a/...b (..a/...b)");
  });

  it("may be absolute or a file's URI where that is in the folder", () => {
    assert.equal(placed("/work/app/src/a.ts"), "0 src/a.ts (src/a.ts)");
    assert.equal(placed("file:///work/app/src/a%20b.ts"), "0 src/a b.ts (src/a b.ts)");
    assert.equal(placed("file://localhost/work/app/a"), "0 a (a)");
    assert.equal(placed("C:\\work\\app\\a.ts", windows), "0 a.ts (a.ts)");
    assert.equal(placed("file:///c:/work/app/a.ts", windows), "0 a.ts (a.ts)");
    assert.equal(placed("/work/lib/a", two), "1 a (lib/a)");
  });

  it("is refused outside of the folder", () => {
    for (const written of [
      "../a",
      "src/../../a",
      "..\\..\\a",
      "/etc/passwd",
      "/work/application/a",
      "/work/app/../secret",
      "//server/share",
      "\\\\server\\share",
      "C:\\Windows",
      "c:relative",
      "~",
      "~/.ssh/id_rsa",
      "file:///etc/passwd",
      "file:///work/app/%2e%2e/%2e%2e/etc/passwd",
    ]) {
      assert.equal(placed(written), "! outside", written);
    }
  });

  it("is refused where it is something else, with a reason", () => {
    for (const [written, fault] of [
      ["https://example.org/a", "scheme"],
      ["vscode-remote://host/work/app/a", "scheme"],
      ["file://server/share/a", "scheme"],
      ["file:///work/app/%zz", "scheme"],
      ["file:///work/app/%0aa", "scheme"],
      ["a\nb", "hidden"],
      ["a\u0000b", "hidden"],
      ["src/\u202egnp.ts", "hidden"],
      ["a\u200bb", "hidden"],
      ["\ufeffa", "hidden"],
      ["src/. /a", "name"],
      ["src/.. /.. /a", "name"],
      ["src/...", "name"],
      ["./C:", "name"],
      ["./~", "name"],
      ["./file:/a", "name"],
      ["x".repeat(2000), "long"],
    ] as const) {
      assert.equal(placed(written), `! ${fault}`, JSON.stringify(written));
    }
    assert.equal(placed("a", []), "! noFolder");
  });

  it("begins with the folder's name where there are several", () => {
    assert.equal(placed("lib/src/a.ts", two), "1 src/a.ts (lib/src/a.ts)");
    assert.equal(placed("app", two), "0  (app)");
    assert.equal(placed("app/../lib/a", two), "1 a (lib/a)");
    for (const written of ["src/a.ts", ".", ""]) assert.equal(placed(written, two), "! folder");
    const refusal = placePath("src/a.ts", two);
    assert.ok(refusal instanceof PathRefusal);
    assert.match(refusal.text, /app, lib/);
  });

  it("never leaves its folder, whatever it is made of", () => {
    const part = fc.constantFrom(
      "..",
      ".",
      "",
      "a",
      "b",
      "..\\..",
      "/",
      "\\",
      "C:",
      "file:",
      "%2e%2e",
      "~",
      " ",
      "...",
      "\u202e",
      "app",
      "lib",
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }),
        fc.constantFrom("/", "\\", ""),
        fc.constantFrom(one, two),
        (parts, by, folders) => {
          const place = placePath(parts.join(by), folders);
          if (place instanceof PathRefusal) return assert.ok(place.text.length > 10);
          assert.ok(place.folder < folders.length);
          const names = place.path.split("/");
          assert.ok(
            place.path === "" || names.every((name) => name !== "" && name !== ".." && name !== "."),
            place.path,
          );
          assert.ok(!place.path.includes("\\") && !place.path.includes("\u202e"));
          assert.deepEqual(placePath(place.shown, folders), place, "what is shown means the same place");
        },
      ),
      { seed: Number(process.env["RESIDENT_SEED"] ?? 19), numRuns: 2000 },
    );
  });
});

describe("git's own files and those that decide over the agent", () => {
  it("are known by their paths", () => {
    for (const path of [
      ".git",
      ".git/hooks/pre-commit",
      "sub/.GIT/config",
      ".git./config",
      ".git /config",
      "git~1/config",
      ".git::$INDEX/x",
    ]) {
      assert.ok(isGitPath(path), path);
    }
    for (const path of [".gitignore", "git/a", "a.git", ".github/a"]) assert.ok(!isGitPath(path), path);
    for (const path of [
      ".vscode/settings.json",
      "sub/.vscode/tasks.json",
      "x.code-workspace",
      ".husky/pre-commit",
      ".npmrc",
    ]) {
      assert.ok(isDelicatePath(path), path);
    }
    for (const path of ["src/a.ts", "vscode/settings.json", ".vscodeignore"]) assert.ok(!isDelicatePath(path), path);
  });
});

describe("a place behind links", () => {
  const resolved = async (workspace: FakeWorkspace, written: string, use: "read" | "write" = "read") => {
    const place = await resolvePath(written, workspace, use);
    return place instanceof PathRefusal ? `! ${place.fault}` : place.path;
  };

  it("is refused where they lead out, also through a folder on the way or for a file that is not there yet", async () => {
    const workspace = new FakeWorkspace({ "src/a.ts": "" });
    workspace.links.set("out", "/etc");
    workspace.links.set("src/b.ts", "/work/app/src/a.ts");
    workspace.links.set("hooks", "/work/app/.git/hooks");
    assert.equal(await resolved(workspace, "src/a.ts"), "src/a.ts");
    assert.equal(await resolved(workspace, "src/b.ts"), "src/b.ts");
    assert.equal(await resolved(workspace, "out/passwd"), "! link");
    assert.equal(await resolved(workspace, "out/new/file", "write"), "! link");
    assert.equal(await resolved(workspace, "hooks/pre-commit", "write"), "! git");
    assert.equal(await resolved(workspace, ".git/config", "write"), "! git");
    assert.equal(await resolved(workspace, "a.ts:hidden", "write"), "! name");
    assert.equal(await resolved(workspace, ".vscode::$INDEX_ALLOCATION/settings.json", "write"), "! name");
    assert.equal(await resolved(workspace, ".git/config"), ".git/config");
  });

  it("is refused where it leads out, also next to a folder of another file system whose path is the root", async () => {
    const workspace = new FakeWorkspace({}, [
      { name: "app", path: "/work/app" },
      { name: "virtual", path: "/" },
    ]);
    workspace.links.set("out", "/etc");
    const beside = {
      folders: () => workspace.folders(),
      realPath: async (file: FileRef) => (file.folder === 1 ? undefined : workspace.realPath(file)),
    };
    for (const use of ["read", "write"] as const) {
      const place = await resolvePath("app/out/passwd", beside, use);
      assert.ok(place instanceof PathRefusal && place.fault === "link", use);
    }
    const virtual = await resolvePath("virtual/etc/passwd", beside, "read");
    assert.deepEqual(virtual, { folder: 1, path: "etc/passwd", shown: "virtual/etc/passwd" });
  });

  it("may be one that decides over the agent, whatever its own name is", async () => {
    const workspace = new FakeWorkspace();
    workspace.links.set("conf", "/work/app/.vscode");
    for (const written of ["conf/settings.json", ".vscode/settings.json"]) {
      const place = await resolvePath(written, workspace, "write");
      assert.ok(!(place instanceof PathRefusal) && place.isDelicate === true, written);
    }
    const plain = await resolvePath("src/settings.json", workspace, "write");
    assert.ok(!(plain instanceof PathRefusal) && plain.isDelicate === undefined);
  });

  it("is compared with where the folder itself is", async () => {
    const workspace = new FakeWorkspace({ a: "" });
    const linked = {
      folders: () => one,
      realPath: async ({ path }: { path: string }) => `/real/app${path === "" ? "" : `/${path}`}`,
    };
    assert.equal(await resolved(workspace, "a"), "a");
    const place = await resolvePath("a", linked, "write");
    assert.ok(!(place instanceof PathRefusal));
    const beside = {
      ...linked,
      realPath: async ({ path }: { path: string }) => (path === "" ? "/real/app" : `/real/app-other/${path}`),
    };
    assert.ok((await resolvePath("a", beside, "read")) instanceof PathRefusal);
  });
});
