#pragma once
#include <napi.h>

#include <memory>

#include "binding/methods.h"
#include "core/grammar.h"

namespace resident {

/** Defines `createVocabulary` and `compileGrammar` of a model whose rows have `vocab_size` logits. */
void DefineGrammars(Napi::Object model, const EnvironmentPtr& environment, int vocab_size);

/** Of a `NativeGrammar`; throws INVALID_REQUEST for another object, and for one that was disposed. */
std::shared_ptr<const Grammar> ToGrammar(const Napi::Value& value, const char* name);

}  // namespace resident
