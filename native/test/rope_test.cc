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

TEST("long rope has the factor of each frequency, and a magnitude that grows with the context") {
  RopeConfig rope{.kind = RopeConfig::Kind::kLongRope, .rotated_part = 0.5, .original_context_tokens = 4096};
  rope.long_factors = {1, 2};
  rope.extension = 32;
  const RopeTable table = MakeRopeTable(rope, 8);
  CHECK_EQUAL(table.dims, 4);
  CHECK_NEAR(table.wavelengths[0], 1, 1e-6);
  CHECK_NEAR(table.wavelengths[1], 2 * std::pow(10000.0, 0.5), 1e-3);
  CHECK_NEAR(table.magnitude, std::sqrt(1 + std::log(32.0) / std::log(4096.0)), 1e-6);
  rope.extension = 1;
  CHECK_EQUAL(MakeRopeTable(rope, 8).magnitude, 1.f);
}

TEST("proportional rope turns the fast dimensions of the whole head, and the others never") {
  RopeConfig rope{.kind = RopeConfig::Kind::kProportional, .rotated_part = 0.25};
  const RopeTable table = MakeRopeTable(rope, 16);
  CHECK_EQUAL(table.dims, 16);
  CHECK_NEAR(table.wavelengths[1], std::pow(10000.0, 2.0 / 16), 1e-5);
  kernels::Rotary rotary(table, 16);
  rotary.Reserve(0, 64);
  CHECK_EQUAL(rotary.Cosines(50)[2], 1.f);
  CHECK_EQUAL(rotary.Sines(50)[7], 0.f);
  CHECK(rotary.Sines(50)[1] != 0.f);
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
