import { Workbench } from "./workbench";

/** A workbench for the suite that calls this; what fails leaves a picture, and in words what the window shows. */
export function useWorkbench(prepare: (workbench: Workbench) => Promise<void> = async () => {}): () => Workbench {
  let workbench: Workbench | undefined;
  const opened = () => {
    if (!workbench) throw new Error("the workbench is open only while tests run");
    return workbench;
  };
  const tell = async (title: string) => {
    await opened().screenshot(`failed ${title}`.replace(/[^\w]+/g, "-"));
    console.log(await opened().shown());
  };
  before(async function () {
    workbench = await Workbench.open();
    try {
      await prepare(workbench);
    } catch (error) {
      await tell(this.test?.fullTitle() ?? "");
      throw error;
    }
  });
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await tell(this.currentTest.fullTitle());
  });
  after(() => workbench?.close());
  return opened;
}
