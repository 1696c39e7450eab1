// Model folders that strangers made: every damage is a typed error, and never a crash (these run under sanitizers too).
#include "core/checkpoint.h"

#include <filesystem>
#include <random>

#include "check.h"
#include "core/json.h"
#include "core/loader.h"
#include "tiny_model.h"

using namespace resident;

namespace {

/** "loaded", or the code with which the folder was refused. */
std::string Outcome(const std::string& folder) {
  try {
    const Checkpoint checkpoint(folder);
    const mx::Device cpu(mx::Device::cpu);
    const std::unique_ptr<Ops> ops = MakeMlxOps(cpu);
    WeightLoader(checkpoint, cpu, *ops).Load({[](uint64_t, uint64_t) {}, [] { return false; }});
    return "loaded";
  } catch (const Error& error) {
    return ErrorCodeName(error.code());
  }
}

struct Fixture {
  Fixture() {
    tiny.Write(folder.path());
    file = ReadWhole(folder / "model.safetensors");
  }
  std::string WithConfig(const std::string& config) {
    WriteText(folder / "config.json", config);
    return Outcome(folder.path());
  }
  std::string WithFile(const std::string& text) {
    WriteText(folder / "model.safetensors", text);
    return Outcome(folder.path());
  }
  std::string WithHeader(const std::string& header) {
    const size_t data = 8 + tiny.SafetensorsHeader().size();
    return WithFile(EncodeHeaderLength(header.size()) + header + file.substr(data));
  }

  TinyModel tiny;
  TemporaryFolder folder;
  std::string file;
};

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  CHECK(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST("a whole model folder loads") {
  Fixture f;
  CHECK_EQUAL(Outcome(f.folder.path()), std::string("loaded"));
}

TEST("a folder that is not there, is empty, or lacks its weights is told apart") {
  Fixture f;
  CHECK_EQUAL(Outcome(f.folder / "none"), std::string("MODEL_NOT_FOUND"));
  std::filesystem::create_directory(f.folder / "empty");
  CHECK_EQUAL(Outcome(f.folder / "empty"), std::string("MODEL_INCOMPLETE"));
  std::filesystem::remove(f.folder / "model.safetensors");
  CHECK_EQUAL(Outcome(f.folder.path()), std::string("MODEL_INCOMPLETE"));
}

TEST("a half-downloaded file is incomplete, wherever it was cut") {
  Fixture f;
  for (const size_t length : {size_t(0), size_t(5), size_t(100), f.file.size() / 2, f.file.size() - 1}) {
    CHECK_EQUAL(f.WithFile(f.file.substr(0, length)), std::string("MODEL_INCOMPLETE"));
  }
}

TEST("unknown kinds of models are refused by name") {
  Fixture f;
  const std::string& config = f.tiny.config_text;
  for (const auto& changed :
       {Replaced(config, "\"llama\"", "\"gpt2\""), Replaced(config, "}", ",\"hidden_act\":\"gelu\"}"),
        Replaced(config, "}", ",\"rope_scaling\":{\"type\":\"other\",\"factor\":2}}"),
        Replaced(config, "}", ",\"layer_types\":[\"linear_attention\"]}"),
        Replaced(config, "}", ",\"model_file\":\"model.py\"}"),
        Replaced(Replaced(config, "\"llama\"", "\"gemma3_text\""), "}", ",\"layer_types\":[\"recurrent\"]}"),
        Replaced(Replaced(config, "\"llama\"", "\"gemma3_text\""), "}", ",\"final_logit_softcapping\":30}"),
        Replaced(config, "}", ",\"quantization\":{\"group_size\":32,\"bits\":7}}"),
        Replaced(config, "}", ",\"quantization\":{\"group_size\":16,\"bits\":4,\"mode\":\"mxfp4\"}}"),
        Replaced(config, "}", ",\"quantization_config\":{\"quant_method\":\"gptq\"}}")}) {
    CHECK_EQUAL(f.WithConfig(changed), std::string("MODEL_UNSUPPORTED"));
  }
}

TEST("configs that make no sense are corrupt") {
  Fixture f;
  const std::string& config = f.tiny.config_text;
  for (const auto& changed :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), Replaced(config, ":32,", ":0,"),
        Replaced(config, ":32,", ":-32,"), Replaced(config, ":32,", ":\"32\","), Replaced(config, ":32,", ":1e3,"),
        Replaced(config, "\"num_key_value_heads\":2", "\"num_key_value_heads\":3"),
        Replaced(config, "\"head_dim\":8", "\"head_dim\":7"), Replaced(config, "1e-5", "-1"),
        Replaced(config, "1e-5", "1e300"),
        Replaced(Replaced(config, "heads\":4", "heads\":1073741824"), "heads\":2", "heads\":1073741824"),
        Replaced(config, ":32,", ":16,"),  // the tensors are wider
        Replaced(config, ":3,", ":1000000000,"), Replaced(config, "}", ",\"model_type\":\"llama\"}")}) {
    CHECK_EQUAL(f.WithConfig(changed), std::string("MODEL_CORRUPT"));
  }
}

TEST("headers that lie are refused") {
  Fixture f;
  const std::string header = f.tiny.SafetensorsHeader();
  CHECK_EQUAL(f.WithHeader(header), std::string("loaded"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "[0,", "[4,")), std::string("MODEL_CORRUPT"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "[0,", "[-4,")), std::string("MODEL_CORRUPT"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "[0,", "[99999999999,")), std::string("MODEL_CORRUPT"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "\"F32\"", "\"F16\"")), std::string("MODEL_CORRUPT"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "\"F32\"", "\"F99\"")), std::string("MODEL_UNSUPPORTED"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "\"model.norm.weight\"", "\"model.norm.wait\"")),
              std::string("MODEL_INCOMPLETE"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "\"shape\":[50,32]", "\"shape\":[32,50]")), std::string("MODEL_CORRUPT"));
  CHECK_EQUAL(f.WithHeader(Replaced(header, "\"shape\":[50,32]", "\"shape\":[4611686018427387904,4]")),
              std::string("MODEL_CORRUPT"));
  std::string extra = header;
  extra.insert(1, R"("surprise":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)");
  CHECK_EQUAL(f.WithHeader(extra), std::string("MODEL_UNSUPPORTED"));
}

TEST("a file that MLX wrote without metadata loads") {
  Fixture f;
  std::string header = f.tiny.SafetensorsHeader();
  header.insert(1, R"("__metadata__":null,)");
  CHECK_EQUAL(f.WithHeader(header), std::string("loaded"));
}

TEST("the text part of a checkpoint of several parts loads, under each of its names, and the others are left out") {
  Fixture f;
  const std::string& inner = f.tiny.config_text;
  CHECK_EQUAL(f.WithConfig("{\"model_type\":\"mistral3\",\"text_config\":" + inner + "}"), std::string("loaded"));
  std::string outer = f.tiny.SafetensorsHeader(), raw = outer;
  for (size_t at = 0; (at = outer.find("\"model.", at)) != std::string::npos; at += 20) {
    outer.insert(at + 1, "language_model.");
  }
  for (size_t at = 0; (at = raw.find("\"model.", at)) != std::string::npos; at += 20) {
    raw.insert(at + 7, "language_model.");
  }
  for (std::string* header : {&outer, &raw}) {
    for (const char* name : {"vision_tower.a", "model.visual.b", "multi_modal_projector.c", "mtp.d", "audio_tower.e"}) {
      header->insert(1, "\"" + std::string(name) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)");
    }
    CHECK_EQUAL(f.WithHeader(*header), std::string("loaded"));
  }
  std::string twice = f.tiny.SafetensorsHeader();
  twice.insert(1, R"("language_model.model.norm.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)");
  CHECK_EQUAL(f.WithHeader(twice), std::string("MODEL_CORRUPT"));
  const std::string unknown = Replaced(inner, "\"llama\"", "\"mistral4\"");
  CHECK_EQUAL(f.WithConfig("{\"model_type\":\"mistral3\",\"text_config\":" + unknown + "}"),
              std::string("MODEL_UNSUPPORTED"));
  CHECK_EQUAL(f.WithConfig("{\"model_type\":\"mistral3\"}"), std::string("MODEL_CORRUPT"));
}

TEST("a window that all layers have ends the context, and the head that the files have is taken") {
  const auto context = [](const std::string& family, const std::string& more) {
    return TinyModel(family, more).config.max_context_tokens;
  };
  CHECK_EQUAL(context("mistral", R"(,"sliding_window":16)"), 16);
  CHECK_EQUAL(context("mistral", R"(,"sliding_window":null)"), 256);
  CHECK_EQUAL(context("qwen2", R"(,"sliding_window":16)"), 256);
  CHECK_EQUAL(context("qwen2", R"(,"sliding_window":16,"use_sliding_window":true)"), 16);
  CHECK_EQUAL(context("llama", R"(,"sliding_window":16,"layer_types":)"
                               R"(["sliding_attention","sliding_attention","sliding_attention"])"),
              16);
  CHECK_EQUAL(context("llama", R"(,"rope_scaling":{"type":"dynamic","factor":2})"), 256);
  const TinyModel untied("llama", R"(,"tie_word_embeddings":false)");
  const TemporaryFolder folder;
  untied.Write(folder.path());
  WriteText(folder / "config.json", TinyModel().config_text);
  CHECK(!Checkpoint(folder.path()).config().tied_head);
}

TEST("mutated headers never do worse than an error") {
  Fixture f;
  std::mt19937 random(1);
  const size_t header_bytes = 8 + f.tiny.SafetensorsHeader().size();
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string changed = f.file;
    for (int i = 0; i <= round % 3; ++i) changed[random() % header_bytes] = char(random());
    refused += f.WithFile(changed) != "loaded";
  }
  CHECK(refused > 250);
}

TEST("a model in several files loads through its index, and a bad index is refused") {
  Fixture f;
  std::filesystem::rename(f.folder / "model.safetensors", f.folder / "model-00001-of-00001.safetensors");
  const auto with_index = [&](const std::string& name) {
    WriteText(f.folder / "model.safetensors.index.json", "{\"weight_map\":{\"model.norm.weight\":\"" + name + "\"}}");
    return Outcome(f.folder.path());
  };
  CHECK_EQUAL(with_index("model-00001-of-00001.safetensors"), std::string("loaded"));
  CHECK_EQUAL(with_index("model-00002-of-00002.safetensors"), std::string("MODEL_INCOMPLETE"));
  CHECK_EQUAL(with_index("../escape.safetensors"), std::string("MODEL_CORRUPT"));
  WriteText(f.folder / "model.safetensors.index.json", "{\"weight_map\":{}}");
  CHECK_EQUAL(Outcome(f.folder.path()), std::string("MODEL_CORRUPT"));
}

TEST("a model in several files loads without an index, and misses what the names promise") {
  Fixture f;
  std::filesystem::rename(f.folder / "model.safetensors", f.folder / "model-00001-of-00002.safetensors");
  CHECK_EQUAL(Outcome(f.folder.path()), std::string("MODEL_INCOMPLETE"));
  WriteText(f.folder / "model-00002-of-00002.safetensors", EncodeHeaderLength(2) + "{}");
  CHECK_EQUAL(Outcome(f.folder.path()), std::string("loaded"));
}

TEST("JSON is read strictly") {
  for (const char* bad : {"", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "01", "1.", ".5", "+1", "nul", "\"\\x\"",
                          "\"\\ud800\"", "\"\n\"", "[1] 2", "{1:2}", "\"abc", "--1", "1e"}) {
    bool refused = false;
    try {
      json::Parse(bad);
    } catch (const json::ParseError&) {
      refused = true;
    }
    if (!refused) CHECK_EQUAL(std::string(bad), std::string("refused"));
  }
  const json::Value value = json::Parse(" {\"a\": [1, -2.5e1, true, null, \"\\u00fc\\ud83d\\ude00\\n\"]} ");
  const json::Array& items = *value.Find("a")->AsArray();
  CHECK_EQUAL(*items[0].AsInt(), 1);
  CHECK_EQUAL(*items[1].AsDouble(), -25.0);
  CHECK(*items[2].AsBool());
  CHECK(items[3].IsNull());
  CHECK_EQUAL(*items[4].AsString(), std::string("ü😀\n"));
  CHECK_EQUAL(json::Parse(json::Quote("a\"\\\n\x01ü")).AsString()->c_str(), std::string("a\"\\\n\x01ü"));
  bool deep = false;
  try {
    json::Parse(std::string(100000, '['));
  } catch (const json::ParseError&) {
    deep = true;
  }
  CHECK(deep);
}
