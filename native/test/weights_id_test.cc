// The id of weights is made of every byte of them, and a file that changes under a load is refused.
#include <sys/stat.h>

#include <filesystem>

#include "check.h"
#include "core/digest_memory.h"
#include "core/loader.h"
#include "tiny_model.h"

using namespace resident;

namespace {

const LoadHooks kNoHooks{[](uint64_t, uint64_t) {}, [] { return false; }};

struct Fixture {
  Fixture() {
    tiny.Write(folder.path());
    path = folder / "model.safetensors";
    data_begin = 8 + tiny.SafetensorsHeader().size();
  }

  /** As a load computes it. */
  std::string LoadedId(const LoadHooks& hooks = kNoHooks) const {
    const Checkpoint checkpoint(folder.path());
    const mx::Device cpu(mx::Device::cpu);
    const std::unique_ptr<Ops> ops = MakeMlxOps(cpu);
    WeightLoader loader(checkpoint, cpu, *ops);
    loader.Load(hooks);
    return loader.digest().Id();
  }
  /** As it is computed from the files alone. */
  std::string ReadId() const {
    const Checkpoint checkpoint(folder.path());
    WeightDigest digest(checkpoint);
    digest.AddRest([] {});
    return digest.Id();
  }
  /** In place: the same inode, length and time of modification. */
  void FlipByte(uint64_t at) const {
    const auto written = std::filesystem::last_write_time(path);
    std::string text = ReadWhole(path);
    text[at] = char(text[at] ^ 1);
    WriteText(path, text);
    std::filesystem::last_write_time(path, written);
  }
  std::string OutcomeOfChange(const std::function<void()>& change) const {
    bool changed = false;
    const LoadHooks hooks{.progress =
                              [&](uint64_t read, uint64_t total) {
                                if (changed || read < total / 2) return;
                                changed = true;
                                change();
                              },
                          .cancelled = [] { return false; }};
    return check::CodeOf([&] { LoadedId(hooks); });
  }

  TinyModel tiny;
  TemporaryFolder folder;
  std::string path;
  size_t data_begin;
};

}  // namespace

TEST("every byte of the weights decides their id, also in a file whose length and time are the same") {
  const Fixture f;
  const std::string before = f.LoadedId();
  CHECK_EQUAL(f.LoadedId(), before);
  const uint64_t end = std::filesystem::file_size(f.path);
  std::set<std::string> ids{before};
  size_t changes = 0;
  for (uint64_t at = f.data_begin; at < end; at += 997, ++changes) {
    f.FlipByte(at);
    ids.insert(f.LoadedId());
    f.FlipByte(at);
  }
  CHECK(changes > 50);
  CHECK_EQUAL(ids.size(), changes + 1);
  CHECK_EQUAL(f.LoadedId(), before);
}

TEST("a load and a reading of the files alone compute one id, and the config decides it too") {
  const Fixture f;
  const std::string before = f.LoadedId();
  CHECK_EQUAL(f.ReadId(), before);
  WriteText(f.folder / "config.json", f.tiny.config_text + " ");
  CHECK(f.LoadedId() != before);
}

TEST("weights have one id in one file and in several, in whatever order the header lists them") {
  const Fixture f;
  const std::string before = f.LoadedId(), text = ReadWhole(f.path);
  std::filesystem::remove(f.path);
  const SafetensorsHeader header = ParseSafetensorsHeader(f.tiny.SafetensorsHeader(), text.size());
  std::string headers[2], data[2], map;
  size_t count = 0;
  for (auto it = header.tensors.rbegin(); it != header.tensors.rend(); ++it, ++count) {
    const auto& [name, entry] = *it;
    std::string shape, &to = data[count % 2];
    for (const int64_t size : entry.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    headers[count % 2] += (headers[count % 2].empty() ? "{\"" : ",\"") + name + "\":{\"dtype\":\"F32\",\"shape\":[" +
                          shape + "],\"data_offsets\":[" + std::to_string(to.size()) + "," +
                          std::to_string(to.size() + entry.SizeBytes()) + "]}";
    to += text.substr(f.data_begin + entry.begin, entry.SizeBytes());
    map += (map.empty() ? "\"" : ",\"") + name + "\":\"" + (count % 2 == 0 ? "b" : "a") + ".safetensors\"";
  }
  for (const int i : {0, 1}) {
    const std::string whole = headers[i] + "}";
    WriteText(f.folder / (i == 0 ? "b.safetensors" : "a.safetensors"),
              EncodeHeaderLength(whole.size()) + whole + data[i]);
  }
  WriteText(f.folder / "model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
  CHECK_EQUAL(f.LoadedId(), before);
}

TEST("a tensor that no layer needs is hashed too") {
  const Fixture f;
  const std::string header = f.tiny.SafetensorsHeader(), text = ReadWhole(f.path).substr(f.data_begin);
  const std::string extra = header.substr(0, header.size() - 1) +
                            ",\"rotary_emb.inv_freq\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" +
                            std::to_string(text.size()) + "," + std::to_string(text.size() + 4) + "]}}";
  const auto id_with = [&](const std::string& bytes) {
    WriteText(f.path, EncodeHeaderLength(extra.size()) + extra + text + bytes);
    return f.LoadedId();
  };
  CHECK(id_with("abcd") != id_with("abce"));
}

TEST("a weight file that is written or replaced while it is read is refused") {
  {
    const Fixture f;
    CHECK_EQUAL(f.OutcomeOfChange([] {}), std::string("nothing was thrown"));
    CHECK_EQUAL(f.OutcomeOfChange([&] { f.FlipByte(std::filesystem::file_size(f.path) - 1); }),
                std::string("MODEL_CORRUPT"));
  }
  const Fixture f;
  const auto replace = [&] {
    std::filesystem::copy_file(f.path, f.path + ".new");
    std::filesystem::rename(f.path + ".new", f.path);
  };
  CHECK_EQUAL(f.OutcomeOfChange(replace), std::string("MODEL_CORRUPT"));
  CHECK_EQUAL(f.OutcomeOfChange([&] { std::filesystem::remove(f.path); }), std::string("MODEL_CORRUPT"));
}

TEST("digests of settled files are remembered, and forgotten with the first write") {
  const Fixture f;
  const std::string home = f.folder / "some/home";
  const auto remember = [&](int64_t later_ns) {
    const Checkpoint checkpoint(f.folder.path());
    WeightDigest digest(checkpoint);
    digest.AddRest([] {});
    RememberDigests(home, digest.files(), checkpoint.files().front()->Stamp().changed_ns + later_ns);
  };
  const auto remembered = [&] { return RememberedId(home, Checkpoint(f.folder.path())).value_or("unknown"); };
  CHECK_EQUAL(remembered(), std::string("unknown"));
  remember(1'999'999'999);
  CHECK_EQUAL(remembered(), std::string("unknown"));
  CHECK(!std::filesystem::exists(home));
  remember(2'000'000'000);
  CHECK_EQUAL(remembered(), f.LoadedId());
  struct stat status{};
  CHECK_EQUAL(::stat(DigestMemoryPath(home).c_str(), &status), 0);
  CHECK_EQUAL(status.st_mode & 0777, mode_t(0600));
  CHECK_EQUAL(::stat(home.c_str(), &status), 0);
  CHECK_EQUAL(status.st_mode & 0777, mode_t(0700));
  f.FlipByte(f.data_begin + 5000);
  CHECK_EQUAL(remembered(), std::string("unknown"));
  remember(2'000'000'000);
  CHECK_EQUAL(remembered(), f.LoadedId());
}

TEST("what is remembered of files may be damaged, old or too much") {
  CHECK_EQUAL(DigestMemory().Text(), DigestMemory("{\"format\":1").Text());
  const FileStamp stamp{1, 2, 3, 4, 5};
  DigestMemory memory;
  memory.Remember(stamp, {1, 2});
  const std::string text = memory.Text();
  CHECK(DigestMemory(text).Find(stamp) == (Digest128{1, 2}));
  CHECK(!DigestMemory(text).Find({1, 2, 3, 4, 6}));
  for (const auto& [from, to] : {std::pair("\"format\":1", "\"format\":2"), std::pair("0001", "000g")}) {
    std::string changed = text;
    changed.replace(changed.find(from), std::string(from).size(), to);
    CHECK(!DigestMemory(changed).Find(stamp));
  }
  for (int64_t i = 0; i < 300; ++i) memory.Remember({1, 2, 3, 4, 100 + i}, {7, uint64_t(i)});
  CHECK(!memory.Find(stamp));
  CHECK(memory.Find({1, 2, 3, 4, 399}) == (Digest128{7, 299}));
}
