#include <algorithm>

#include "core/config_fields.h"
#include "core/config_parts.h"

namespace resident::config {
namespace {

constexpr int kNoWindow = 1 << 30;

/** By layer, whether it has a window, from what the config lists; empty where it lists nothing. */
std::vector<bool> ParseLayerTypes(const json::Value& text, const ModelConfig& config) {
  const json::Array* layers = List(text, "layer_types");
  if (layers == nullptr) return {};
  std::vector<bool> windowed;
  for (const json::Value& layer : *layers) {
    const std::string type = layer.AsString() == nullptr ? "" : *layer.AsString();
    windowed.push_back(type == "sliding_attention");
    if (type != "full_attention" && !windowed.back()) Unsupported("layer type " + type);
  }
  if (int(windowed.size()) != config.num_layers) Corrupt("layer_types does not list all layers");
  return windowed;
}

std::vector<bool> WindowedLayersOf(const json::Value& text, const Family& family, const ModelConfig& config) {
  std::vector<bool> windowed = ParseLayerTypes(text, config);
  if (!windowed.empty()) return windowed;
  if (!family.windowed) {
    return std::vector<bool>(size_t(config.num_layers), Flag(text, "use_sliding_window", family.windows_by_default));
  }
  const int pattern = Integer(text, "sliding_window_pattern", 1)
                          .value_or(Integer(text, "_sliding_window_pattern", 1).value_or(family.windowed->pattern));
  for (int i = 0; i < config.num_layers; ++i) windowed.push_back((i + 1) % pattern != 0);
  return windowed;
}

RopeConfig RopeOfWindows(const json::Value& text, const Family& family, const RopeConfig& of_others) {
  if (!family.windowed) return of_others;
  RopeConfig rope;
  rope.theta = of_others.theta;
  rope.rotated_part = of_others.rotated_part;
  if (!family.windowed->rope_theta) return rope;
  const json::Value* parameters = RopeParameters(text, "sliding_attention");
  const double theta = *family.windowed->rope_theta;
  rope.theta =
      Positive(text, "rope_local_base_freq", parameters ? Positive(*parameters, "rope_theta", theta) : theta);
  return rope;
}

}  // namespace

/**
 * Where all layers have a window the context ends with it: up to there every row sees all tokens, and mlx_lm, which does
 * not know Mistral's window, computes the same.
 */
void ParseWindows(const json::Value& text, const Family& family, ModelConfig& config) {
  const std::vector<bool> windowed = WindowedLayersOf(text, family, config);
  const int window = Integer(text, "sliding_window", 1).value_or(family.windowed ? family.windowed->tokens : kNoWindow);
  const auto count = std::count(windowed.begin(), windowed.end(), true);
  if (count == 0 || window == kNoWindow) return;
  const RopeConfig rope = RopeOfWindows(text, family, config.rope);
  if (count == config.num_layers) {
    config.rope = rope;
    config.max_context_tokens = std::min(config.max_context_tokens, window);
    return;
  }
  config.window_rope = rope;
  for (const bool has_window : windowed) config.windows.push_back(has_window ? window : 0);
}

}  // namespace resident::config
