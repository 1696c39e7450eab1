import { ResidentError } from "../../common/errors";
import type { Progress } from "../../protocol/service";
import type {
  CallId,
  CallMessage,
  ControlMessage,
  ResultMessage,
  ToClient,
  WireArguments,
  WireMethod,
  WireResult,
} from "../../protocol/wire";

export type FromClient = CallMessage | ControlMessage;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

interface Pending {
  readonly settle: (message: ResultMessage) => void;
  readonly refuse: (error: ResidentError) => void;
  readonly onProgress: (progress: Progress) => void;
}

/** The client's calls that have no result yet. */
export class PendingCalls {
  private readonly pending = new Map<CallId, Pending>();
  private lastId = 0;

  constructor(private readonly post: (message: FromClient) => void) {}

  /** `adapt` gets the result before any later message is processed. */
  call<M extends WireMethod, R>(
    method: M,
    args: WireArguments<M>,
    adapt: (value: WireResult<M>) => R,
    { signal, onProgress = () => {} }: CallOptions = {},
  ): Promise<R> {
    this.lastId += 1;
    const id = this.lastId;
    const cancel = () => this.post({ type: "cancel", id });
    return new Promise<R>((resolve, reject) => {
      const message: CallMessage<M> = { type: "call", id, method, args };
      this.post(message);
      this.pending.set(id, {
        settle: (result) => {
          if (isResultOf(method, result)) resolve(adapt(result.value));
          else reject(new Error(`the result of ${result.method} came for ${method}`));
        },
        refuse: reject,
        onProgress,
      });
      if (signal?.aborted) cancel();
      else signal?.addEventListener("abort", cancel);
    }).finally(() => {
      this.pending.delete(id);
      signal?.removeEventListener("abort", cancel);
    });
  }

  take(message: Extract<ToClient, { readonly id: CallId }>): void {
    const call = this.pending.get(message.id);
    if (message.type === "result") call?.settle(message);
    else if (message.type === "refused") call?.refuse(ResidentError.fromInfo(message.error));
    else call?.onProgress(message.progress);
  }

  refuseAll(error: ResidentError): void {
    for (const call of this.pending.values()) call.refuse(error);
  }
}

function isResultOf<M extends WireMethod>(method: M, message: ResultMessage): message is ResultMessage<M> {
  return message.method === method;
}
