#pragma once
#include "core/ops.h"
#include "kernels/packed_matrix.h"

namespace resident {

/** The kernels' name of what a matrix's weights are: the one table of formats. */
kernels::Coding CodingOf(const std::optional<Quantization>& quantization);

/** What the kernels pack: points into the matrix. */
kernels::SourceMatrix SourceOf(const Matrix& matrix);

}  // namespace resident
