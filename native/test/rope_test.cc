#include "core/rope.h"

#include <cmath>

#include "check.h"
#include "kernels/rotary.h"
#include "kernels/scalar_math.h"

using namespace resident;

TEST("plain and linear rope need no table") {
  RopeConfig rope;
  rope.theta = 5000;
  CHECK(MakeRopeTable(rope, 64).wavelengths.empty());
  CHECK_EQUAL(MakeRopeTable(rope, 64).theta, 5000.f);
  rope.kind = RopeConfig::Kind::kLinear;
  rope.factor = 4;
  CHECK_EQUAL(MakeRopeTable(rope, 64).scale, 0.25f);
}

TEST("llama3 keeps fast dimensions, stretches slow ones by the factor and blends between") {
  RopeConfig rope{.kind = RopeConfig::Kind::kLlama3, .theta = 500000, .factor = 32, .original_context_tokens = 8192};
  const RopeTable table = MakeRopeTable(rope, 64);
  CHECK_EQUAL(table.wavelengths.size(), size_t(32));
  CHECK_NEAR(table.wavelengths[0], 1, 1e-6);
  const double slowest = std::pow(500000.0, 62.0 / 64);
  CHECK_NEAR(table.wavelengths[31] / (32 * slowest), 1, 1e-6);
  for (size_t i = 0; i < 32; ++i) {
    const double plain = std::pow(500000.0, 2.0 * double(i) / 64);
    CHECK(table.wavelengths[i] >= plain * 0.999999 && table.wavelengths[i] <= 32.00001 * plain);
  }
}

TEST("yarn interpolates slow dimensions, keeps fast ones and scales the magnitude") {
  RopeConfig rope{.kind = RopeConfig::Kind::kYarn, .theta = 10000, .factor = 4, .original_context_tokens = 32768};
  const RopeTable table = MakeRopeTable(rope, 128);
  CHECK_NEAR(table.wavelengths[0], 1, 1e-6);
  CHECK_NEAR(table.wavelengths[63] / (4 * std::pow(10000.0, 126.0 / 128)), 1, 1e-6);
  CHECK_NEAR(table.magnitude, 0.1 * std::log(4.0) + 1, 1e-6);
}

TEST("a position far behind others costs one page, and has the bits that it always had") {
  RopeTable table;
  table.theta = 500000;
  kernels::Rotary far(table, 128), near(table, 128);
  far.Reserve(128'000, 128'001);
  CHECK_EQUAL(far.pages(), 1);
  far.Reserve(128'000, 128'064);
  CHECK_EQUAL(far.pages(), 1);
  far.Reserve(128'063, 128'065);
  far.Reserve(60, 70);
  CHECK_EQUAL(far.pages(), 4);
  near.Reserve(0, 70);
  near.Reserve(0, 70);
  CHECK_EQUAL(near.pages(), 2);
  for (const int position : {60, 63, 64, 69}) {
    for (int i = 0; i < 64; ++i) {
      CHECK_EQUAL(far.Cosines(position)[i], near.Cosines(position)[i]);
      CHECK_EQUAL(far.Sines(position)[i], near.Sines(position)[i]);
    }
  }
  for (int i = 0; i < 64; ++i) {
    double sine = 0, cosine = 0;
    kernels::SinCosDouble(128'064 / kernels::PowDouble(500000, 2.0 * i / 128), sine, cosine);
    CHECK_NEAR(far.Sines(128'064)[i], sine, 1e-6);
    CHECK_NEAR(far.Cosines(128'064)[i], cosine, 1e-6);
  }
}
