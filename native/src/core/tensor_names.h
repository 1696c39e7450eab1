#pragma once
#include <string>
#include <string_view>

namespace resident {

/**
 * A tensor's or module's name as a model of text alone has it: checkpoints of several parts put "language_model." in
 * front of it, or "model.language_model." for what begins with "model.".
 */
std::string TextName(std::string_view name);

/**
 * What the tensor belongs to where text does not need it: "vision", "audio" or "prediction" (of more than one token);
 * empty for all others. src/models/tensorNames.ts has the same list.
 */
std::string_view PartLeftOut(std::string_view name);

}  // namespace resident
