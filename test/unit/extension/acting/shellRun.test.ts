import assert from "node:assert/strict";
import type { Terminal } from "vscode";
import { Emitter } from "../../../../src/common/events";
import type { ShellApi, ShellExecution, ShellIntegration } from "../../../../src/extension/acting/shellApi";
import { shellApiOf } from "../../../../src/extension/acting/shellApi";
import { integrationOf, runInShell } from "../../../../src/extension/acting/shellRun";

/** A shell that the test plays. */
class FakeShell implements ShellExecution {
  readonly ends = new Emitter<{ readonly execution: ShellExecution; readonly exitCode: number | undefined }>();
  readonly closes = new Emitter<void>();
  readonly changes = new Emitter<readonly [Terminal, ShellIntegration]>();
  readonly sent: string[] = [];
  disposed = false;
  endsEarly: number | undefined;
  private readonly parts: string[] = [];
  private wake: () => void = () => {};
  private isOver = false;

  readonly integration: ShellIntegration = {
    executeCommand: () => {
      if (this.endsEarly !== undefined) this.end(this.endsEarly);
      return this;
    },
  };
  readonly terminal = {
    sendText: (text: string) => void this.sent.push(text),
    dispose: () => {
      this.disposed = true;
      this.closes.fire();
    },
  };
  readonly api: ShellApi = {
    onDidChangeIntegration: (listener) =>
      this.changes.event(([terminal, integration]) => listener(terminal, integration)),
    onDidEnd: (listener) => this.ends.event(listener),
    integrationOf: () => undefined,
  };

  async *read(): AsyncIterable<string> {
    for (;;) {
      const part = this.parts.shift();
      if (part !== undefined) yield part;
      else if (this.isOver) return;
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  print(...parts: readonly string[]): void {
    this.parts.push(...parts);
    this.wake();
  }

  endOutput(): void {
    this.isOver = true;
    this.wake();
  }

  end(exitCode: number | undefined): void {
    this.ends.fire({ execution: this, exitCode });
  }
}

describe("a command in a terminal", () => {
  let shell: FakeShell;
  let printed: string;
  let stop: AbortController;
  beforeEach(() => {
    shell = new FakeShell();
    printed = "";
    stop = new AbortController();
  });

  const run = () =>
    runInShell(
      {
        ...{ terminal: shell.terminal, integration: shell.integration, command: "x" },
        onClosed: (listener) => shell.closes.event(listener),
      },
      shell.api,
      (data) => {
        printed += data;
      },
      stop.signal,
    );
  const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

  it("gives what it prints and its exit code, whichever end is told first", async () => {
    const first = run();
    shell.print("a", "b");
    await tick();
    shell.end(2);
    await tick();
    shell.print("c");
    shell.endOutput();
    assert.deepEqual([await first, printed], [{ exitCode: 2 }, "abc"]);
    shell = new FakeShell();
    const second = run();
    shell.endOutput();
    await tick();
    shell.end(0);
    assert.deepEqual(await second, { exitCode: 0 });
  });

  it("may end before its execution is known, without an exit code, and with the terminal", async () => {
    shell.endsEarly = 5;
    shell.endOutput();
    assert.deepEqual(await run(), { exitCode: 5 });
    shell = new FakeShell();
    const untold = run();
    await tick();
    shell.end(undefined);
    shell.endOutput();
    assert.deepEqual(await untold, {});
    shell = new FakeShell();
    const closed = run();
    await tick();
    shell.terminal.dispose();
    shell.endOutput();
    assert.deepEqual(await closed, {});
  });

  it("ends with its output where its end is never told", async () => {
    const ended = run();
    shell.print("a");
    shell.endOutput();
    assert.deepEqual([await ended, printed], [{}, "a"]);
  });

  it("is interrupted and loses its terminal when it is stopped", async () => {
    const ended = run();
    await tick();
    stop.abort();
    await tick();
    assert.deepEqual(shell.sent, ["\u0003"]);
    shell.end(130);
    shell.endOutput();
    assert.deepEqual(await ended, {});
    assert.ok(shell.disposed);
  });

  it("that ignores the interruption ends with its terminal", async () => {
    const ended = run();
    await tick();
    stop.abort();
    assert.deepEqual(await ended, {});
    assert.ok(shell.disposed);
  });
});

describe("shell integration", () => {
  const terminal = {} as Terminal;

  it("is waited for, and not for ever", async () => {
    const shell = new FakeShell();
    const { signal } = new AbortController();
    const found = integrationOf(terminal, shell.api, signal);
    shell.changes.fire([{} as Terminal, { executeCommand: () => shell }]);
    shell.changes.fire([terminal, shell.integration]);
    assert.equal(await found, shell.integration);
    assert.equal(await integrationOf(terminal, shell.api, signal, 20), undefined);
    const stop = new AbortController();
    const stopped = integrationOf(terminal, shell.api, stop.signal);
    stop.abort();
    assert.equal(await stopped, undefined);
  });

  it("is not looked for where VS Code has none", () => {
    assert.equal(shellApiOf({}), undefined);
    assert.equal(shellApiOf({ onDidChangeTerminalShellIntegration: () => {} }), undefined);
  });

  it("is read from the API where it has it", () => {
    const listeners: ((event: unknown) => void)[] = [];
    const subscribe = (listener: (event: unknown) => void) => {
      listeners.push(listener);
      return { dispose: () => {} };
    };
    const api = shellApiOf({
      onDidChangeTerminalShellIntegration: subscribe,
      onDidEndTerminalShellExecution: subscribe,
    });
    assert(api);
    const seen: unknown[] = [];
    api.onDidEnd((end) => seen.push(end.exitCode));
    for (const event of [null, { exitCode: 1 }, { execution: {}, exitCode: 4 }])
      for (const tell of listeners) tell(event);
    assert.deepEqual(seen, [4]);
    const shellIntegration = { executeCommand: () => {} };
    assert.equal(api.integrationOf({ shellIntegration } as unknown as Terminal), shellIntegration);
    assert.equal(api.integrationOf(terminal), undefined);
  });
});
