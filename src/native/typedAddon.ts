import type { NativeAddon, NativeModel, NativePool, NativeTask } from "./binding";
import { fromNative } from "./errors";

/** The same addon, but everything it throws or rejects with is a ResidentError. */
export function withTypedErrors(addon: NativeAddon): NativeAddon {
  return {
    versions: () => addon.versions(),
    samplingRanges: () => addon.samplingRanges(),
    footprintBytes: () => addon.footprintBytes(),
    deviceInfo: () => typed(() => addon.deviceInfo()),
    readBandwidth: (threads) => typed(() => addon.readBandwidth(threads)),
    samplingMs: (...sizes) => typed(() => addon.samplingMs(...sizes)),
    loadModel: (options, onProgress) =>
      typedTask(
        () => addon.loadModel(options, onProgress),
        (model) => typedModel(model),
      ),
    weightsId: (directory, home) => typed(() => addon.weightsId(directory, home)),
    createBarePool: async (geometry) => typedPool(await typed(() => addon.createBarePool(geometry))),
    checkBlockFile: (path) => typed(() => addon.checkBlockFile(path)),
    syncFile: (descriptor, path) => typed(() => addon.syncFile(descriptor, path)),
    setAttribute: (...args) => rethrow(() => addon.setAttribute(...args)),
    tryLock: (path) => rethrow(() => addon.tryLock(path)),
  };
}

function typedModel(model: NativeModel): NativeModel {
  return {
    info: model.info,
    createPool: async (...sizes) => typedPool(await typed(() => model.createPool(...sizes))),
    createVocabulary: (words) => typed(() => model.createVocabulary(words)),
    compileGrammar: (request) => typed(() => model.compileGrammar(request)),
    dispose: () => typed(() => model.dispose()),
  };
}

function typedPool(pool: NativePool): NativePool {
  return {
    blocks: pool.blocks,
    ...(pool.windowBlocks === undefined ? {} : { windowBlocks: pool.windowBlocks }),
    blockTokens: pool.blockTokens,
    bytes: pool.bytes,
    run: (batch, onTokens) =>
      typedTask(
        () => pool.run(batch, onTokens),
        (stats) => stats,
      ),
    copyBlock: (from, to, tokens) => typed(() => pool.copyBlock(from, to, tokens)),
    writeBlockFile: (request) => typed(() => pool.writeBlockFile(request)),
    readBlockFile: (request) => typed(() => pool.readBlockFile(request)),
    logits: (...args) => typed(() => pool.logits(...args)),
    dispose: () => typed(() => pool.dispose()),
  };
}

function typedTask<T>(start: () => NativeTask<T>, convert: (value: T) => T): NativeTask<T> {
  const task = rethrow(start);
  return { result: typed(() => task.result).then(convert), cancel: () => task.cancel() };
}

function rethrow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromNative(error);
  }
}

async function typed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromNative(error);
  }
}
