// Which device computes, and what is said where there is none.
#include "core/device_choice.h"

#include "check.h"

using namespace resident;

namespace {

constexpr char kMlxSays[] = "[metal::load_device] No Metal device available.";

std::string TextOf(DeviceChoice choice, const std::string& wish, const GpuProbe& probe) {
  try {
    UsesGpu(choice, wish, probe);
  } catch (const Error& error) {
    return std::string(ErrorCodeName(error.code())) + ": " + error.what();
  }
  return "";
}

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST("what is asked for comes before the wish of the environment, and that before what there is") {
  const GpuProbe with{true, {}}, without{};
  CHECK(UsesGpu(DeviceChoice::kDefault, "", with) && !UsesGpu(DeviceChoice::kDefault, "", without));
  CHECK(!UsesGpu(DeviceChoice::kDefault, "cpu", with) && UsesGpu(DeviceChoice::kDefault, "gpu", with));
  CHECK(!UsesGpu(DeviceChoice::kCpu, "gpu", with) && UsesGpu(DeviceChoice::kGpu, "cpu", with));
  CHECK(!UsesGpu(DeviceChoice::kCpu, "gpu", without));
}

TEST("a GPU that is not there and a Mac without Metal are told apart") {
  const GpuProbe none{}, no_metal{false, kMlxSays};
  const std::string wished = TextOf(DeviceChoice::kDefault, "gpu", none), asked = TextOf(DeviceChoice::kGpu, "", none);
  CHECK(wished.starts_with("INVALID_REQUEST: RESIDENT_DEVICE asks for a GPU"));
  CHECK(asked.starts_with("INVALID_REQUEST: the request asks for a GPU"));
  // MLX's allocator needs Metal whatever computes.
  for (const DeviceChoice choice : {DeviceChoice::kDefault, DeviceChoice::kCpu, DeviceChoice::kGpu}) {
    const std::string text = TextOf(choice, "cpu", no_metal);
    CHECK(text.starts_with("NATIVE_FAILURE: this Mac shows no Metal device"));
    CHECK(Has(text, "virtual machines") && Has(text, kMlxSays) && !Has(text, "RESIDENT_DEVICE"));
  }
}

TEST("what a GPU computes is named by its architecture, by which MLX chooses kernels, and a CPU by its kind") {
  CHECK_EQUAL(DeviceClassName(true, "arm64", "applegpu_g13s"), std::string("gpu-arm64-applegpu_g13s"));
  CHECK(DeviceClassName(true, "arm64", "applegpu_g15d") != DeviceClassName(true, "arm64", "applegpu_g17s"));
  CHECK_EQUAL(DeviceClassName(true, "arm64", ""), std::string("gpu-arm64"));
  CHECK_EQUAL(DeviceClassName(false, "x64", "x86_64"), std::string("cpu-x64"));
}
