#pragma once
#include <string>

/**
 * Writes what one decode step of a model does on the GPU to `trace`, a new `.gputrace` that Xcode opens. Metal allows
 * it where MTL_CAPTURE_ENABLED is 1. Throws where the step did not run on a GPU.
 */
void CaptureStep(const std::string& model_directory, const std::string& trace);
