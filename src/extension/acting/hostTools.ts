/**
 * Tools of VS Code and of other extensions, the person's MCP servers among them (`vscode.lm.tools`, final since 1.95).
 * `engines.vscode` and @types/vscode are older, so the API's shape is declared here, and it is looked for before it is used.
 */
import type { CancellationToken } from "vscode";
import type { CallOutcome, OtherTools } from "../../acting/ports";
import type { JsonObject, ToolSpec } from "../../common/tools";

interface HostTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema?: object;
}

interface HostToolApi {
  readonly tools: readonly HostTool[];
  invokeTool(
    name: string,
    options: { readonly input: object; readonly toolInvocationToken: undefined },
    token: CancellationToken,
  ): PromiseLike<{ readonly content: readonly unknown[] }>;
}

/** Makes a token that is cancelled with a signal. */
export type TokenOf = (signal: AbortSignal) => { readonly token: CancellationToken; dispose(): void };

/** Names that models may be told; a tool with another one cannot be offered. */
const toolName = /^[\w.-]{1,64}$/;

export class HostTools implements OtherTools {
  /** `models` is `vscode.lm`, which old versions do not have. */
  constructor(
    private readonly models: unknown,
    private readonly tokenOf: TokenOf,
  ) {}

  /** All that there are at the moment, by name. They come and go with extensions and servers. */
  list(): readonly ToolSpec[] {
    return (
      this.api?.tools
        .filter(({ name }) => toolName.test(name))
        .map(({ name, description, inputSchema }) => ({
          name,
          description,
          ...(isObject(inputSchema) && { parameters: inputSchema }),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)) ?? []
    );
  }

  has(name: string): boolean {
    return this.api?.tools.some((tool) => tool.name === name) ?? false;
  }

  async run(name: string, args: JsonObject, _agent: string, signal: AbortSignal): Promise<CallOutcome> {
    const { api } = this;
    if (api === undefined || !this.has(name)) {
      return { text: `The tool ${name} is not there any more. Go on without it.`, failed: true };
    }
    const { token, dispose } = this.tokenOf(signal);
    try {
      const { content } = await api.invokeTool(name, { input: args, toolInvocationToken: undefined }, token);
      return { text: content.map(textOf).join("\n") };
    } catch (error) {
      return { text: error instanceof Error ? error.message : String(error), failed: true };
    } finally {
      dispose();
    }
  }

  private get api(): HostToolApi | undefined {
    return isApi(this.models) ? this.models : undefined;
  }
}

function isApi(models: unknown): models is HostToolApi {
  return (
    isObject(models) &&
    Array.isArray(Reflect.get(models, "tools")) &&
    typeof Reflect.get(models, "invokeTool") === "function"
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

/** Text parts as they are; parts for prompts as JSON; of others a model can read nothing. */
function textOf(part: unknown): string {
  if (!isObject(part)) return String(part);
  const { value, mimeType, data } = part;
  if (typeof value === "string") return value;
  if (typeof mimeType === "string" && data instanceof Uint8Array) {
    const isText = mimeType.startsWith("text/") || mimeType === "application/json";
    return isText ? new TextDecoder().decode(data) : `[${mimeType}, ${data.byteLength} bytes: not shown]`;
  }
  return JSON.stringify(value ?? part);
}
