/** The open folder as a task's own: its files and nothing else, on disk and in the editor. */
import { exec } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import type { Task } from "../../../support/acting/tasks/task";
import { closeEditors, until } from "../../support";

export class TaskFolder {
  private readonly problems = vscode.languages.createDiagnosticCollection("tasks");

  constructor(private readonly root: string) {}

  /** Resolves when the editor knows the files as they are. */
  async fill({ files, problems = [] }: Task): Promise<void> {
    await closeEditors();
    for (const name of readdirSync(this.root)) rmSync(path.join(this.root, name), { recursive: true, force: true });
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.root, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    for (const [name, text] of Object.entries(files)) {
      const uri = vscode.Uri.file(path.join(this.root, name));
      const isKnown = async () => (await vscode.workspace.openTextDocument(uri)).getText() === text;
      await until(`${name} is known as it is`, isKnown, 20_000);
    }
    this.problems.clear();
    for (const { path: name, line, message } of problems) {
      const range = new vscode.Range(line - 1, 0, line - 1, 1);
      this.problems.set(vscode.Uri.file(path.join(this.root, name)), [new vscode.Diagnostic(range, message)]);
    }
  }

  /** Texts by path. */
  files(): Readonly<Record<string, string>> {
    const all = readdirSync(this.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = all.map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
    return Object.fromEntries(
      paths.map((file) => [path.relative(this.root, file).split(path.sep).join("/"), readFileSync(file, "utf8")]),
    );
  }

  exitCode(command: string): Promise<number> {
    return new Promise((resolve) => {
      const child = exec(command, { cwd: this.root, timeout: 20_000 });
      child.on("error", () => resolve(1));
      child.on("exit", (code) => resolve(code ?? 1));
    });
  }

  dispose(): void {
    this.problems.dispose();
  }
}
