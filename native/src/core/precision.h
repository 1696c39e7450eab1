#pragma once
#include <span>

#include "core/config.h"

namespace resident {

// Which types a device computes in, as pure functions of the model and the kind of device.

/**
 * The type of activations, norms and biases. On a CPU f32: half types are emulated there. On a GPU the first half type
 * among `matrices`, the stored types of the embedding and all other matrices (of their scales, where they are
 * quantised). Where all are f32 it is f16, which reads half as much. Gemma's activations outgrow f16: they are bf16.
 */
DataType ActivationType(const ModelConfig& config, std::span<const DataType> matrices, bool is_gpu);

/**
 * Throws INVALID_REQUEST (facts: kvDtype, device) for K and V in 8 bits on a GPU: stock operations attend in floats, so
 * every step would convert the whole context of every layer, which takes longer than reading it in two bytes a number.
 */
void RequireKvType(DataType kv_dtype, bool is_gpu);

}  // namespace resident
