import * as vscode from "vscode";
import { toErrorInfo } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { HubEntry, HubSearch, ResidentService } from "../../protocol/service";
import { sentence } from "../commands/errorText";
import { type Described, foundChoice, type HubChoice, isRepoName, othersChoice, suggestedChoice } from "./hubChoices";

/** A search begins when the person has not typed for so long. */
const pauseMs = 350;
/** Results whose files are looked at, and how many at the same time: each costs some requests. */
const [mostDescribed, describedTogether] = [12, 4];

type Item = HubChoice & vscode.QuickPickItem;

/** Asks for a model of the hub: the built-in list first, then what the hub finds for what is typed. */
export class HubPicker {
  private readonly formats = createFormats(vscode.env.language);
  private readonly pick = vscode.window.createQuickPick<Item>();
  private readonly known = new Map<string, Described>();
  private suggested: readonly Item[] = [];
  private search: AbortController | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly door: ResidentService) {}

  /** `ORG/NAME`, perhaps with a revision; `undefined` when the person changed their mind. */
  async ask(): Promise<string | undefined> {
    const { pick } = this;
    pick.title = "Get Model";
    pick.placeholder = "Search the hub, or write ORG/NAME";
    pick.busy = true;
    const chosen = new Promise<string | undefined>((resolve) => {
      pick.onDidChangeValue(() => this.later());
      pick.onDidAccept(() => {
        const name = pick.selectedItems[0]?.name;
        if (name === undefined) return;
        resolve(name);
        pick.hide();
      });
      pick.onDidHide(() => resolve(undefined));
    });
    pick.show();
    try {
      this.suggested = await this.suggestedItems();
      if (pick.value === "") this.show(this.suggested, false);
      return await chosen;
    } finally {
      clearTimeout(this.timer);
      this.search?.abort();
      pick.dispose();
    }
  }

  private async suggestedItems(): Promise<readonly Item[]> {
    const models = await this.door.suggestedModels();
    const order = ["fits", "tight", "no"];
    const sorted = [...models].sort(
      (a, b) => order.indexOf(a.fit.verdict) - order.indexOf(b.fit.verdict) || b.fit.totalBytes - a.fit.totalBytes,
    );
    // VS Code writes it into the first row: a longer one would cut that row's text.
    return [separator("short list"), ...sorted.map((model) => suggestedChoice(model, this.formats))];
  }

  private later(): void {
    clearTimeout(this.timer);
    this.search?.abort();
    const words = this.pick.value.trim();
    if (words === "") {
      this.show(this.suggested, false);
      return;
    }
    this.pick.busy = true;
    const search = new AbortController();
    this.search = search;
    this.timer = setTimeout(() => {
      this.find(words, search.signal).catch((error: unknown) => {
        if (!search.signal.aborted) this.showFailure(error);
      });
    }, pauseMs);
  }

  private async find(words: string, signal: AbortSignal): Promise<void> {
    const found = await this.door.searchHub(words, signal);
    if (signal.aborted) return;
    this.showFound(words, found, true);
    const waiting = found.models.slice(0, mostDescribed).filter(({ name }) => !this.isSettled(name));
    const describe = async () => {
      for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
        await this.describe(next, signal);
        if (!signal.aborted) this.showFound(words, found, true);
      }
    };
    await Promise.all(Array.from({ length: describedTogether }, describe));
    if (!signal.aborted) this.showFound(words, found, false);
  }

  /** A failure of the network is asked about again with the next search. */
  private isSettled(name: string): boolean {
    const known = this.known.get(name);
    return known !== undefined && !("code" in known && known.code === "HUB_FAILURE");
  }

  private async describe({ name }: HubEntry, signal: AbortSignal): Promise<void> {
    try {
      this.known.set(name, await this.door.describeHubModel({ name }, signal));
    } catch (error) {
      if (!signal.aborted) this.known.set(name, toErrorInfo(error));
    }
  }

  private showFound(words: string, found: HubSearch, busy: boolean): void {
    const { formats } = this;
    const others = othersChoice(found, formats);
    const named = isRepoName(words) && found.models.every(({ name }) => name !== words);
    const isNothing = found.models.length === 0 && !named;
    this.show(
      [
        ...(named
          ? [{ name: words, label: `$(cloud-download) ${words}`, description: "", detail: "Get this one" }]
          : []),
        ...found.models.map((entry) => foundChoice(entry, this.known.get(entry.name), formats)),
        ...(isNothing ? [{ label: "No model that Resident loads", description: "", detail: `"${words}"` }] : []),
        ...(others === undefined ? [] : [separator(""), others]),
      ],
      busy,
    );
  }

  /** The built-in list stays: it needs no network. */
  private showFailure(error: unknown): void {
    const { what, advice } = toErrorInfo(error);
    const label = `$(error) ${sentence(what)}`;
    this.show([{ label, description: "", detail: sentence(advice) }, ...this.suggested], false);
  }

  /** Every row stays whatever is typed, and the row that is active stays so. */
  private show(items: readonly Item[], busy: boolean): void {
    const { pick } = this;
    const active = pick.activeItems[0]?.name;
    const shown = items.map((item) => ({ ...item, alwaysShow: true }));
    pick.busy = busy;
    pick.items = shown;
    const again = shown.find(({ name }) => name !== undefined && name === active);
    if (again !== undefined) pick.activeItems = [again];
  }
}

function separator(label: string): Item {
  return { label, description: "", detail: "", kind: vscode.QuickPickItemKind.Separator };
}
