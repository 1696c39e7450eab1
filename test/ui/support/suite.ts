import { Workbench } from "./workbench";

/** A workbench for the suite that calls this; a failed test leaves a picture. */
export function useWorkbench(prepare: (workbench: Workbench) => Promise<void> = async () => {}): () => Workbench {
  let workbench: Workbench | undefined;
  const opened = () => {
    if (!workbench) throw new Error("the workbench is open only while tests run");
    return workbench;
  };
  before(async () => {
    workbench = await Workbench.open();
    await prepare(workbench);
  });
  afterEach(async function () {
    const test = this.currentTest;
    if (test?.state === "failed") await opened().screenshot(`failed ${test.fullTitle()}`.replace(/[^\w]+/g, "-"));
  });
  after(() => workbench?.close());
  return opened;
}
