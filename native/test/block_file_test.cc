#include "core/block_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include "check.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/safetensors.h"
#include "tiny_model.h"

using namespace resident;

namespace {

const PoolGeometry kGeometry{
    .blocks = 4, .block_tokens = 8, .num_layers = 2, .kv_heads = 2, .head_dim = 4, .dtype = DataType::kF32};
const Metadata kMetadata{{"model", "m \"quoted\" ü\n"}, {"parent", ""}};

std::vector<std::byte> RandomBytes(size_t count) {
  std::mt19937 random(3);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = std::byte(random());
  return bytes;
}

/** A written block file and what may be done to it. */
struct Fixture {
  Fixture() : data(RandomBytes(kGeometry.BlockBytes(5))), path(folder / "block.safetensors") {
    WriteBlockFile(path, kGeometry, 5, kMetadata, data);
    text = ReadWhole(path);
  }

  std::string Refusal(const Metadata& expected = kMetadata, int tokens = 5, const PoolGeometry& geometry = kGeometry) {
    std::vector<std::byte> read(geometry.BlockBytes(tokens));
    const auto refusal = ReadBlockFile(path, geometry, {tokens, expected}, {read});
    return refusal ? refusal->code : "";
  }
  std::string RefusalOf(const std::string& changed) {
    WriteText(path, changed);
    return Refusal();
  }

  TemporaryFolder folder;
  std::vector<std::byte> data;
  std::string path, text;
};

/** A written block file of several segments. */
struct LargeFixture {
  explicit LargeFixture(int block_tokens) : tokens(block_tokens) {
    geometry.head_dim = 512;
    geometry.block_tokens = tokens;
    data = RandomBytes(geometry.BlockBytes(tokens));
    WriteBlockFile(path, geometry, tokens, {}, data);
  }

  /** What is said of it; empty: nothing. */
  std::string Refusal(const BlockPieces& into, const ReadHooks& hooks) const {
    const auto refusal = ReadBlockFile(path, geometry, {tokens, {}}, into, hooks);
    return refusal ? refusal->code : "";
  }

  int tokens;
  PoolGeometry geometry = kGeometry;
  TemporaryFolder folder;
  std::string path = folder / "block";
  std::vector<std::byte> data;
};

}  // namespace

TEST("a block file gives back its bytes and needs its metadata") {
  Fixture f;
  std::vector<std::byte> read(f.data.size());
  CHECK(!ReadBlockFile(f.path, kGeometry, {5, kMetadata}, {read}));
  CHECK(read == f.data);
  CHECK(!ReadBlockFile(f.path, kGeometry, {5, {}}, {read}));
  const auto refusal = ReadBlockFile(f.path, kGeometry, {5, {{"model", "another"}}}, {read});
  CHECK_EQUAL(std::string(refusal->code), std::string("identity"));
  CHECK_EQUAL(refusal->key, std::string("model"));
  CHECK_EQUAL(f.Refusal({{"absent", ""}}), std::string("identity"));
}

TEST("a block file that holds what is wanted counts as used when it is said to be, another one does not") {
  Fixture f;
  std::vector<std::byte> read(f.data.size());
  const auto used_at_ms = [&] {
    struct stat status{};
    CHECK_EQUAL(::stat(f.path.c_str(), &status), 0);
#if defined(__APPLE__)
    const timespec time = status.st_mtimespec;
#else
    const timespec time = status.st_mtim;
#endif
    return double(time.tv_sec) * 1000 + double(time.tv_nsec) / 1e6;
  };
  const double written = used_at_ms();
  CHECK(!ReadBlockFile(f.path, kGeometry, {5, kMetadata}, {read}));
  CHECK(ReadBlockFile(f.path, kGeometry, {5, {{"absent", ""}}, 1e12}, {read}).has_value());
  CHECK_EQUAL(used_at_ms(), written);
  CHECK(!ReadBlockFile(f.path, kGeometry, {5, kMetadata, 1.7e12 + 250}, {read}));
  CHECK_NEAR(used_at_ms(), 1.7e12 + 250, 1);
}

TEST("a block file is read into scattered pieces of memory, large ones and many small ones") {
  const LargeFixture f(64);
  for (const size_t piece : {size_t(7 * 1024), size_t(24), size_t(300 * 1024), f.data.size()}) {
    std::vector<std::vector<std::byte>> memory;
    BlockPieces pieces;
    for (size_t at = 0; at < f.data.size(); at += piece) memory.emplace_back(std::min(piece, f.data.size() - at));
    for (std::vector<std::byte>& part : memory) pieces.emplace_back(part);
    int parts = 0;
    CHECK_EQUAL(f.Refusal(pieces, {.after_segment = [&] { ++parts; }, .ask_for_help = {}}), std::string(""));
    CHECK(parts >= int(f.data.size() / (256 * 1024)));
    std::vector<std::byte> together;
    for (const std::vector<std::byte>& part : memory) together.insert(together.end(), part.begin(), part.end());
    CHECK(together == f.data);
  }
}

TEST("threads that help with a block file read it together, and may come at any time") {
  const LargeFixture f(192);
  const std::string text = ReadWhole(f.path);
  std::vector<std::function<void()>> late;
  for (int run = 0; run < 40; ++run) {
    std::string changed = text;
    if (run % 4 == 1) changed.back() = char(changed.back() ^ 1);  // of the last segment
    if (run % 4 == 2) changed[size_t(8192 + run * 100)] ^= 1;     // of the first
    WriteText(f.path, changed);
    std::vector<std::thread> helpers;
    {
      std::vector<std::byte> read(f.data.size());
      const ReadHooks hooks{.after_segment = {}, .ask_for_help = [&](std::function<void()> help) {
                              for (int i = 0; i < 3; ++i) helpers.emplace_back(help);
                              late.push_back(help);
                            }};
      const std::string expected = run % 4 == 1 || run % 4 == 2 ? "checksum" : "";
      CHECK_EQUAL(f.Refusal({read}, hooks), expected);
      if (expected.empty()) CHECK(read == f.data);
    }  // what was read into is gone, helpers may still begin
    for (const auto& help : late) help();
    for (std::thread& helper : helpers) helper.join();
  }
  CHECK_EQUAL(late.size(), size_t(40));
}

TEST("a failure of a thread that helps is the reader's") {
  const LargeFixture f(64);
  std::vector<std::byte> read(f.data.size());
  const ReadHooks hooks{.after_segment = [] { throw IoError("reading", "x", EIO); },
                        .ask_for_help = [](auto help) { std::thread(help).join(); }};
  CHECK_EQUAL(f.Refusal({read}, hooks), std::string("unreadable"));
}

TEST("a block file is owner-only and leaves no temporary file") {
  Fixture f;
  struct stat status{};
  CHECK_EQUAL(::stat(f.path.c_str(), &status), 0);
  CHECK_EQUAL(status.st_mode & 0777, mode_t(0600));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(f.folder.path())) files += entry.exists();
  CHECK_EQUAL(files, 1);
}

TEST("every flipped bit of a block file is found") {
  Fixture f;
  for (size_t at = 0; at < f.text.size(); ++at) {
    std::string changed = f.text;
    changed[at] = char(changed[at] ^ (1 << (at % 8)));
    CHECK(!f.RefusalOf(changed).empty());
  }
  CHECK_EQUAL(f.RefusalOf(f.text), std::string(""));
}

TEST("a damaged byte of data is a checksum refusal") {
  Fixture f;
  std::string changed = f.text;
  changed.back() = char(changed.back() ^ 1);
  CHECK_EQUAL(f.RefusalOf(changed), std::string("checksum"));
}

TEST("a block file cut anywhere is truncated, and one that grew is refused") {
  Fixture f;
  for (size_t length = 0; length < f.text.size(); length += 7) {
    CHECK_EQUAL(f.RefusalOf(f.text.substr(0, length)), std::string("truncated"));
  }
  CHECK_EQUAL(f.RefusalOf(f.text + "x"), std::string("geometry"));
}

TEST("a file of another version is told so, though its checksum is counted otherwise") {
  Fixture f;
  std::string changed = f.text;
  changed.replace(changed.find("resident-kv-block-"), 19, "resident-kv-block-1");
  CHECK_EQUAL(f.RefusalOf(changed), std::string("format"));
}

TEST("another geometry, another version, no file and a folder are told apart") {
  Fixture f;
  PoolGeometry deeper = kGeometry;
  deeper.num_layers = 3;
  CHECK_EQUAL(f.Refusal(kMetadata, 5, deeper), std::string("geometry"));
  CHECK_EQUAL(f.Refusal(kMetadata, 6), std::string("geometry"));
  CHECK_EQUAL(f.Refusal(kMetadata, 4), std::string("geometry"));
  PoolGeometry half = kGeometry;
  half.dtype = DataType::kF16;
  half.head_dim = 8;  // as many bytes
  CHECK_EQUAL(f.Refusal(kMetadata, 5, half), std::string("geometry"));
  WriteText(f.path, std::string("\x10\0\0\0\0\0\0\0{\"k.0\": 1       }", 24));
  CHECK_EQUAL(f.Refusal(), std::string("format"));
  f.path = f.folder / "none";
  CHECK_EQUAL(f.Refusal(), std::string("missing"));
  f.path = f.folder.path();
  CHECK_EQUAL(f.Refusal(), std::string("format"));
}

TEST("a failure of the system while a file is opened or read says nothing of the file") {
  Fixture f;
  // Room for no further file.
  struct rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(0);
  ::close(next);
  struct rlimit none = before;
  none.rlim_cur = rlim_t(next);
  ::setrlimit(RLIMIT_NOFILE, &none);
  const std::string too_many = f.Refusal();
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK_EQUAL(too_many, std::string("unreadable"));
  const std::string good = f.path;
#if defined(__linux__)
  f.path = "/proc/self/mem";  // a regular file whose first bytes cannot be read: EIO
  CHECK_EQUAL(f.Refusal(), std::string("unreadable"));
#endif
  f.path = f.folder / "loop";
  std::filesystem::create_symlink(f.path, f.path);
  CHECK_EQUAL(f.Refusal(), std::string("unreadable"));
  f.path = good;
  CHECK_EQUAL(f.Refusal(), std::string(""));
}

TEST("memory that runs out while a file is read says nothing of the file") {
  const LargeFixture f(64);
  std::vector<std::byte> read(f.data.size());
  const ReadHooks hooks{.after_segment = [] { throw std::bad_alloc(); }, .ask_for_help = {}};
  CHECK_EQUAL(f.Refusal({read}, hooks), std::string("unreadable"));
}

TEST("what is no regular file is no block file, and nobody waits for it") {
  Fixture f;
  f.path = f.folder / "fifo";
  CHECK_EQUAL(::mkfifo(f.path.c_str(), 0600), 0);
  CHECK_EQUAL(f.Refusal(), std::string("format"));
  std::filesystem::create_symlink(f.path, f.folder / "link");
  f.path = f.folder / "link";
  CHECK_EQUAL(f.Refusal(), std::string("format"));
  f.path = "/dev/zero";
  CHECK_EQUAL(f.Refusal(), std::string("format"));
}

TEST("a header that is far longer than a block's is not read") {
  Fixture f;
  const uint64_t bytes = uint64_t(64) << 20;
  WriteText(f.path, EncodeHeaderLength(bytes));
  std::filesystem::resize_file(f.path, 8 + bytes);
  std::vector<std::byte> read(f.data.size());
  const auto refusal = ReadBlockFile(f.path, kGeometry, {5, kMetadata}, {read});
  CHECK_EQUAL(std::string(refusal->code), std::string("format"));
  CHECK_EQUAL(refusal->reason, "its header has " + std::to_string(bytes) + " bytes");
}

TEST("writing where there is no folder fails and names the path") {
  Fixture f;
  CHECK_THROWS("IO_FAILURE", WriteBlockFile(f.folder / "no/such", kGeometry, 5, kMetadata, f.data));
}

TEST("a full disk and a full quota are one error of their own") {
  CHECK_EQUAL(std::string(ErrorCodeName(IoError("writing", "x", ENOSPC).code())), std::string("DISK_FULL"));
  CHECK_EQUAL(std::string(ErrorCodeName(IoError("writing", "x", EDQUOT).code())), std::string("DISK_FULL"));
}

TEST("a write that fails half-way leaves neither a file nor a temporary one") {
  Fixture f;
  std::filesystem::remove(f.path);
  struct rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit small = before;
  small.rlim_cur = 700;  // in the middle of the file
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string code = check::CodeOf([&] { WriteBlockFile(f.path, kGeometry, 5, kMetadata, f.data); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_EQUAL(code, std::string("IO_FAILURE"));
  CHECK(std::filesystem::is_empty(f.folder.path()));
}

TEST("a block in 8 bits is bytes with the scales among them, and no tensor of it may be elsewhere") {
  PoolGeometry geometry = kGeometry;
  geometry.dtype = DataType::kQ8;
  geometry.head_dim = 40;
  CHECK_EQUAL(geometry.BlockBytes(5), uint64_t(5 * 2 * (40 + 2 * 2) * 2 * 2));
  const TemporaryFolder folder;
  const std::string path = folder / "block";
  const std::vector<std::byte> data = RandomBytes(geometry.BlockBytes(5));
  WriteBlockFile(path, geometry, 5, kMetadata, data);
  std::vector<std::byte> read(data.size());
  CHECK(!ReadBlockFile(path, geometry, {5, kMetadata}, {read}));
  CHECK(read == data);
  std::string text = ReadWhole(path);
  CHECK(text.find(R"("dtype":"U8","shape":[5,2,44])") != std::string::npos);
  PoolGeometry other = geometry;
  other.dtype = DataType::kF16;
  other.head_dim = 22;  // as many bytes
  CHECK_EQUAL(std::string(ReadBlockFile(path, other, {5, kMetadata}, {read})->code), std::string("geometry"));
  // A header with a wrong size, and with a checksum that fits it.
  const size_t lie = text.rfind("1760]");
  CHECK(lie != std::string::npos);
  text.replace(lie, 4, "1759");
  const size_t digits = text.find("checksum\":\"") + 11, begin = text.size() - data.size();
  text.replace(digits, kHashHexDigits, kHashHexDigits, '0');
  Hash128 hash;
  CHECK(begin > digits);
  hash.Update(AsBytes(text.substr(0, begin)));
  HashSegments(AsBytes(text).subspan(begin), hash);
  text.replace(digits, kHashHexDigits, hash.Hex());
  WriteText(path, text);
  const auto refusal = ReadBlockFile(path, geometry, {5, kMetadata}, {read});
  CHECK_EQUAL(refusal->reason, std::string("tensor v.1 has a shape that does not fit its bytes"));
}

TEST("a block file is checked without its geometry, and gives its metadata when it is whole") {
  const Fixture f;
  int parts = 0;
  const CheckedBlock whole = CheckBlockFile(f.path, [&] { ++parts; });
  CHECK(!whole.refusal);
  CHECK(whole.metadata == kMetadata);
  CHECK_EQUAL(whole.file_bytes, uint64_t(f.text.size()));
  CHECK_EQUAL(parts, 1);
  const auto code_of = [&](const std::string& changed) {
    WriteText(f.path, changed);
    const CheckedBlock checked = CheckBlockFile(f.path);
    CHECK(checked.metadata.empty() || !checked.refusal);
    return std::string(checked.refusal ? checked.refusal->code : "");
  };
  for (size_t at = 0; at < f.text.size(); at += 7) {
    std::string changed = f.text;
    changed[at] = char(changed[at] ^ 4);
    CHECK(!code_of(changed).empty());
    CHECK(!code_of(f.text.substr(0, at)).empty());
  }
  CHECK_EQUAL(code_of(f.text + "x"), std::string("checksum"));
  CHECK_EQUAL(code_of(f.text), std::string(""));
  CHECK_EQUAL(std::string(CheckBlockFile(f.path + ".none").refusal->code), std::string("missing"));
}

TEST("a block file of several segments is checked segment by segment") {
  const LargeFixture f(70);
  int parts = 0;
  CHECK(!CheckBlockFile(f.path, [&] { ++parts; }).refusal);
  CHECK(parts >= int(f.data.size() / (256 * 1024)));
}
