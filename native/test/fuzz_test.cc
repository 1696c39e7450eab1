// Files that strangers wrote, damaged at random: a parser gives a value or its own error, and under the sanitizers
// neither reads nor computes outside of what is there. RESIDENT_SEED repeats a run; a failure names its seed.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "check.h"
#include "core/block_file.h"
#include "core/checkpoint.h"
#include "core/digest_memory.h"
#include "core/json.h"
#include "tiny_model.h"

using namespace resident;

namespace {

uint32_t Seed() {
  const char* wish = std::getenv("RESIDENT_SEED");
  return wish == nullptr ? 1 : uint32_t(std::strtoul(wish, nullptr, 10));
}

class Damage {
 public:
  explicit Damage(uint32_t seed) : random_(seed) {}

  size_t Below(size_t limit) { return limit == 0 ? 0 : size_t(random_() % limit); }

  /** One change or some, of bytes, of stretches and of numbers. */
  std::string Of(std::string text, const std::string& other) {
    for (size_t changes = 1 + Below(2) * Below(4); changes > 0; --changes) Change(text, other);
    return text;
  }

  /** A JSON text of any shape. */
  std::string Json(int depth) {
    static constexpr const char* kLeaves[] = {"null",  "true", "false", "0",          "-1",
                                              "1e308", "0.5",  "\"\"",  "\"\\u00e4\""};
    std::string text;
    const size_t members = Below(4);
    switch (depth == 0 ? 0 : Below(3)) {
      case 0:
        return kLeaves[Below(std::size(kLeaves))];
      case 1:
        for (size_t i = 0; i < members; ++i) text += (i == 0 ? "" : ", ") + Json(depth - 1);
        return "[" + text + "]";
      default:
        for (size_t i = 0; i < members; ++i) {
          text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\": " + Json(depth - 1);
        }
        return "{" + text + " }";
    }
  }

 private:
  void Change(std::string& text, const std::string& other) {
    static constexpr const char* kNumbers[] = {
        "-1",         "0",   "1",          "1073741824",           "2147483647",          "2147483648",
        "4294967296", "0.1", "1e999",      "9007199254740993",     "9223372036854775807", "18446744073709551616",
        "1e-999",     "-0",  "1073741823", "-9223372036854775808", "4611686018427387904", "16777216"};
    const size_t at = Below(text.size() + 1), length = Below(std::min<size_t>(text.size() - at, 40) + 1);
    switch (Below(8)) {
      case 0:
        if (at < text.size()) text[at] = char(text[at] ^ (1 << Below(8)));
        return;
      case 1:
        if (at < text.size()) text[at] = "{}[]\",:\\-0e\0\x80\xff"[Below(14)];
        return;
      case 2:
        text.resize(at);
        return;
      case 3:
        text.erase(at, length);
        return;
      case 4:
        text.insert(at, text.substr(Below(text.size() + 1), Below(100)));
        return;
      case 5:
        text.replace(at, length, other.substr(Below(other.size() + 1), length));
        return;
      default: {  // the next number becomes another one
        const size_t begin = text.find_first_of("0123456789", at);
        if (begin == std::string::npos) return;
        const size_t end = text.find_first_not_of("0123456789.e", begin);
        text.replace(begin, end - begin, kNumbers[Below(std::size(kNumbers))]);
      }
    }
  }

  std::mt19937 random_;
};

/** Runs `one` so many times, each with a seed of its own; a failure names it. Returns how many times `one` was true. */
int Cases(const char* name, int cases, const std::function<bool(Damage&)>& one) {
  int accepted = 0;
  for (int i = 0; i < cases; ++i) {
    const uint32_t seed = Seed() + uint32_t(i);
    Damage damage(seed);
    try {
      accepted += one(damage);
    } catch (const std::exception& error) {
      throw check::Failure(std::string(name) + ", seed " + std::to_string(seed) + ": " + error.what());
    }
  }
  std::printf("fuzz: %s, seeds %u to %u, %d of %d accepted\n", name, Seed(), Seed() + uint32_t(cases) - 1, accepted,
              cases);
  return accepted;
}

const char* const kFamilies[] = {"llama",      "mistral", "qwen2", "qwen3",   "gemma3_text",
                                 "ministral3", "smollm3", "phi3",  "granite", "olmo3"};
const char* const kMore[] = {
    R"(,"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":32,"mscale":1})",
    R"(,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4})",
    R"(,"quantization":{"group_size":32,"bits":4,"model.norm":{"group_size":64,"bits":8},"lm_head":false})",
    R"(,"sliding_window":16,"sliding_window_pattern":2,"query_pre_attn_scalar":8,"rope_local_base_freq":100.0)",
    R"(,"embedding_multiplier":3,"attention_multiplier":0.2,"residual_multiplier":0.4,"logits_scaling":1.5)",
    R"(,"rope_scaling":{"type":"longrope","long_factor":[1.5,2,4,5]},"original_max_position_embeddings":64)",
    R"(,"rope_parameters":{"type":"yarn","factor":4,"original_max_position_embeddings":6,"llama_4_scaling_beta":0.3})",
    R"(,"no_rope_layers":[1,0,1],"partial_rotary_factor":0.5,"logit_scale":{"__float__":"Infinity"})",
    R"(,"layer_types":["sliding_attention","full_attention","sliding_attention"],"sliding_window":16)"};

}  // namespace

TEST("damaged JSON is read or refused") {
  const int accepted = Cases("JSON", 8000, [](Damage& damage) {
    const std::string text = damage.Json(5);
    json::Parse(text);
    try {
      json::Parse(damage.Of(text, damage.Json(3)));
      return true;
    } catch (const json::ParseError&) {
      return false;
    }
  });
  CHECK(accepted > 400 && accepted < 7000);
}

TEST("JSON that nests too deeply or has too many values is refused") {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 200'000; ++i) deep += open;
    bool refused = false;
    try {
      json::Parse(deep);
    } catch (const json::ParseError&) {
      refused = true;
    }
    CHECK(refused);
  }
  std::string wide = "[0";
  for (int i = 0; i < 3'000'000; ++i) wide += ",0";
  bool refused = false;
  try {
    json::Parse(wide + "]");
  } catch (const json::ParseError& error) {
    refused = std::string(error.what()).find("too many values") == 0;
  }
  CHECK(refused);
}

TEST("a damaged config is understood, or refused as corrupt or unsupported") {
  const int accepted = Cases("config.json", 6000, [](Damage& damage) {
    const std::string family = kFamilies[damage.Below(std::size(kFamilies))];
    std::string text = TinyModel("llama").config_text;
    text.replace(text.find("llama"), 5, family);
    if (damage.Below(3) > 0) text.insert(text.rfind('}'), kMore[damage.Below(std::size(kMore))]);
    try {
      const ModelConfig config = ParseModelConfig(damage.Of(text, text));
      CHECK(config.num_layers > 0 && config.num_heads % config.num_kv_heads == 0);
      CHECK(config.KvBytesPerToken(DataType::kF16) > 0);
      CHECK(!config.ArchitectureId(DataType::kF16).empty());
      return true;
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kModelCorrupt || error.code() == ErrorCode::kModelUnsupported);
      return false;
    }
  });
  CHECK(accepted > 300);
}

TEST("a damaged safetensors header is refused, or all its tensors are inside the file") {
  const std::string header = TinyModel().SafetensorsHeader();
  const int accepted = Cases("safetensors headers", 6000, [&](Damage& damage) {
    const std::string text = damage.Of(header, R"({"__metadata__":{"a":"b"},"c":{"dtype":"BF16","shape":[],)" + header);
    const uint64_t file_bytes = damage.Below(2) == 0 ? 1'000'000 : damage.Below(100'000);
    try {
      HeaderTextBytes(EncodeHeaderLength(damage.Below(2) == 0 ? text.size() : damage.Below(~size_t(0))), file_bytes);
      const SafetensorsHeader parsed = ParseSafetensorsHeader(text, file_bytes);
      CHECK(parsed.data_offset <= file_bytes && parsed.data_bytes <= file_bytes - parsed.data_offset);
      for (const auto& [name, entry] : parsed.tensors) {
        CHECK(entry.begin <= entry.end && entry.end <= parsed.data_bytes);
        uint64_t elements = 1;
        for (const int64_t size : entry.shape) elements *= uint64_t(size);
        if (entry.dtype) CHECK_EQUAL(elements * SizeOf(*entry.dtype), entry.SizeBytes());
      }
      return true;
    } catch (const SafetensorsError&) {
      return false;
    }
  });
  CHECK(accepted > 100);
}

TEST("a model folder with damaged files is opened, or refused with a code") {
  const TinyModel tiny;
  const TemporaryFolder folder;
  tiny.Write(folder.path());
  const std::string whole = ReadWhole(folder / "model.safetensors");
  const std::string index = R"({"weight_map":{"model.norm.weight":"model.safetensors","a":"b.safetensors"}})";
  const std::string header = tiny.SafetensorsHeader(), data = whole.substr(8 + header.size());
  Cases("model folders", 1500, [&](Damage& damage) {
    const std::string text = damage.Below(2) == 0 ? header : damage.Of(header, header);
    std::string file = EncodeHeaderLength(text.size()) + text + data;
    if (damage.Below(3) == 0) file = damage.Of(file, file);
    WriteText(folder / "model.safetensors", file);
    std::filesystem::remove(folder / "model.safetensors.index.json");
    if (damage.Below(4) == 0) WriteText(folder / "model.safetensors.index.json", damage.Of(index, index));
    try {
      const Checkpoint checkpoint(folder.path());
      for (const auto& [name, tensor] : checkpoint.tensors()) {
        std::vector<std::byte> bytes(tensor.entry.SizeBytes());
        ReadStored(tensor, 0, bytes);
      }
      return true;
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kModelCorrupt || error.code() == ErrorCode::kModelIncomplete);
      return false;
    }
  });
}

TEST("a damaged block file is never taken for a whole one") {
  const PoolGeometry geometry{
      .blocks = 4, .block_tokens = 8, .num_layers = 2, .kv_heads = 2, .head_dim = 4, .dtype = DataType::kF32};
  const Metadata metadata{{"model", "m"}, {"tokens", "1,2,3,4,5"}};
  const TemporaryFolder folder;
  const std::string path = folder / "block";
  std::vector<std::byte> data(geometry.BlockBytes(5)), read(data.size());
  WriteBlockFile(path, geometry, 5, metadata, data);
  const std::string whole = ReadWhole(path), lengths(8, '\xff');
  const int accepted = Cases("block files", 4000, [&](Damage& damage) {
    std::string changed = damage.Of(whole, lengths + whole);
    if (damage.Below(3) == 0) {  // in the first bytes, where the lengths are
      changed = damage.Of(whole.substr(0, 300), lengths) + whole.substr(300);
    }
    WriteText(path, changed);
    const auto refusal = ReadBlockFile(path, geometry, {5, metadata}, {read});
    CHECK_EQUAL(!refusal, changed == whole);
    if (refusal) CHECK(std::string(refusal->code) != "unreadable" && std::string(refusal->code) != "missing");
    return !refusal;
  });
  CHECK(accepted < 1000);
}

TEST("damaged digests are forgotten, not believed") {
  const FileStamp stamp{1, 2, 3, 4, 5};
  DigestMemory memory;
  for (uint64_t i = 0; i < 5; ++i) memory.Remember({i, i, i, 4, 5}, {i, i});
  memory.Remember(stamp, {7, 8});
  const std::string text = memory.Text();
  Cases("digests", 4000, [&](Damage& damage) {
    DigestMemory read(damage.Of(text, text));
    const bool found = read.Find(stamp).has_value();
    read.Remember(stamp, {9, 9});
    CHECK(DigestMemory(read.Text()).Find(stamp) == (Digest128{9, 9}));
    return found;
  });
}
