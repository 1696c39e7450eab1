#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/config.h"

/** A folder that goes away with the object. */
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void WriteText(const std::string& path, const std::string& text);
std::string ReadWhole(const std::string& path);

/** Weights by name, f32, row-major. */
using TinyWeights = std::map<std::string, std::vector<float>>;

/** A model small enough to be computed by hand: 3 layers, 4 heads over 2, a vocabulary of 50. */
struct TinyModel {
  explicit TinyModel(const std::string& family = "llama", const std::string& extra_config = "");

  /** config.json and model.safetensors. */
  void Write(const std::string& folder) const;
  std::string SafetensorsHeader() const;

  /** Logits after the last token: a plain reading of the formulas in double precision, without cache or batch. */
  std::vector<double> Logits(const std::vector<int>& tokens) const;

  std::string config_text;
  resident::ModelConfig config;
  TinyWeights weights;
};
