import { modelNameOf } from "../models/modelName";
import type { NextModel } from "../protocol/service";
import { weightBytesOf } from "./modelAccess";
import type { NextLoad } from "./modelGate";

/** Describes the model that is loaded next. Keeps its size, since the status is read several times a second. */
export class NextModelStatus {
  private sized: { readonly directory: string; readonly bytes: Promise<number | undefined> } | undefined;

  async describe(next: NextLoad | undefined): Promise<NextModel | undefined> {
    if (next === undefined) {
      this.sized = undefined;
      return undefined;
    }
    const { directory, turnsAhead } = next;
    const sized = this.sized?.directory === directory ? this.sized : { directory, bytes: weightBytesOf(directory) };
    this.sized = sized;
    const weightBytes = await sized.bytes;
    return { name: modelNameOf(directory), turnsAhead, ...(weightBytes === undefined ? {} : { weightBytes }) };
  }
}
