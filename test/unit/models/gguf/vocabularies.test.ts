import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { importGguf } from "../../../../src/models/gguf/importGguf";
import { readTextFiles } from "../../../../src/models/modelDirectory";
import { createTextModel } from "../../../../src/text/textModel";
import { rejection, temporaryFolder } from "../../../support/models/folders";
import { f32s, flag, type GgufEntry, i32s, text, texts, u32 } from "../../../support/models/ggufBuilder";
import { tinyGguf, tokens } from "../../../support/models/tinyGguf";

type Entries = Readonly<Record<string, GgufEntry | undefined>>;

describe("The vocabulary of a GGUF file", () => {
  const folder = temporaryFolder();

  async function imported(metadata: Entries, architecture: "llama" | "gemma3" = "llama") {
    const [file, target] = [join(folder.path, "tiny.gguf"), join(folder.path, "Tiny")];
    await writeFile(file, tinyGguf({ architecture, metadata }));
    await importGguf({ file, target, replace: true });
    const json = async (name: string) => JSON.parse(await readFile(join(target, name), "utf8"));
    return {
      config: await json("config.json"),
      tokenizer: await json("tokenizer.json"),
      tokenizerConfig: await json("tokenizer_config.json"),
      text: createTextModel(await readTextFiles(target)),
    };
  }

  it("ends an answer at every token that llama.cpp ends it at, found by its name", async () => {
    const eos = { "tokenizer.ggml.eos_token_id": u32(0) };
    assert.deepEqual((await imported(eos)).config.eos_token_id, [0, 2]);
    const none = { "tokenizer.ggml.eos_token_id": undefined };
    assert.deepEqual((await imported(none)).config.eos_token_id, [2, 0]);
    const ordinary = { ...eos, "tokenizer.ggml.token_type": i32s(tokens.map((_, id) => (id === 0 ? 3 : 1))) };
    assert.equal((await imported(ordinary)).config.eos_token_id, 0);
    // Gemma's "</s>" strikes words through.
    const byHand = { ...eos, "tokenizer.ggml.token_type": i32s(tokens.map((_, id) => (id === 0 ? 3 : 4))) };
    assert.equal((await imported(byHand)).config.eos_token_id, 0);
    const unnamed = {
      "tokenizer.ggml.token_type": i32s(tokens.map(() => 1)),
      "tokenizer.ggml.eos_token_id": u32(9999),
    };
    await rejection(imported(unnamed), "IMPORT_CORRUPT", /no token ends an answer/);
  });

  it("takes ids that are no token as absent: padding of −1, or as large as the vocabulary", async () => {
    for (const id of [0xffffffff, tokens.length]) {
      const { tokenizerConfig } = await imported({
        "tokenizer.ggml.padding_token_id": u32(id),
        "tokenizer.ggml.unknown_token_id": u32(id),
        "tokenizer.ggml.bos_token_id": u32(id),
      });
      assert.equal(tokenizerConfig.pad_token, undefined);
      assert.equal(tokenizerConfig.unk_token, undefined);
      assert.equal(tokenizerConfig.bos_token, undefined);
    }
  });

  it("says which part of a tokenizer is missing", async () => {
    await rejection(imported({ "tokenizer.ggml.tokens": undefined }), "IMPORT_CORRUPT", /holds no tokens/);
    await rejection(imported({ "tokenizer.ggml.merges": undefined }), "IMPORT_CORRUPT", /merges are missing/);
    const noScores = { "tokenizer.ggml.model": text("llama"), "tokenizer.ggml.merges": undefined };
    await rejection(imported(noScores), "IMPORT_CORRUPT", /neither scores nor merges/);
  });

  describe("of SentencePiece", () => {
    /** Id, text, score, type: 1 ordinary, 2 unknown, 3 control, 4 defined by hand, 6 byte. */
    const pieces: readonly (readonly [string, number, number])[] = [
      ["<unk>", 0, 2],
      ["<s>", 0, 3],
      ["</s>", 0, 3],
      ["<0x0A>", 0, 6],
      ["<0xC3>", 0, 6],
      ["<0xA9>", 0, 6],
      ["\n", -1000, 4],
      ["\n\n", -1000, 4],
      ["  ", -1000, 4],
      ["   ", -1000, 4],
      ["<tag>", -1000, 4],
      ["he", -1, 1],
      ["ll", -2, 1],
      ["hell", -3, 1],
      ["lo", -4, 1],
      ["hello", -5, 1],
      ["▁hello", -6, 1],
      ["▁", -7, 1],
      ["h", -8, 1],
      ["e", -9, 1],
      ["l", -10, 1],
      ["o", -11, 1],
    ];
    const id = (piece: string) => pieces.findIndex(([own]) => own === piece);
    const vocabulary: Entries = {
      "tokenizer.ggml.model": text("llama"),
      "tokenizer.ggml.pre": text("default"),
      "tokenizer.ggml.tokens": texts(pieces.map(([piece]) => piece)),
      "tokenizer.ggml.scores": f32s(pieces.map(([, score]) => score)),
      "tokenizer.ggml.token_type": i32s(pieces.map(([, , type]) => type)),
      "tokenizer.ggml.merges": undefined,
      "tokenizer.ggml.bos_token_id": u32(1),
      "tokenizer.ggml.eos_token_id": u32(2),
      "tokenizer.ggml.unknown_token_id": u32(0),
      "tokenizer.ggml.add_bos_token": undefined,
    };

    it("becomes merges in the order of the scores, white space defined by hand before all", async () => {
      const { tokenizer } = await imported(vocabulary);
      assert.deepEqual(tokenizer.model.merges, [
        "\n \n",
        "▁ ▁",
        "▁▁ ▁",
        "▁ ▁▁",
        "h e",
        "l l",
        "he ll",
        "l o",
        "hell o",
        "▁ hello",
      ]);
      assert.equal(tokenizer.model.byte_fallback, true);
      assert.equal(tokenizer.model.unk_token, "<unk>");
      assert.deepEqual(
        tokenizer.added_tokens.map(({ content }: { content: string }) => content),
        ["<s>", "</s>", "\n", "\n\n", "▁▁", "▁▁▁", "<tag>"],
      );
    });

    it("encodes as Llama 2 does: a space before, bytes for what has no piece, BOS", async () => {
      const { tokenizer, text: model } = await imported(vocabulary);
      assert.equal(tokenizer.post_processor.type, "TemplateProcessing");
      const ids = model.tokenizer.encodeText("helloé");
      assert.deepEqual(ids, ["▁hello", "<0xC3>", "<0xA9>"].map(id));
      assert.equal(model.tokenizer.decode(ids), "helloé");
    });

    it("encodes as Gemma does where no space is put before: runs of spaces are one token", async () => {
      const { text: model } = await imported(
        { ...vocabulary, "tokenizer.ggml.add_space_prefix": flag(false) },
        "gemma3",
      );
      const ids = model.tokenizer.encodeText("hello   hello");
      assert.deepEqual(ids, ["hello", "   ", "hello"].map(id));
      assert.equal(model.tokenizer.decode(ids), "hello   hello");
    });
  });
});
