/** The command that opens the editor with all of Resident's settings in this kind of window, and its query. */
export interface SettingsEditor {
  readonly command: string;
  readonly query: string;
}

/**
 * Most settings belong to the machine that runs the model. In a window that is connected to another machine, or to a
 * server, VS Code shows those only under Remote, together with all others. `setting`: only this one.
 */
export function settingsEditor(extensionId: string, isRemote: boolean, setting?: string): SettingsEditor {
  const all = `@ext:${extensionId}`;
  return {
    command: isRemote ? "workbench.action.openRemoteSettings" : "workbench.action.openSettings",
    query: setting === undefined ? all : `${all} @id:${setting}`,
  };
}
