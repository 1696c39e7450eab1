import { InvalidRequestError } from "../common/errors";
import { commonName } from "./gguf/splitFiles";

/** Folder name of an imported GGUF file: the wanted name, else the file's. */
export function modelFolderName(file: string, wanted?: string): string {
  const name = (wanted ?? commonName(file)).trim();
  if (name !== "" && !name.startsWith(".") && !/[\\/:*?"<>|\p{Cc}]/u.test(name)) return name;
  throw new InvalidRequestError(
    `"${name}" cannot be a model's name`,
    "use letters, digits, spaces, dots and dashes, and do not begin with a dot",
    { name },
  );
}
