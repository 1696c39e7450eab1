import type { CancellationToken } from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError, ResidentError } from "../../common/errors";
import { Emitter } from "../../common/events";
import type { Formats } from "../../common/format";
import type { ChatModel, ChatRequest, Running } from "../../protocol/service";
import type { ServiceHandle } from "../engine/serviceHandle";
import { Throttle } from "../pages/throttle";
import { AnswerParts } from "./answerParts";
import type {
  ChatModelInformation,
  ChatParts,
  ChatProvider,
  RequestMessage,
  RequestOptions,
  ResponseProgress,
} from "./chatApi";
import { chatError } from "./chatErrors";
import { modelId, modelInformation } from "./modelInformation";
import type { RememberedModels } from "./rememberedModels";
import { messagesOf, requestMessages } from "./requestMessages";
import { requestConversation, requestSampling, requestThinking } from "./requestOptions";
import { RequestText } from "./requestText";
import { requestToolMode, requestTools } from "./requestTools";
import { TokenCounts } from "./tokenCounts";

/** Several changes come together: a load, then its pool. */
const refreshMs = 300;

export interface ChatProviderPorts {
  readonly service: ServiceHandle;
  readonly parts: ChatParts;
  readonly formats: () => Formats;
  readonly remembered: RememberedModels;
  /** Notes a failure that the chat does not show. */
  readonly note: (error: unknown) => void;
}

/**
 * Resident's models for VS Code's chat. A request has the whole conversation every time; the core finds what of it was
 * read before. Nothing is kept here between requests but token counts.
 */
export class ResidentChatProvider implements ChatProvider, Disposable {
  private readonly changes = new Emitter<void>();
  /** Only the event: a host that finds an emitter here takes the models of all providers for one group. */
  readonly onDidChangeLanguageModelChatInformation = this.changes.event;
  private readonly store = new DisposableStore();
  private readonly counts: TokenCounts;
  /** The models by their ids. */
  private known: ReadonlyMap<string, ChatModel> = new Map();
  private offered: string | undefined;

  constructor(private readonly ports: ChatProviderPorts) {
    const { service } = ports;
    this.counts = new TokenCounts(async (directory, inputs) => (await service.get()).countTokens(directory, inputs));
    const refresh = this.store.add(new Throttle(refreshMs, () => void this.refresh()));
    this.store.add(
      service.onEvent((event) => {
        if (event.type === "models") this.counts.clear();
        if (event.type === "models" || event.type === "engine") refresh.request();
      }),
    );
    this.store.add(
      service.onRestart(() => {
        this.counts.clear();
        refresh.request();
      }),
    );
  }

  /** Has the host ask for the models: by itself it asks only once a person looks into its list of all providers. */
  announce(): void {
    this.changes.fire();
  }

  /** Reads files of models, loads none and shows nothing, whether `silent` or not. */
  async provideLanguageModelChatInformation({ silent }: { readonly silent: boolean }) {
    const lastTime = silent ? await this.lastTime() : [];
    if (lastTime.length > 0) {
      this.offered = JSON.stringify(lastTime);
      return lastTime;
    }
    try {
      const models = await this.models();
      this.offer(models);
      return models;
    } catch (error) {
      if (!silent) throw chatError(error, this.ports.parts, this.ports.formats());
      this.ports.note(error);
      return [];
    }
  }

  async provideLanguageModelChatResponse(
    model: ChatModelInformation,
    messages: readonly RequestMessage[],
    options: RequestOptions,
    progress: ResponseProgress,
    token: CancellationToken,
  ): Promise<void> {
    const { service, parts, formats } = this.ports;
    try {
      const request = await this.request(model, messages, options);
      const door = await service.get();
      if (token.isCancellationRequested) return;
      const running = door.chat(request);
      await answer(running, new AnswerParts(parts, progress, `thought-${running.id}`), formats(), token);
    } catch (error) {
      if (token.isCancellationRequested) return;
      this.ports.note(error);
      throw chatError(error, parts, formats());
    }
  }

  async provideTokenCount(model: ChatModelInformation, text: string | RequestMessage): Promise<number> {
    try {
      const { directory } = await this.modelOf(model);
      if (typeof text === "string")
        return text === "" ? 0 : await this.counts.count(directory, RequestText.check(text));
      const messages = await messagesOf(text);
      const counted = await Promise.all(messages.map((message) => this.counts.count(directory, [message])));
      return counted.reduce((sum, tokens) => sum + tokens, 0);
    } catch (error) {
      throw chatError(error, this.ports.parts, this.ports.formats());
    }
  }

  dispose(): void {
    this.store.dispose();
    this.changes.dispose();
  }

  /**
   * The models of last time, for the first question, before anything runs: a start of VS Code starts no core. What has
   * changed since is told once the core is in use, or asked again.
   */
  private async lastTime(): Promise<readonly ChatModelInformation[]> {
    const { service, remembered } = this.ports;
    return this.offered === undefined && !service.started ? await remembered.get() : [];
  }

  /** Whether they are others than those that were offered before. */
  private offer(models: readonly ChatModelInformation[]): boolean {
    const offered = JSON.stringify(models);
    if (offered === this.offered) return false;
    this.offered = offered;
    void this.ports.remembered.set(models); // notes a failure itself
    return true;
  }

  private async models(): Promise<readonly ChatModelInformation[]> {
    const door = await this.ports.service.get();
    const [models, all] = await Promise.all([door.chatModels(), door.listModels()]);
    const templates = await Promise.all(models.map(({ directory }) => door.templateFacts(directory)));
    const formats = this.ports.formats();
    const byFolder = new Map(all.map((model) => [model.directory, model]));
    this.known = new Map(models.map((model) => [modelId(model), model]));
    return models.map((model, i) => {
      const facts = { listed: byFolder.get(model.directory), thinkingChoices: templates[i]?.thinkingChoices };
      return modelInformation(model, facts, formats);
    });
  }

  /**
   * Tells the host of a change, where there is one. Starts no core for it. A host that has not asked yet has none of these
   * models in its list before it is told.
   */
  private async refresh(): Promise<void> {
    if (!this.ports.service.started) return;
    if (this.offered === undefined) {
      this.changes.fire();
      return;
    }
    try {
      if (this.offer(await this.models())) this.changes.fire();
    } catch (error) {
      this.ports.note(error);
    }
  }

  private async request(
    model: ChatModelInformation,
    messages: readonly RequestMessage[],
    options: RequestOptions,
  ): Promise<ChatRequest> {
    const { modelOptions, tools, toolMode } = options;
    const { directory, name, takesTools, whyNoTools } = await this.modelOf(model);
    const specs = requestTools(tools);
    if (specs.length > 0 && !takesTools) {
      const why = whyNoTools === undefined ? "" : `: ${whyNoTools}`;
      throw new InvalidRequestError(
        `${name} takes no tools${why}`,
        "choose a model that takes tools, or switch them off",
      );
    }
    const conversation = requestConversation(modelOptions);
    const thinking = requestThinking(options);
    return {
      modelDirectory: directory,
      messages: await requestMessages(messages),
      ...(specs.length === 0 ? {} : { tools: specs, toolMode: requestToolMode(toolMode) }),
      ...(thinking === undefined ? {} : { thinking }),
      sampling: requestSampling(modelOptions),
      ...(conversation === undefined ? {} : { conversation }),
    };
  }

  /** The host may remember a model of an earlier window. */
  private async modelOf({ id, name }: ChatModelInformation): Promise<ChatModel> {
    if (!this.known.has(id)) await this.models();
    const model = this.known.get(id);
    if (model === undefined) throw new ResidentError("MODEL_NOT_FOUND", `${name} is not here any more`, "");
    return model;
  }
}

async function answer(running: Running, parts: AnswerParts, formats: Formats, token: CancellationToken): Promise<void> {
  const store = new DisposableStore();
  store.add(parts);
  const isCancelled = () => token.isCancellationRequested;
  try {
    store.add(token.onCancellationRequested(() => running.abort()));
    if (isCancelled()) running.abort();
    store.add(
      running.onEvent((event) => {
        if (!isCancelled()) parts.take(event);
      }),
    );
    const done = await running.done;
    if (!isCancelled()) parts.finish(done, formats);
  } catch (error) {
    if (!isCancelled()) parts.flush();
    throw error;
  } finally {
    store.dispose();
  }
}
