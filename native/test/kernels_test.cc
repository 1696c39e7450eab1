// Every kernel of every level that this processor has: the scalar level's bits, and numbers near those of plain
// formulas.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>

#include "check.h"
#include "kernel_digest.h"
#include "kernels/kernel_table.h"
#include "kernels/packed_matrix.h"
#include "kernels/scalar_math.h"
#include "kernels/short_floats.h"

using namespace resident::kernels;

namespace {

/** Levels other than the scalar one. One that cannot run here is named, and counts for nothing. */
std::vector<Level> Levels() {
  std::vector<Level> levels;
  for (const Level level : kAllLevels) {
    if (level != Level::kScalar && CanRun(level)) levels.push_back(level);
  }
  return levels;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  float Normal() { return normal_(engine_); }
  int Below(int end) { return int(engine_() % unsigned(end)); }
  uint32_t Word() { return uint32_t(engine_()); }
  std::vector<float> Normals(size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = Normal();
    return values;
  }

 private:
  std::mt19937 engine_;
  std::normal_distribution<float> normal_{0, 1};
};

void CheckBits(const std::vector<float>& ours, const std::vector<float>& scalar) {
  CHECK_EQUAL(ours.size(), scalar.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    if (std::isnan(ours[i]) && std::isnan(scalar[i])) continue;
    if (std::memcmp(&ours[i], &scalar[i], sizeof(float)) != 0) {
      check::Fail(__FILE__, __LINE__,
                  "element " + std::to_string(i) + ": " + check::Show(ours[i]) + " is not " + check::Show(scalar[i]));
    }
  }
}

/** Calls make(table) for the scalar level and all others, whose results must have the same bits. Returns them. */
template <typename Make>
std::vector<float> OnAllLevels(Make make) {
  const std::vector<float> scalar = make(TableOf(Level::kScalar));
  for (const Level level : Levels()) {
    try {
      CheckBits(make(TableOf(level)), scalar);
    } catch (const check::Failure& failure) {
      throw check::Failure(std::string(LevelName(level)) + ": " + failure.what());
    }
  }
  return scalar;
}

struct Digits {
  std::vector<int8_t> digits, pairs;
  std::vector<float> scales, sums;
  int groups;
  DigitRows view() const {
    return {digits.data(), pairs.data(), scales.data(), sums.data(), (scales.size() - kReadableRows) / size_t(groups),
            groups};
  }
};

Digits Quantise(const KernelTable& table, const std::vector<float>& x, int rows) {
  const int groups = int(x.size()) / rows / kDigitGroup;
  const size_t count = size_t(rows) * size_t(groups);
  const size_t readable = size_t((rows + kReadableRows - 1) / kReadableRows * kReadableRows);
  Digits d{std::vector<int8_t>(readable * size_t(groups) * kDigitBytes),
           std::vector<int8_t>(readable / kPairRows * PairTileBytes(groups)), std::vector<float>(count + kReadableRows),
           std::vector<float>(count + kReadableRows), groups};
  for (size_t r = 0; r < size_t(rows); ++r) {
    const size_t at = r * size_t(groups);
    table.quantise(x.data() + at * kDigitGroup, groups, d.digits.data() + at * kDigitBytes,
                   d.pairs.data() + PairOffset(int(r), groups), d.scales.data() + r, d.sums.data() + r, size_t(rows));
  }
  return d;
}

/** A quantised matrix in MLX's layout with what it stands for. */
struct Quantised {
  int outputs, inputs, bits, group_size;
  FloatType type;
  std::vector<uint32_t> words;
  std::vector<std::byte> scales, zeros;

  Quantised(int o, int i, int b, int g, FloatType t, Random& random)
      : outputs(o), inputs(i), bits(b), group_size(g), type(t), words(size_t(o) * size_t(i) * size_t(b) / 32) {
    for (uint32_t& word : words) word = random.Word();
    const size_t count = size_t(outputs) * size_t(inputs / group_size);
    scales.resize(count * SizeOf(type));
    zeros.resize(count * SizeOf(type));
    for (size_t at = 0; at < count; ++at) {
      Put(scales, at, (0.5f + std::abs(random.Normal())) / float(1 << bits));
      Put(zeros, at, -0.7f * random.Normal());
    }
  }
  void Put(std::vector<std::byte>& into, size_t at, float value) const {
    const uint16_t half = type == FloatType::kF16 ? ToHalf(value) : ToBrain(value);
    if (type == FloatType::kF32)
      std::memcpy(into.data() + at * 4, &value, 4);
    else
      std::memcpy(into.data() + at * 2, &half, 2);
  }
  double At(int o, int k) const {
    const size_t bit = (size_t(o) * size_t(inputs) + size_t(k)) * size_t(bits);
    uint64_t word = words[bit / 32];
    if (bit % 32 + size_t(bits) > 32) word |= uint64_t(words[bit / 32 + 1]) << 32;
    const uint32_t q = uint32_t(word >> (bit % 32)) & ((1u << bits) - 1);
    const size_t group = size_t(o) * size_t(inputs / group_size) + size_t(k / group_size);
    return double(FloatAt(type, scales.data(), group)) * q + double(FloatAt(type, zeros.data(), group));
  }
  SourceMatrix source() const {
    return {.outputs = outputs,
            .inputs = inputs,
            .coding = Coding::kAffine,
            .bits = bits,
            .group_size = group_size,
            .type = type,
            .weights = words.data(),
            .scales = scales.data(),
            .zeros = zeros.data(),
            .bias = nullptr};
  }
};

std::vector<float> Multiply(const KernelTable& table, const PackedMatrix& matrix, const Digits& x, int rows) {
  std::vector<float> y(size_t(rows) * size_t(matrix.padded_outputs()));
  std::vector<float> panels(size_t(matrix.panels()) * PanelStride(rows));
  table.quantised_panels(matrix.format(), reinterpret_cast<const uint8_t*>(matrix.Panel(0)), matrix.panel_bytes(),
                         matrix.panels(), x.view(), rows, panels.data());
  table.end_panels();
  for (int p = 0; p < matrix.panels(); ++p) {
    for (int r = 0; r < rows; ++r) {
      std::copy_n(panels.data() + size_t(p) * PanelStride(rows) + size_t(r * kPanelRows), kPanelRows,
                  y.data() + size_t(r) * size_t(matrix.padded_outputs()) + size_t(p) * kPanelRows);
    }
  }
  return y;
}

}  // namespace

TEST("kernel levels that this processor lacks are named as not run") {
  for (const Level level : kAllLevels) {
    if (!CanRun(level))
      std::printf("not run: level %s (this processor lacks it)\n", std::string(LevelName(level)).c_str());
  }
  CHECK(CanRun(Level::kScalar));
}

TEST("every level has the bits that are recorded for all levels of all processors") {
  for (const Level level : kAllLevels) {
    if (!CanRun(level)) continue;
    for (const KernelDigest& digest : kKernelDigests) {
      if (digest.of(TableOf(level)) == digest.recorded) continue;
      check::Fail(__FILE__, __LINE__, std::string(LevelName(level)) + ": other " + digest.kernels);
    }
  }
}

TEST("inputs become integers of 23 bits with a power of two for a group, the same on all levels") {
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> x = random.Normals(96);
    for (float& value : x) value = std::ldexp(value, random.Below(round + 1) - round / 2);
    OnAllLevels([&](const KernelTable& table) {
      const Digits d = Quantise(table, x, 1);
      std::vector<float> all(d.digits.begin(), d.digits.end());
      all.insert(all.end(), d.scales.begin(), d.scales.end());
      all.insert(all.end(), d.sums.begin(), d.sums.end());
      return all;
    });
    const Digits d = Quantise(TableOf(Level::kScalar), x, 1);
    for (size_t g = 0; g < 3; ++g) {
      float largest = 0;
      for (size_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(x[g * 32 + i]));
      double sum = 0;
      for (size_t i = 0; i < 32; ++i) {
        const int8_t* digit = d.digits.data() + g * kDigitBytes + i;
        const double whole = digit[0] * 65536.0 + digit[32] * 256.0 + digit[64];
        CHECK(std::abs(whole) <= double(1 << 22));
        CHECK_NEAR(whole * double(d.scales[g]), x[g * 32 + i], double(largest) * 0x1p-22);
        sum += whole * double(d.scales[g]);
      }
      CHECK_NEAR(d.sums[g], sum, double(largest) * 32 * 0x1p-23);
    }
  }
}

TEST("zeros, tiny, huge and non-finite groups keep to themselves") {
  std::vector<float> x(160, 1.f);
  std::fill_n(x.begin(), 32, 0.f);
  std::fill_n(x.begin() + 32, 32, 1e-44f);
  std::fill_n(x.begin() + 64, 32, std::numeric_limits<float>::max());
  x[100] = std::numeric_limits<float>::infinity();
  x[130] = std::nanf("");
  OnAllLevels([&](const KernelTable& table) {
    const Digits d = Quantise(table, x, 1);
    std::vector<float> all(d.scales);
    all.insert(all.end(), d.sums.begin(), d.sums.end());
    return all;
  });
  const Digits d = Quantise(TableOf(Level::kScalar), x, 1);
  CHECK_EQUAL(d.sums[0], 0.f);
  CHECK_EQUAL(d.sums[1], 0.f);
  CHECK(std::isnan(d.scales[3]) && std::isnan(d.sums[3]) && std::isnan(d.scales[4]));
  CHECK_EQUAL(d.digits[2 * kDigitBytes], int8_t(64));  // 2^22 = 64 * 65536
}

TEST("quantised products: every shape, precision and row count has the scalar level's bits and the formula's value") {
  Random random(2);
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group_size : {32, 64, 128}) {
      for (const FloatType type : {FloatType::kF32, FloatType::kF16, FloatType::kBF16}) {
        const int outputs = 1 + random.Below(50), inputs = 128 * (1 + random.Below(4)), rows = 1 + random.Below(21);
        const Quantised source(outputs, inputs, bits, group_size, type, random);
        const PackedMatrix matrix(source.source());
        const std::vector<float> x = random.Normals(size_t(rows) * size_t(inputs));
        const std::vector<float> y = OnAllLevels(
            [&](const KernelTable& table) { return Multiply(table, matrix, Quantise(table, x, rows), rows); });
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < matrix.padded_outputs(); ++o) {
            double expected = 0, size = 0;
            for (int k = 0; o < outputs && k < inputs; ++k) {
              const double term = source.At(o, k) * double(x[size_t(r) * size_t(inputs) + size_t(k)]);
              expected += term;
              size += std::abs(term);
            }
            CHECK_NEAR(y[size_t(r) * size_t(matrix.padded_outputs()) + size_t(o)], expected, 1e-6 * size);
          }
        }
      }
    }
  }
}

TEST("a row's product has the same bits alone and among others") {
  Random random(3);
  const Quantised source(40, 256, 4, 32, FloatType::kF16, random);
  const PackedMatrix matrix(source.source());
  const int rows = 23;
  const std::vector<float> x = random.Normals(size_t(rows) * 256);
  for (const Level level : kAllLevels) {
    if (!CanRun(level)) continue;
    const KernelTable& table = TableOf(level);
    const std::vector<float> together = Multiply(table, matrix, Quantise(table, x, rows), rows);
    for (size_t r = 0; r < size_t(rows); ++r) {
      const std::vector<float> row(x.begin() + std::ptrdiff_t(r * 256), x.begin() + std::ptrdiff_t((r + 1) * 256));
      const auto from = together.begin() + std::ptrdiff_t(r * 48);
      CheckBits(Multiply(table, matrix, Quantise(table, row, 1), 1), std::vector<float>(from, from + 48));
    }
  }
}

TEST("a packed matrix gives its rows back") {
  Random random(4);
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    const Quantised source(37, 192, bits, 64, FloatType::kBF16, random);
    const PackedMatrix matrix(source.source());
    std::vector<float> row(192);
    for (int o = 0; o < 37; ++o) {
      matrix.Row(o, row.data());
      for (int k = 0; k < 192; ++k) CHECK_NEAR(row[size_t(k)], source.At(o, k), 1e-6 * (1 + std::abs(source.At(o, k))));
    }
  }
}

TEST("scales that f16 holds are kept so, others as they are") {
  Random random(5);
  CHECK(PackedMatrix(Quantised(16, 64, 4, 32, FloatType::kF16, random).source()).format().scale_type ==
        FloatType::kF16);
  CHECK(PackedMatrix(Quantised(16, 64, 4, 32, FloatType::kF32, random).source()).format().scale_type ==
        FloatType::kF32);
  std::vector<float> halves;
  for (int bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00) != 0x7c00) halves.push_back(HalfToFloat(uint16_t(bits)));
  }
  const auto narrowest = [&](float more) {
    const std::vector<float> one(halves.size(), more);
    return NarrowestType(FloatType::kF32, {halves.data(), one.data()}, halves.size());
  };
  CHECK(narrowest(1) == FloatType::kF16);
  for (const float more : {0x1p16f, -0x1p16f, 0x1p-25f, 0x1.8p-24f, 1 + 0x1p-11f})
    CHECK(narrowest(more) == FloatType::kF32);
  for (const float more : {0x1p16f, 0x1p-25f, 0x1.8p-24f, 0x1p-130f}) {
    CHECK(NarrowestType(FloatType::kF32, {&more}, 1) == FloatType::kBF16);
  }
}

TEST("codes of short floats are the numbers of the OCP formats") {
  const float e2m1[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  for (uint8_t code = 0; code < 8; ++code) {
    CHECK_EQUAL(FloatOfE2M1(code), e2m1[code]);
    CHECK_EQUAL(FloatOfE2M1(code + 8), -e2m1[code]);
  }
  CHECK_EQUAL(FloatOfE4M3(0x01), 0x1p-9f);
  CHECK_EQUAL(FloatOfE4M3(0x38), 1.f);
  CHECK_EQUAL(FloatOfE4M3(0x7e), 448.f);
  CHECK_EQUAL(FloatOfE4M3(0xc4), -3.f);
  CHECK_EQUAL(FloatOfE8M0(127), 1.f);
  CHECK_EQUAL(FloatOfE8M0(0), 0x1p-127f);
}

TEST("products of short floats: every code, scale and row count has the scalar level's bits and the formula's value") {
  Random random(12);
  for (const Coding coding : {Coding::kMxfp4, Coding::kMxfp8, Coding::kNvfp4}) {
    for (int round = 0; round < 4; ++round) {
      const bool bytes = coding == Coding::kMxfp8, nvidia = coding == Coding::kNvfp4;
      const int scale_inputs = nvidia ? 16 : 32;
      const int outputs = 1 + random.Below(40), rows = 1 + random.Below(21);
      const int inputs = scale_inputs * (1 + random.Below(16));
      const float global_scale = nvidia && round % 2 == 1 ? 0.37f : 1.f;
      std::vector<uint8_t> weights(size_t(outputs) * size_t(inputs) * (bytes ? 2 : 1) / 2);
      std::vector<uint8_t> scales(size_t(outputs) * size_t(inputs / scale_inputs));
      for (uint8_t& code : weights) code = uint8_t(random.Below(256));
      for (uint8_t& code : scales) code = uint8_t(nvidia ? random.Below(127) : 117 + random.Below(20));
      const PackedMatrix matrix({.outputs = outputs,
                                 .inputs = inputs,
                                 .coding = coding,
                                 .weights = weights.data(),
                                 .scales = scales.data(),
                                 .global_scale = global_scale});
      const auto weight = [&](int o, int k) {
        const size_t at = size_t(o) * size_t(inputs) + size_t(k);
        const float value =
            bytes ? FloatOfE4M3(weights[at]) : FloatOfE2M1(uint8_t(weights[at / 2] >> (at % 2 * 4) & 15));
        const uint8_t scale = scales[at / size_t(scale_inputs)];
        return double(value) * double(nvidia ? FloatOfE4M3(scale) * global_scale : FloatOfE8M0(scale));
      };
      const std::vector<float> x = random.Normals(size_t(rows) * size_t(inputs));
      const size_t y_stride = size_t(matrix.padded_outputs());
      const auto multiply = [&](const KernelTable& table, int first, int count) {
        std::vector<float> y(size_t(count) * y_stride);
        for (int p = 0; p < matrix.panels(); ++p) {
          table.coded_panel(matrix.coded_format(), reinterpret_cast<const uint8_t*>(matrix.Panel(p)), inputs,
                            x.data() + size_t(first) * size_t(inputs), size_t(inputs), count,
                            y.data() + size_t(p) * kPanelRows, y_stride);
        }
        return y;
      };
      const std::vector<float> y = OnAllLevels([&](const KernelTable& table) { return multiply(table, 0, rows); });
      const auto last = y.end() - std::ptrdiff_t(y_stride);
      CheckBits(multiply(TableOf(Levels().empty() ? Level::kScalar : Levels().back()), rows - 1, 1), {last, y.end()});
      std::vector<float> row(size_t(matrix.padded_inputs()));
      for (int o = 0; o < outputs; ++o) {
        matrix.Row(o, row.data());
        double expected = 0, size = 0;
        for (int k = 0; k < inputs; ++k) {
          CHECK_NEAR(row[size_t(k)], weight(o, k), 1e-6 * std::abs(weight(o, k)));
          expected += weight(o, k) * double(x[size_t(k)]);
          size += std::abs(weight(o, k) * double(x[size_t(k)]));
        }
        CHECK_NEAR(y[size_t(o)], expected, 1e-6 * size);
      }
    }
  }
}

TEST("products of float matrices: all types, odd sizes, any number of rows") {
  Random random(6);
  for (const FloatType type : {FloatType::kF32, FloatType::kF16, FloatType::kBF16}) {
    for (int round = 0; round < 6; ++round) {
      const int outputs = 1 + random.Below(40), inputs = 1 + random.Below(200), rows = 1 + random.Below(30);
      std::vector<float> values = random.Normals(size_t(outputs) * size_t(inputs));
      std::vector<uint16_t> halves;
      for (float& value : values) {
        halves.push_back(type == FloatType::kF16 ? ToHalf(value) : ToBrain(value));
        if (type != FloatType::kF32) value = FloatAt(type, halves.data(), halves.size() - 1);
      }
      const void* weights = type == FloatType::kF32 ? static_cast<const void*>(values.data()) : halves.data();
      const PackedMatrix matrix({.outputs = outputs, .inputs = inputs, .type = type, .weights = weights});
      const size_t stride = size_t(matrix.padded_inputs()), y_stride = size_t(matrix.padded_outputs());
      std::vector<float> x(size_t(rows) * stride, 0.f);
      for (int r = 0; r < rows; ++r) {
        for (int k = 0; k < inputs; ++k) x[size_t(r) * stride + size_t(k)] = random.Normal();
      }
      const auto multiply = [&](const KernelTable& table, int first, int count) {
        std::vector<float> y(size_t(count) * y_stride);
        for (int p = 0; p < matrix.panels(); ++p) {
          table.float_panel(type, matrix.Panel(p), int(stride), x.data() + size_t(first) * stride, stride, count,
                            y.data() + size_t(p) * kPanelRows, y_stride);
        }
        return y;
      };
      const std::vector<float> y = OnAllLevels([&](const KernelTable& table) { return multiply(table, 0, rows); });
      const auto last = y.end() - std::ptrdiff_t(y_stride);
      CheckBits(multiply(TableOf(Levels().empty() ? Level::kScalar : Levels().back()), rows - 1, 1), {last, y.end()});
      for (int o = 0; o < outputs; ++o) {
        double expected = 0, size = 0;
        for (int k = 0; k < inputs; ++k) {
          const double term = double(values[size_t(o) * size_t(inputs) + size_t(k)]) * double(x[size_t(k)]);
          expected += term;
          size += std::abs(term);
        }
        CHECK_NEAR(y[size_t(o)], expected, 1e-6 * size);
      }
    }
  }
}

TEST("norms, rotations, activations and exponentials at odd sizes") {
  Random random(7);
  for (const int n : {1, 7, 16, 33, 96, 577}) {
    const size_t padded = size_t(PaddedDim(n));
    std::vector<float> x(padded, 0.f), w(padded, 0.f);
    for (int i = 0; i < n; ++i) x[size_t(i)] = 3 * random.Normal(), w[size_t(i)] = random.Normal();
    const auto make = [&](auto body) {
      return OnAllLevels([&](const KernelTable& table) {
        std::vector<float> y(padded);
        body(table, y);
        return y;
      });
    };
    const auto normed =
        make([&](const KernelTable& t, auto& y) { t.rms_norm(x.data(), w.data(), n, 1e-5f, y.data()); });
    double squares = 0;
    for (int i = 0; i < n; ++i) squares += double(x[size_t(i)]) * double(x[size_t(i)]);
    CHECK_NEAR(normed[0], double(x[0]) / std::sqrt(squares / n + 1e-5) * double(w[0]), 1e-5);
    const auto gated =
        make([&](const KernelTable& t, auto& y) { t.silu_multiply(x.data(), w.data(), int(padded), y.data()); });
    CHECK_NEAR(gated[0], double(x[0]) / (1 + std::exp(-double(x[0]))) * double(w[0]), 1e-5);
    const auto gelu =
        make([&](const KernelTable& t, auto& y) { t.gelu_multiply(x.data(), w.data(), int(padded), y.data()); });
    const double inner = std::sqrt(2 / std::numbers::pi) * (double(x[0]) + 0.044715 * std::pow(double(x[0]), 3));
    CHECK_NEAR(gelu[0], 0.5 * double(x[0]) * (1 + std::tanh(inner)) * double(w[0]), 1e-5);
    const auto weights = make([&](const KernelTable& t, auto& y) { t.exp_weights(x.data(), n, 9.f, 0.5f, y.data()); });
    CHECK_NEAR(weights[0], std::exp((double(x[0]) - 9) * 0.5), 1e-6);
    const auto rotated = OnAllLevels([&](const KernelTable& t) {
      std::vector<float> head(x.begin(), x.begin() + n);
      t.rotate_halves(head.data(), n / 2, w.data(), x.data());
      return head;
    });
    if (n >= 2) CHECK_NEAR(rotated[0], double(x[0]) * double(w[0]) - double(x[size_t(n / 2)]) * double(x[0]), 1e-4);
  }
}

TEST("exp is right to two units in the last place, and 0 far below") {
  std::vector<float> x, y;
  for (float v = -87.3f; v < 88.7f; v += 0.0137f) x.push_back(v);
  y.resize(x.size());
  TableOf(Level::kScalar).exp_weights(x.data(), int(x.size()), 0, 1, y.data());
  for (size_t i = 0; i < x.size(); ++i) CHECK_NEAR(y[i] / std::exp(double(x[i])), 1, 2.4e-7);
  const float edges[] = {-88.f, -std::numeric_limits<float>::infinity(), 0.f};
  TableOf(Level::kScalar).exp_weights(edges, 3, 0, 1, y.data());
  CHECK_EQUAL(y[0], 0.f);
  CHECK_EQUAL(y[1], 0.f);
  CHECK_EQUAL(y[2], 1.f);
}

TEST("elementary functions in double agree with libm") {
  for (double x = -30; x < 30; x += 0.37) CHECK_NEAR(ExpDouble(x) / std::exp(x), 1, 1e-15);
  for (double x = 1e-6; x < 1e9; x *= 1.7) CHECK_NEAR(LogDouble(x), std::log(x), 1e-15 * (1 + std::abs(std::log(x))));
  for (double x = 0; x < 2e5; x += 13.37) {
    double sine = 0, cosine = 0;
    SinCosDouble(x, sine, cosine);
    CHECK_NEAR(sine, std::sin(x), 1e-14);
    CHECK_NEAR(cosine, std::cos(x), 1e-14);
  }
}

TEST("halves round to nearest even, and every half comes back") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = uint16_t(bits);
    const float value = FloatAt(FloatType::kF16, &half, 0);
    if (!std::isnan(value)) CHECK_EQUAL(ToHalf(value), half);
  }
  CHECK_EQUAL(ToHalf(65520.f), uint16_t(0x7c00));
  CHECK_EQUAL(ToHalf(1.f + 0x1p-11f), uint16_t(0x3c00));
  CHECK_EQUAL(ToHalf(1.f + 3 * 0x1p-11f), uint16_t(0x3c02));
  CHECK_EQUAL(ToHalf(0x1p-25f), uint16_t(0));
  CHECK_EQUAL(ToBrain(1.f + 0x1p-8f), uint16_t(0x3f80));
}

namespace {

/** Heads in 8 bits by a plain reading of the rule (quantised_head.h), scales by trying halves from below. */
struct PlainHead {
  std::vector<int8_t> values;
  std::vector<uint16_t> scales;
  std::vector<float> meant;

  explicit PlainHead(const std::vector<float>& x) {
    for (size_t begin = 0; begin < x.size(); begin += 32) {
      const size_t end = std::min(x.size(), begin + 32);
      double largest = 0;
      bool finite = true;
      for (size_t i = begin; i < end; ++i) {
        finite = finite && std::isfinite(x[i]);
        largest = std::max(largest, std::abs(double(x[i])));
      }
      uint16_t scale = 0;
      while (finite && scale < 0x7c00 && Half(scale) < float(largest) / 127.f) ++scale;
      if (!finite) scale = 0x7e00;
      scales.push_back(scale);
      for (size_t i = begin; i < end; ++i) {
        const bool none = !finite || scale == 0 || scale == 0x7c00;
        values.push_back(none ? int8_t(0) : int8_t(std::nearbyint(x[i] * (1.f / Half(scale)))));
        meant.push_back(float(values.back()) * Half(scale));
      }
    }
  }
  static float Half(uint16_t bits) { return FloatAt(FloatType::kF16, &bits, 0); }
};

}  // namespace

TEST("heads in 8 bits: every size has the plain rule's bytes on all levels, and half a step of error") {
  Random random(10);
  for (const int dim : {1, 8, 20, 31, 32, 33, 64, 80, 127, 128, 256}) {
    for (int round = 0; round < 12; ++round) {
      std::vector<float> x = random.Normals(size_t(dim));
      for (float& value : x) value = std::ldexp(value, random.Below(8) + (round - 8) * 3);
      const auto quantise = [&](const KernelTable& table) {
        std::vector<int8_t> values(size_t(dim) + 1, int8_t(99));
        std::vector<uint16_t> scales(size_t(CacheGroups(dim)));
        table.quantise_head(x.data(), dim, values.data(), scales.data());
        CHECK_EQUAL(values.back(), int8_t(99));  // nothing behind: it may be another thread's
        std::vector<float> all(values.begin(), values.end() - 1);
        all.insert(all.end(), scales.begin(), scales.end());
        return all;
      };
      const PlainHead plain(x);
      std::vector<float> expected(plain.values.begin(), plain.values.end());
      expected.insert(expected.end(), plain.scales.begin(), plain.scales.end());
      CheckBits(OnAllLevels(quantise), expected);
      for (size_t i = 0; i < x.size(); ++i) {
        CHECK_NEAR(plain.meant[i], x[i], 0.5001 * double(PlainHead::Half(plain.scales[i / 32])));
      }
    }
  }
}

TEST("groups in 8 bits that are zero, tiny, huge or no numbers keep to themselves") {
  std::vector<float> x(224, 1.f);
  std::fill_n(x.begin(), 32, 0.f);
  std::fill_n(x.begin() + 32, 32, 1e-40f);  // no scale is so small: the smallest one, and all is 0
  std::fill_n(x.begin() + 64, 32, 8.3e6f);
  std::fill_n(x.begin() + 96, 32, 8.4e6f);  // no scale is so large
  x[130] = std::numeric_limits<float>::infinity();
  x[170] = std::nanf("");
  const PlainHead plain(x);
  OnAllLevels([&](const KernelTable& table) {
    std::vector<int8_t> values(x.size());
    std::vector<uint16_t> scales(7);
    table.quantise_head(x.data(), int(x.size()), values.data(), scales.data());
    CHECK(values == plain.values);
    CHECK(scales == plain.scales);
    return std::vector<float>{};
  });
  CHECK_EQUAL(plain.scales[0], uint16_t(0));
  CHECK_EQUAL(plain.scales[1], uint16_t(1));
  CHECK_EQUAL(plain.meant[40], 0.f);
  CHECK_NEAR(plain.meant[64], 8.3e6, 4e4);
  for (const size_t i : {96, 128, 160}) CHECK(std::isnan(plain.meant[i]));
  CHECK_NEAR(plain.meant[200], 1, 1e-3);
}

namespace {

/** A cache of one sequence in shuffled blocks, with garbage wherever nothing was written. */
struct Cache {
  int tokens, heads, dim, block_tokens;
  FloatType type;
  std::vector<int32_t> table;
  std::vector<std::byte> k, v;
  std::vector<float> keys, values;  // [token][head][dim]

  Cache(int n, int h, int d, int b, FloatType t, Random& random)
      : tokens(n), heads(h), dim(d), block_tokens(b), type(t) {
    const int blocks = (n + b - 1) / b;
    for (int i = 0; i < blocks; ++i) table.push_back(i);
    for (int i = blocks - 1; i > 0; --i) std::swap(table[size_t(i)], table[size_t(random.Below(i + 1))]);
    if (t == FloatType::kQ8) {
      PutQuantised(blocks, random);
      return;
    }
    const size_t count = size_t(blocks * b * h * d);
    k.resize(count * SizeOf(t), std::byte{0xff});  // NaN in every type
    v.resize(count * SizeOf(t) + 64, std::byte{0xff});
    for (int token = 0; token < n; ++token) {
      for (int head = 0; head < h; ++head) {
        const size_t block = size_t(table[size_t(token / b)]) * size_t(h) + size_t(head), offset = size_t(token % b);
        for (int i = 0; i < d; ++i) {
          keys.push_back(Put(k, (block * size_t(d) + size_t(i)) * size_t(b) + offset, random.Normal()));
          values.push_back(Put(v, (block * size_t(b) + offset) * size_t(d) + size_t(i), random.Normal()));
        }
      }
    }
  }
  float Put(std::vector<std::byte>& into, size_t at, float value) const {
    if (type == FloatType::kF32) return std::memcpy(into.data() + at * 4, &value, 4), value;
    const uint16_t half = type == FloatType::kF16 ? ToHalf(value) : ToBrain(value);
    std::memcpy(into.data() + at * 2, &half, 2);
    return FloatAt(type, &half, 0);
  }
  /** Per block the values of all heads, then scales [head][group][token]. */
  void PutQuantised(int blocks, Random& random) {
    const size_t b = size_t(block_tokens), d = size_t(dim), h = size_t(heads), groups = (d + 31) / 32;
    const size_t block_bytes = b * h * (d + 2 * groups);
    k.resize(size_t(blocks) * block_bytes, std::byte{0xff});  // scales are NaN
    v.resize(size_t(blocks) * block_bytes, std::byte{0xff});
    for (size_t token = 0; token < size_t(tokens); ++token) {
      const size_t block = size_t(table[token / b]) * block_bytes, offset = token % b;
      for (size_t head = 0; head < h; ++head) {
        const PlainHead key(random.Normals(d)), value(random.Normals(d));
        for (size_t i = 0; i < d; ++i) {
          k[block + (head * d + i) * b + offset] = std::byte(key.values[i]);
          v[block + (head * b + offset) * d + i] = std::byte(value.values[i]);
        }
        for (size_t g = 0; g < groups; ++g) {
          const size_t at = block + b * h * d + ((head * groups + g) * b + offset) * 2;
          std::memcpy(k.data() + at, &key.scales[g], 2);
          std::memcpy(v.data() + at, &value.scales[g], 2);
        }
        keys.insert(keys.end(), key.meant.begin(), key.meant.end());
        values.insert(values.end(), value.meant.begin(), value.meant.end());
      }
    }
  }
  CacheView view() const { return {k.data(), v.data(), type, heads, dim, block_tokens}; }
};

/** Attention of `positions` rows that end the context, for `group` query heads of one K/V head. */
std::vector<float> Attend(const KernelTable& table, const Cache& cache, int kv_head, int first, int positions,
                          int group, const std::vector<float>& queries, bool by_splits, int window = 0) {
  const CacheView view = cache.view();
  const size_t stride = size_t(group * cache.dim), state = PartialFloats(cache.dim);
  std::vector<float> out(size_t(positions) * stride), scratch(AttendScratchFloats(cache.dim));
  const int first_split = FirstKey(first, window) / kSplitKeys, end_split = (first + positions - 1) / kSplitKeys + 1;
  const int rows = positions * group;
  // What left the window may be anybody's by now.
  std::vector<int32_t> blocks = cache.table;
  for (int i = 0; i < FirstKey(first, window) / cache.block_tokens; ++i) blocks[size_t(i)] = -1;
  AttendUnit unit{.cache = &view,
                  .table = blocks.data(),
                  .kv_head = kv_head,
                  .first_position = first,
                  .positions = positions,
                  .heads = group,
                  .queries = queries.data(),
                  .query_stride = stride,
                  .scale = 0.3f,
                  .window = window,
                  .first_split = first_split,
                  .end_split = end_split,
                  .out = out.data(),
                  .out_stride = stride,
                  .partial = nullptr,
                  .scratch = scratch.data(),
                  .next = nullptr};
  if (positions % 2 == 0) unit.next = &unit;  // changes nothing but what is in the cache
  if (!by_splits) return table.attend(unit), out;
  std::vector<float> partial(size_t((end_split - first_split) * rows) * state);
  unit.out = nullptr;
  unit.partial = partial.data();
  table.attend(unit);
  for (int r = 0; r < rows; ++r) {
    const int position = first + r / group, from = FirstKey(position, window) / kSplitKeys;
    table.join_splits(partial.data() + size_t((from - first_split) * rows + r) * state, size_t(rows) * state,
                      position / kSplitKeys + 1 - from, cache.dim, out.data() + size_t(r) * size_t(cache.dim));
  }
  return out;
}

}  // namespace

TEST("paged attention: all types, blocks and shapes have the scalar level's bits and the formula's value") {
  Random random(8);
  struct Case {
    int tokens, kv_heads, dim, block_tokens, positions, group, window = 0;
  };
  for (const Case& c :
       {Case{1, 1, 64, 64, 1, 3}, Case{70, 2, 64, 64, 5, 3}, Case{300, 3, 64, 64, 16, 3}, Case{530, 1, 128, 256, 7, 4},
        Case{45, 2, 8, 8, 9, 2}, Case{77, 1, 80, 5, 3, 7}, Case{260, 1, 20, 48, 4, 1}, Case{90, 3, 33, 7, 2, 5},
        Case{150, 2, 40, 64, 1, 2}, Case{140, 1, 33, 128, 2, 2}, Case{70, 2, 64, 64, 5, 3, 1},
        Case{600, 2, 64, 64, 16, 3, 100}, Case{900, 1, 256, 64, 12, 4, 512}, Case{777, 1, 20, 5, 30, 1, 13}}) {
    for (const FloatType type : {FloatType::kF32, FloatType::kF16, FloatType::kBF16, FloatType::kQ8}) {
      const Cache cache(c.tokens, c.kv_heads, c.dim, c.block_tokens, type, random);
      const int first = c.tokens - c.positions, head = c.kv_heads - 1;
      const std::vector<float> q = random.Normals(size_t(c.positions * c.group * c.dim));
      const std::vector<float> out = OnAllLevels([&](const KernelTable& table) {
        return Attend(table, cache, head, first, c.positions, c.group, q, false, c.window);
      });
      CheckBits(Attend(TableOf(Level::kScalar), cache, head, first, c.positions, c.group, q, true, c.window), out);
      for (int r = 0; r < c.positions * c.group; ++r) {
        const int visible = first + r / c.group + 1, hidden = FirstKey(visible - 1, c.window);
        std::vector<double> scores;
        double sum = 0;
        for (int t = hidden; t < visible; ++t) {
          double dot = 0;
          for (int i = 0; i < c.dim; ++i) {
            dot += double(q[size_t(r * c.dim + i)]) * double(cache.keys[size_t((t * c.kv_heads + head) * c.dim + i)]);
          }
          scores.push_back(std::exp(0.3 * dot));
          sum += scores.back();
        }
        double expected = 0;
        for (int t = hidden; t < visible; ++t) {
          expected += scores[size_t(t - hidden)] / sum * double(cache.values[size_t((t * c.kv_heads + head) * c.dim)]);
        }
        CHECK_NEAR(out[size_t(r * c.dim)], expected, 1e-5);
      }
    }
  }
}

TEST("a row of attention has the same bits alone, in any chunk, and with its splits computed apart") {
  Random random(9);
  const int positions = 16, group = 3;
  const std::vector<float> q = random.Normals(size_t(positions * group * 64));
  const auto check = [&](const KernelTable& table, const Cache& cache, int first, int window) {
    const std::vector<float> together = Attend(table, cache, 0, first, positions, group, q, false, window);
    CheckBits(Attend(table, cache, 0, first, positions, group, q, true, window), together);
    for (int p = 0; p < positions; ++p) {
      const auto at = [&](const std::vector<float>& all) {
        const auto from = all.begin() + std::ptrdiff_t(p * group * 64);
        return std::vector<float>(from, from + group * 64);
      };
      CheckBits(Attend(table, cache, 0, first + p, 1, group, at(q), p % 2 == 0, window), at(together));
    }
  };
  for (const FloatType type : {FloatType::kF32, FloatType::kQ8}) {
    const Cache cache(700, 1, 64, 64, type, random);
    for (const Level level : kAllLevels) {
      if (!CanRun(level)) continue;
      // Windows that begin in the middle of a chunk, at its tiles and splits, and before it.
      for (const int window : {0, 7, 64, 120, 190, 256, 450}) {
        for (const int first : {700 - positions, 320 - positions / 2, 500 - positions / 2}) {
          check(TableOf(level), cache, first, window);
        }
      }
    }
  }
}
