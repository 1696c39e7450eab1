import type { Disposable } from "../../common/disposables";
import type { ChatHost, ChatParts } from "./chatApi";

type Constructor = new (...values: readonly unknown[]) => object;
type Callable = (...values: readonly unknown[]) => unknown;

/** The API for chat models of this VS Code (`api` is its `vscode` module); `undefined`: it has none. */
export function chatHostOf(api: object): ChatHost | undefined {
  const models: unknown = Reflect.get(api, "lm");
  if (typeof models !== "object" || models === null) return undefined;
  const register: unknown = Reflect.get(models, "registerLanguageModelChatProvider");
  const parts = partsOf(api);
  if (!isCallable(register) || parts === undefined) return undefined;
  return {
    parts,
    register: (vendor, provider) => {
      const registration = register.call(models, vendor, provider);
      return isDisposable(registration) ? registration : { dispose: () => {} };
    },
  };
}

function partsOf(api: object): ChatParts | undefined {
  const Text = classOf(api, "LanguageModelTextPart");
  const Call = classOf(api, "LanguageModelToolCallPart");
  const Data = classOf(api, "LanguageModelDataPart");
  const Thinking = classOf(api, "LanguageModelThinkingPart");
  const ModelError = classOf(api, "LanguageModelError");
  if (Text === undefined || Call === undefined || Data === undefined) return undefined;
  return {
    text: (value) => new Text(value),
    call: (id, name, input) => new Call(id, name, input),
    data: (bytes, mimeType) => new Data(bytes, mimeType),
    ...(Thinking && { thinking: (value, id, metadata) => new Thinking(value, id, metadata) }),
    error: (message, code) => errorOf(ModelError, message, code),
  };
}

/** The constructor of `LanguageModelError` is not final: where it does not take the message, a plain error carries it. */
function errorOf(ModelError: Constructor | undefined, message: string, code: string): Error {
  if (ModelError !== undefined) {
    try {
      const error = new ModelError(message, code);
      if (error instanceof Error && error.message === message) return error;
    } catch {
      // It cannot be made so.
    }
  }
  return new Error(message);
}

function classOf(api: object, name: string): Constructor | undefined {
  const value: unknown = Reflect.get(api, name);
  return isConstructor(value) ? value : undefined;
}

function isConstructor(value: unknown): value is Constructor {
  return typeof value === "function" && "prototype" in value;
}

function isCallable(value: unknown): value is Callable {
  return typeof value === "function";
}

function isDisposable(value: unknown): value is Disposable {
  return typeof value === "object" && value !== null && "dispose" in value && typeof value.dispose === "function";
}
