#pragma once
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "check.h"
#include "core/device.h"
#include "core/engine.h"

/**
 * What tests compute on: the machine's own device, or what RESIDENT_DEVICE says. Our kernels compute on the CPU only:
 * where RESIDENT_OPS asks for them it is the CPU.
 */
inline resident::DeviceChoice TestChoice() {
  const char* ops = std::getenv("RESIDENT_OPS");
  const bool kernels = ops != nullptr && std::string(ops) == "cpu";
  return kernels ? resident::DeviceChoice::kCpu : resident::DeviceChoice::kDefault;
}

inline mlx::core::Device TestDevice() { return resident::ChooseDevice(resident::DeviceChoice::kDefault); }

/**
 * Whether a token gets the same ids in any batch and chunk. Our kernels promise the same bits; stock operations on a
 * CPU keep these small models' ids. On a GPU MLX has other kernels for other numbers of rows.
 */
inline bool HasSameIds(const resident::ModelInfo& model) { return !model.is_gpu; }

/** How far logits of the tiny model may be from the plain formulas: a GPU may multiply with fewer bits than f32 has. */
inline double LogitTolerance(const resident::ModelInfo& model) { return model.is_gpu ? 2e-2 : 2e-4; }

/** Ids that were computed in two ways. On a GPU a near tie goes either way, and so does what follows. */
inline void CheckSameIds(const resident::ModelInfo& model, const std::vector<int32_t>& ids,
                         const std::vector<int32_t>& expected) {
  if (HasSameIds(model)) {
    CHECK_EQUAL(ids, expected);
  } else {
    CHECK_EQUAL(ids.size(), expected.size());
  }
}

/** That an id is the plain formulas' best, or as good within the tolerance. */
inline void CheckBest(const resident::ModelInfo& model, int32_t id, const std::vector<double>& logits) {
  const double best = *std::ranges::max_element(logits);
  CHECK(id >= 0 && size_t(id) < logits.size());
  CHECK_NEAR(logits[size_t(id)], best, model.is_gpu ? 2 * LogitTolerance(model) : 0);
}
