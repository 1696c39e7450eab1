import ignore, { type Ignore } from "ignore";

/** The rules of one file. */
interface FileRules {
  readonly file: string;
  readonly rules: Ignore;
}

/** Rules that are not shared with others who use the repository. */
const ownRules = ".git/info/exclude";

/**
 * What the `.gitignore` files of a folder and its `.git/info/exclude` leave out. They are read when they are first
 * needed and kept until something says that they have changed. As in git: the rules of a folder come after those of the
 * folders above it, `.git/info/exclude` comes before all of them, and nothing inside an ignored folder comes back.
 */
export class IgnoreRules {
  private readonly rules = new Map<string, Promise<readonly FileRules[]>>();
  private readonly folders = new Map<string, Promise<string | undefined>>();

  /** `read` gives the text of a file of the folder by its path with "/", or nothing where there is none. */
  constructor(private readonly read: (path: string) => Promise<string | undefined>) {}

  /** All that was read may have changed. */
  forget(): void {
    this.rules.clear();
    this.folders.clear();
  }

  /** Why a file of the folder is left out: "node_modules/ in .gitignore"; `undefined`: it is not. */
  async reasonFor(path: string): Promise<string | undefined> {
    const above = parentOf(path);
    return (above === "" ? undefined : await this.reasonForFolder(above)) ?? (await this.match(path));
  }

  /** As `reasonFor`, of a folder. Kept, since many files ask for the same folders. */
  reasonForFolder(path: string): Promise<string | undefined> {
    const known = this.folders.get(path);
    if (known) return known;
    const reason = this.findForFolder(path);
    this.folders.set(path, reason);
    return reason;
  }

  private async findForFolder(path: string): Promise<string | undefined> {
    if (path === ".git" || path.endsWith("/.git")) return "git's own folder";
    const above = parentOf(path);
    return (above === "" ? undefined : await this.reasonForFolder(above)) ?? (await this.match(`${path}/`));
  }

  /** Looks at the rules of every folder above, the nearest last: the last one that matches counts. */
  private async match(path: string): Promise<string | undefined> {
    let reason: string | undefined;
    for (let start = 0; start >= 0; ) {
      const folder = path.slice(0, start);
      for (const { file, rules } of await this.rulesOf(folder)) {
        const result = rules.test(path.slice(start));
        if (result.ignored) reason = `${result.rule?.pattern ?? "a rule"} in ${file}`;
        else if (result.unignored) reason = undefined;
      }
      const end = path.indexOf("/", start);
      start = end < 0 || end === path.length - 1 ? -1 : end + 1;
    }
    return reason;
  }

  /** `folder`: "" or a path that ends with "/". */
  private rulesOf(folder: string): Promise<readonly FileRules[]> {
    const known = this.rules.get(folder);
    if (known) return known;
    const files = [...(folder === "" ? [ownRules] : []), `${folder}.gitignore`];
    const rules = Promise.all(files.map((file) => this.readRules(file))).then((all) => all.flat());
    this.rules.set(folder, rules);
    return rules;
  }

  private async readRules(file: string): Promise<readonly FileRules[]> {
    const text = await this.read(file);
    return text === undefined ? [] : [{ file, rules: ignore().add(text) }];
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
