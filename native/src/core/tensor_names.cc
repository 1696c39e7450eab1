#include "core/tensor_names.h"

#include <array>

namespace resident {
namespace {

constexpr std::string_view kOuter = "language_model.", kInner = "model.language_model.";

struct PartPrefix {
  std::string_view prefix, part;
};

constexpr std::array<PartPrefix, 9> kPartsLeftOut{{{"vision_tower.", "vision"},
                                                   {"vision_model.", "vision"},
                                                   {"visual.", "vision"},
                                                   {"multi_modal_projector.", "vision"},
                                                   {"embed_vision.", "vision"},
                                                   {"patch_merger.", "vision"},
                                                   {"audio_tower.", "audio"},
                                                   {"embed_audio.", "audio"},
                                                   {"mtp.", "prediction"}}};

}  // namespace

std::string TextName(std::string_view name) {
  if (name.starts_with(kInner)) return "model." + std::string(name.substr(kInner.size()));
  return std::string(name.starts_with(kOuter) ? name.substr(kOuter.size()) : name);
}

std::string_view PartLeftOut(std::string_view name) {
  if (name.starts_with("model.")) name.remove_prefix(std::string_view("model.").size());
  for (const auto& [prefix, part] : kPartsLeftOut) {
    if (name.starts_with(prefix)) return part;
  }
  return "";
}

}  // namespace resident
