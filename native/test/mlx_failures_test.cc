// What MLX throws, by its text.
#include "core/mlx_failures.h"

#include "check.h"

using namespace resident;

namespace {

std::string CodeOfText(const std::string& text) { return ErrorCodeName(FromMlx(text).code()); }

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST("texts of MLX that speak of memory are OUT_OF_MEMORY, and others are not") {
  for (const char* text : {
           "[malloc] Unable to allocate 17179869184 bytes.",
           "[metal::malloc] Attempting to allocate 9663676416 bytes which is greater than the maximum allowed buffer "
           "size of 8589934592 bytes.",
           "[METAL] Command buffer execution failed: Insufficient Memory "
           "(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory).",
           "[METAL] Command buffer execution failed: Nicht genug Speicher "
           "(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory).",
       }) {
    CHECK_EQUAL(CodeOfText(text), std::string("OUT_OF_MEMORY"));
    CHECK(Has(FromMlx(text).what(), text));
  }
  for (const char* text : {
           "[METAL] Command buffer execution failed: Caused GPU Timeout Error "
           "(00000002:kIOGPUCommandBufferCallbackErrorTimeout).",
           "[scaled_dot_product_attention] query, keys, values must have the same head dimension",
           "[metal::Device] Unable to load kernel rope_single_float16",
           "",
       }) {
    CHECK_EQUAL(CodeOfText(text), std::string("NATIVE_FAILURE"));
  }
}
