#pragma once
#include "core/config.h"
#include "core/json.h"
#include "core/models/families.h"

namespace resident::config {

// Parts of ParseModelConfig. `text`: the object that describes the decoder. All throw MODEL_CORRUPT or NotComputed.

RopeConfig ParseRope(const json::Value& text, const Family& family);
/** transformers 5 keeps RoPE's base and scaling in there; with windows, once for each kind of layer. */
const json::Value* RopeParameters(const json::Value& text, const char* layer_type);
/** Queries that grow with the position, as Llama 4's. */
void ParsePositionScale(const json::Value& text, ModelConfig& config);
/** Layers without RoPE: as the config lists them, or those that the family has. */
void ParseUnrotatedLayers(const json::Value& text, const Family& family, ModelConfig& config);
/** Layers with a window, once rope and context are there. May shorten the context. */
void ParseWindows(const json::Value& text, const Family& family, ModelConfig& config);
/** Formats that the config gives to single matrices; that of others is seen from their shapes, as mlx_lm does. */
void ParseQuantizations(const json::Value& document, const json::Value& text, ModelConfig& config);

}  // namespace resident::config
