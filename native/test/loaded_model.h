#pragma once
#include <memory>
#include <utility>

#include "core/checkpoint.h"
#include "core/loader.h"
#include "core/step.h"
#include "tiny_model.h"

/** A tiny model behind `ops` with a pool of blocks of 8 tokens, for tests of single steps. */
struct LoadedModel {
  LoadedModel(const resident::Ops& ops, resident::DataType kv_dtype, int blocks, TinyModel model = TinyModel(),
              const resident::mx::Device& device = resident::mx::Device(resident::mx::Device::cpu))
      : tiny(std::move(model)) {
    tiny.Write(folder.path());
    const resident::Checkpoint checkpoint(folder.path());
    resident::WeightLoader loader(checkpoint, device, ops);
    const resident::LoadHooks hooks{[](uint64_t, uint64_t) {}, [] { return false; }};
    const resident::ModelConfig& config = checkpoint.config();
    decoder = std::make_unique<resident::Decoder>(config, ops, loader.Load(hooks));
    pool = std::make_unique<resident::KvPool>(resident::PoolShape({.blocks = blocks,
                                                                   .block_tokens = 8,
                                                                   .num_layers = config.num_layers,
                                                                   .kv_heads = config.num_kv_heads,
                                                                   .head_dim = config.head_dim,
                                                                   .dtype = kv_dtype}),
                                              ops, device);
  }

  TinyModel tiny;
  TemporaryFolder folder;
  std::unique_ptr<resident::Decoder> decoder;
  std::unique_ptr<resident::KvPool> pool;
};
