import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Places } from "./settings";

const starterName = "SmolLM2-135M-Instruct";

export interface PlaceInputs {
  readonly extensionPath: string;
  readonly globalStoragePath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly userHome?: string;
  readonly exists?: (path: string) => boolean;
}

/**
 * Where the extension keeps and finds things. RESIDENT_HOME and RESIDENT_STARTER_MODEL replace the usual places. A
 * packaged extension has no starter model of its own: it is then fetched into the home.
 */
export function placesOf({
  extensionPath,
  globalStoragePath,
  environment,
  platform,
  userHome = homedir(),
  exists = existsSync,
}: PlaceInputs): Places {
  const home = environment["RESIDENT_HOME"] || globalStoragePath;
  const bundled = join(extensionPath, "native", "models", starterName);
  const reference = join(extensionPath, "test", "reference");
  return {
    home,
    userHome,
    starterModel:
      environment["RESIDENT_STARTER_MODEL"] || (exists(bundled) ? bundled : join(home, "models", starterName)),
    nativeStage: join(extensionPath, "native", "stage", platform),
    ...(exists(reference) ? { reference } : {}),
  };
}
