import { resolve } from "node:path";

/** Made by `npm run setup`; tests run at the top of the repository. */
export const starterModel = resolve("native", "models", "SmolLM2-135M-Instruct");
