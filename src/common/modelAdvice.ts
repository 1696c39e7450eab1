/** What to do about a model that is not computed. */
export const modelAdvice =
  "choose a model in MLX's format of one of these families: Llama, Mistral, Ministral 3, Qwen 2 or 3, Gemma 3, SmolLM3, " +
  "Phi 3, Granite 3, OLMo 2 or 3, Seed-OSS";
