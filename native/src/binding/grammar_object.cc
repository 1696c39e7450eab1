#include "binding/grammar_object.h"

#include <string>
#include <utility>

#include "binding/arguments.h"
#include "core/error.h"

namespace resident {
namespace {

/** What a JavaScript object stands for, until `dispose` or until it is collected. */
template <typename Held>
struct Holder {
  std::shared_ptr<const Held> held;
};

constexpr napi_type_tag kVocabularyTag{0x5f1c9a3e6d0b4b71, 0x9c2f8e5a17d34c06};
constexpr napi_type_tag kGrammarTag{0x2ab7d04e91c8463f, 0xb5306f7ce28a1d94};

/** Null for an object that is none of these. */
template <typename Held>
Holder<Held>* HolderOf(const Napi::Value& value, const napi_type_tag& tag) {
  bool is_one = false;
  void* data = nullptr;
  if (!value.IsObject() || napi_check_object_type_tag(value.Env(), value, &tag, &is_one) != napi_ok || !is_one ||
      napi_unwrap(value.Env(), value, &data) != napi_ok) {
    return nullptr;
  }
  return static_cast<Holder<Held>*>(data);
}

template <typename Held>
Napi::Object Hold(Napi::Env env, const napi_type_tag& tag, std::shared_ptr<const Held> held) {
  Napi::Object object = Napi::Object::New(env);
  auto holder = std::make_unique<Holder<Held>>(Holder<Held>{std::move(held)});
  const auto free = [](napi_env, void* data, void*) { delete static_cast<Holder<Held>*>(data); };
  if (napi_wrap(env, object, holder.get(), free, nullptr, nullptr) != napi_ok) throw Napi::Error::New(env);
  holder.release();  // the object's from here on
  if (napi_type_tag_object(env, object, &tag) != napi_ok) throw Napi::Error::New(env);
  DefineMethod(object, "dispose", [&tag](const Napi::CallbackInfo& info) {
    if (Holder<Held>* const mine = HolderOf<Held>(info.This(), tag)) mine->held.reset();
    return info.Env().Undefined();
  });
  return object;
}

template <typename Held>
std::shared_ptr<const Held> HeldBy(const Napi::Value& value, const napi_type_tag& tag, const char* name,
                                   const char* what) {
  const auto wrong = [&](const std::string& why) {
    return Error(ErrorCode::kInvalidRequest, name + why, {{"argument", name}});
  };
  const Holder<Held>* const holder = HolderOf<Held>(value, tag);
  if (holder == nullptr) throw wrong(std::string(" must be ") + what);
  if (!holder->held) throw wrong(" was disposed");
  return holder->held;
}

GrammarKind ToKind(const Napi::Value& value) {
  const std::string kind = ToText(value, "kind");
  if (kind == "structuralTag") return GrammarKind::kStructuralTag;
  if (kind == "jsonSchema") return GrammarKind::kJsonSchema;
  if (kind == "ebnf") return GrammarKind::kEbnf;
  throw Error(ErrorCode::kInvalidRequest, "kind must be \"structuralTag\", \"jsonSchema\" or \"ebnf\"",
              {{"argument", "kind"}});
}

/** Runs `work` on the compiler's thread; its result, a Calls::ToJs, resolves the call. */
template <typename Work>
Napi::Value Submit(const EnvironmentPtr& environment, const Napi::CallbackInfo& info, Work work) {
  const Calls::Started call = environment->calls().Start(info.Env());
  environment->compiler().Post([&environment = *environment, id = call.id, work = std::move(work)] {
    try {
      environment.calls().Resolve(id, work(environment.compiler()));
    } catch (...) {
      environment.calls().Reject(id, CurrentError());
    }
  });
  return call.promise;
}

Calls::ToJs GrammarToJs(std::shared_ptr<const Grammar> grammar) {
  return [grammar = std::move(grammar)](Napi::Env env) {
    Napi::Object object = Hold(env, kGrammarTag, grammar);
    object.Set("bytes", double(grammar->bytes()));
    return object;
  };
}

}  // namespace

void DefineGrammars(Napi::Object model, const EnvironmentPtr& environment, int vocab_size) {
  DefineAsyncMethod(model, "createVocabulary", [environment, vocab_size](const Napi::CallbackInfo& info) {
    const Napi::Object object = ToObject(info[0], "words");
    auto words = std::make_shared<Words>(Words{.bytes = ToBytes(object.Get("bytes"), "bytes"),
                                               .ends = ToInts(object.Get("ends"), "ends"),
                                               .control_ids = ToInts(object.Get("controlIds"), "controlIds"),
                                               .mark_ids = ToInts(object.Get("markIds"), "markIds")});
    return Submit(environment, info, [words, vocab_size](const CompileThread&) -> Calls::ToJs {
      auto vocabulary = std::make_shared<const Vocabulary>(std::move(*words), vocab_size);
      return [vocabulary](Napi::Env env) { return Hold(env, kVocabularyTag, vocabulary); };
    });
  });
  DefineAsyncMethod(model, "compileGrammar", [environment](const Napi::CallbackInfo& info) {
    const Napi::Object request = ToObject(info[0], "request");
    const GrammarKind kind = ToKind(request.Get("kind"));
    const std::string text = ToText(request.Get("text"), "text");
    auto vocabulary =
        HeldBy<Vocabulary>(request.Get("vocabulary"), kVocabularyTag, "vocabulary", "one of createVocabulary");
    return Submit(environment, info, [=](const CompileThread& compiler) {
      return GrammarToJs(Grammar::Compile(vocabulary, kind, text, [&] { return compiler.stopping(); }));
    });
  });
}

std::shared_ptr<const Grammar> ToGrammar(const Napi::Value& value, const char* name) {
  return HeldBy<Grammar>(value, kGrammarTag, name, "one of compileGrammar");
}

}  // namespace resident
