#include "tiny_model.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <random>
#include <sstream>

#include "core/models/decoder.h"
#include "core/rope.h"
#include "core/safetensors.h"

namespace {

using Row = std::vector<double>;

Row Multiply(const std::vector<float>& matrix, const std::vector<float>* bias, const Row& x) {
  Row y(matrix.size() / x.size());
  for (size_t o = 0; o < y.size(); ++o) {
    for (size_t i = 0; i < x.size(); ++i) y[o] += double(matrix[o * x.size() + i]) * x[i];
    if (bias != nullptr) y[o] += double((*bias)[o]);
  }
  return y;
}

void Normalise(double* x, size_t n, const std::vector<float>& weight, double eps, bool around_one) {
  double squares = 0;
  for (size_t i = 0; i < n; ++i) squares += x[i] * x[i];
  const double scale = 1 / std::sqrt(squares / double(n) + eps);
  for (size_t i = 0; i < n; ++i) x[i] *= scale * (double(weight[i]) + (around_one ? 1 : 0));
}

double Activate(resident::Activation activation, double x) {
  if (activation == resident::Activation::kSilu) return x / (1 + std::exp(-x));
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

void Rotate(double* head, int position, const resident::RopeTable& rope) {
  const int half = rope.dims / 2;
  for (int i = 0; i < half; ++i) {
    const double wavelength =
        rope.wavelengths.empty() ? std::pow(double(rope.theta), 2.0 * i / rope.dims) : double(rope.wavelengths[size_t(i)]);
    const double angle = position * double(rope.scale) / wavelength;
    const double a = head[i] * double(rope.magnitude), b = head[i + half] * double(rope.magnitude);
    head[i] = a * std::cos(angle) - b * std::sin(angle);
    head[i + half] = a * std::sin(angle) + b * std::cos(angle);
  }
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "resident test XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void WriteText(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string ReadWhole(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TinyModel::TinyModel(const std::string& family, const std::string& extra_config)
    : config_text(R"({"model_type":")" + family +
                  R"(","hidden_size":32,"intermediate_size":48,"num_hidden_layers":3,)"
                  R"("num_attention_heads":4,"num_key_value_heads":2,"vocab_size":50,"rms_norm_eps":1e-5,)"
                  R"("max_position_embeddings":256,"head_dim":8)" +
                  extra_config + "}"),
      config(resident::ParseModelConfig(config_text)) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.25f);
  for (const resident::WeightSpec& spec : resident::Decoder::Weights(config)) {
    for (size_t m = 0; m < spec.modules.size(); ++m) {
      const bool norm = spec.kind == resident::WeightSpec::Kind::kNorm;
      std::vector<float>& weight = weights[spec.modules[m] + ".weight"];
      if (!weight.empty()) continue;  // several weights are rows of it
      weight.resize(size_t(spec.StoredRows(m)) * size_t(norm ? 1 : spec.inputs));
      for (float& value : weight) value = normal(random) + (norm && !config.norms_around_one ? 1.f : 0.f);
      if (!spec.bias) continue;
      std::vector<float>& bias = weights[spec.modules[m] + ".bias"];
      bias.resize(size_t(spec.outputs[m]));
      for (float& value : bias) value = normal(random);
    }
  }
}

std::string TinyModel::SafetensorsHeader() const {
  std::string text = "{";
  size_t at = 0;
  for (const auto& [name, values] : weights) {
    const bool matrix = name.find("norm") == std::string::npos && name.ends_with(".weight");
    size_t rows = values.size(), columns = 1;
    for (const resident::WeightSpec& spec : resident::Decoder::Weights(config)) {
      for (size_t m = 0; matrix && m < spec.modules.size(); ++m) {
        if (spec.modules[m] + ".weight" == name) rows = size_t(spec.StoredRows(m)), columns = size_t(spec.inputs);
      }
    }
    const std::string shape = std::to_string(rows) + (matrix ? "," + std::to_string(columns) : "");
    text += std::string(at == 0 ? "" : ",") + "\"" + name + R"(":{"dtype":"F32","shape":[)" + shape +
            R"(],"data_offsets":[)" + std::to_string(at) + "," + std::to_string(at + values.size() * 4) + "]}";
    at += values.size() * 4;
  }
  return text + "}";
}

void TinyModel::Write(const std::string& folder) const {
  WriteText(folder + "/config.json", config_text);
  const std::string header = SafetensorsHeader();
  std::string file = resident::EncodeHeaderLength(header.size()) + header;
  for (const auto& [name, values] : weights) {
    file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  }
  WriteText(folder + "/model.safetensors", file);
}

std::vector<double> TinyModel::Logits(const std::vector<int>& tokens) const {
  const size_t hidden = size_t(config.hidden_size), dim = size_t(config.head_dim);
  const size_t heads = size_t(config.num_heads), kv_heads = size_t(config.num_kv_heads);
  const resident::RopeTable full_rope = resident::MakeRopeTable(config.rope, config.head_dim);
  const resident::RopeTable window_rope = resident::MakeRopeTable(config.window_rope, config.head_dim);
  const auto normalise = [&](double* x, size_t n, const std::vector<float>& by) {
    Normalise(x, n, by, double(config.norm_eps), config.norms_around_one);
  };
  const auto weight = [&](const std::string& name) -> const std::vector<float>& {
    return weights.at(name + ".weight");
  };
  const auto apply = [&](const std::string& name, const Row& x) {
    const auto bias = weights.find(name + ".bias");
    return Multiply(weight(name), bias == weights.end() ? nullptr : &bias->second, x);
  };

  std::vector<Row> rows;
  for (const int token : tokens) {
    const float* from = weight("model.embed_tokens").data() + size_t(token) * hidden;
    rows.emplace_back(from, from + hidden);
    for (double& value : rows.back()) value *= double(config.embedding_scale);
  }
  for (int l = 0; l < config.num_layers; ++l) {
    const std::string layer = "model.layers." + std::to_string(l) + ".";
    const size_t window = config.windows.empty() ? 0 : size_t(config.windows[size_t(l)]);
    const resident::RopeTable& rope = window > 0 ? window_rope : full_rope;
    // What others call the norm behind attention stands before the feed-forward.
    const auto add = [&](Row& to, Row what, const std::string& norm) {
      if (config.output_norms) normalise(what.data(), hidden, weight(layer + norm));
      for (size_t i = 0; i < hidden; ++i) to[i] += double(config.residual_scale) * what[i];
    };
    std::vector<Row> k, v;
    for (size_t t = 0; t < rows.size(); ++t) {
      Row x = rows[t];
      if (config.input_norms) normalise(x.data(), hidden, weight(layer + "input_layernorm"));
      Row q;
      if (config.fused_matrices) {
        const Row all = apply(layer + "self_attn.qkv_proj", x);
        const auto keys = all.begin() + std::ptrdiff_t(heads * dim), values = keys + std::ptrdiff_t(kv_heads * dim);
        q.assign(all.begin(), keys);
        k.emplace_back(keys, values);
        v.emplace_back(values, all.end());
      } else {
        q = apply(layer + "self_attn.q_proj", x);
        k.push_back(apply(layer + "self_attn.k_proj", x));
        v.push_back(apply(layer + "self_attn.v_proj", x));
      }
      const auto turn = [&](Row& of, size_t count, const std::string& norm) {
        const size_t together = config.joint_query_key_norm ? count * dim : dim;
        for (size_t from = 0; config.query_key_norm && from < count * dim; from += together) {
          normalise(&of[from], together, weight(layer + norm));
        }
        const bool rotated = config.rotated.empty() || config.rotated[size_t(l)];
        for (size_t h = 0; rotated && h < count; ++h) Rotate(&of[h * dim], int(t), rope);
      };
      turn(q, heads, "self_attn.q_norm");
      turn(k[t], kv_heads, "self_attn.k_norm");
      if (config.position_scale_beta != 0) {
        const double steps = std::floor(double(t) / config.position_scale_tokens);
        for (double& value : q) value *= 1 + double(config.position_scale_beta) * std::log(1 + steps);
      }
      Row attended(heads * dim);
      for (size_t h = 0; h < heads; ++h) {
        const size_t kv = h / (heads / kv_heads) * dim;
        Row scores;
        double sum = 0;
        const size_t first = window == 0 || t < window ? 0 : t + 1 - window;
        for (size_t s = first; s <= t; ++s) {
          double dot = 0;
          for (size_t i = 0; i < dim; ++i) dot += q[h * dim + i] * k[s][kv + i];
          scores.push_back(std::exp(dot * double(config.query_scale)));
          sum += scores.back();
        }
        for (size_t s = first; s <= t; ++s) {
          for (size_t i = 0; i < dim; ++i) attended[h * dim + i] += scores[s - first] / sum * v[s][kv + i];
        }
      }
      add(rows[t], apply(layer + "self_attn.o_proj", attended), "post_attention_layernorm");
      x = rows[t];
      const char* const before = config.output_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm";
      if (config.input_norms) normalise(x.data(), hidden, weight(layer + before));
      Row gate, up;
      if (config.fused_matrices) {
        up = apply(layer + "mlp.gate_up_proj", x);
        const auto middle = up.begin() + std::ptrdiff_t(up.size() / 2);
        gate.assign(up.begin(), middle);
        up.erase(up.begin(), middle);
      } else {
        gate = apply(layer + "mlp.gate_proj", x);
        up = apply(layer + "mlp.up_proj", x);
      }
      for (size_t i = 0; i < gate.size(); ++i) gate[i] = Activate(config.activation, gate[i]) * up[i];
      add(rows[t], apply(layer + "mlp.down_proj", gate), "post_feedforward_layernorm");
    }
  }
  Row last = rows.back();
  normalise(last.data(), hidden, weight("model.norm"));
  Row logits = Multiply(weight(config.tied_head ? "model.embed_tokens" : "lm_head"), nullptr, last);
  for (double& logit : logits) logit /= double(config.logit_divisor);
  return logits;
}
