/** The extension's entry point: creates its parts and registers the commands. */

import { commands, window, workspace, type ExtensionContext } from "vscode";
import { Arranger } from "./items";
import { provideModel, showModel } from "./model";
import { Server } from "./server";
import { READ_AT_START, change, settings } from "./settings";
import { Status, pythonEditor } from "./status";
import { Switch } from "./switch";
import { Why } from "./why";

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel("minicopilot", { log: true });
  const files = new Switch(context.workspaceState);
  const arranger = new Arranger();
  const server = new Server(context, log, {
    provideCompletionItem: (document, position, asked, token, next) =>
      files.isOn(document) ? arranger.provide(document, position, asked, token, next) : undefined,
    provideInlineCompletionItems: (document, position, asked, token, next) =>
      files.isOn(document) ? next(document, position, asked, token) : undefined,
  });
  const status = new Status(server, files);
  const why = new Why(context.extensionUri, server);

  const actions: Record<string, () => unknown> = {
    menu: () => status.menu(),
    why: () => why.show(),
    toggleFile: () => {
      const editor = pythonEditor();
      return editor === undefined
        ? window.showInformationMessage("minicopilot: open a Python file first.")
        : files.toggleFile(editor.document);
    },
    toggleWorkspace: () => files.toggleWorkspace(),
    toggleGhostText: () => change("ghostText", !settings.ghostText()),
    model: () => showModel(),
    restart: () => server.restart(),
    showLog: () => log.show(),
    walkthrough: () => commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#start`, false),
  };
  for (const [name, action] of Object.entries(actions)) {
    const command = async () => {
      try {
        await action();
      } catch (error) {
        log.error(String(error));
        void window.showErrorMessage(`minicopilot: ${(error as Error).message}`);
      }
    };
    context.subscriptions.push(commands.registerCommand(`minicopilot.${name}`, command));
  }

  context.subscriptions.push(
    log,
    server,
    status,
    why,
    provideModel(context),
    workspace.onDidChangeConfiguration(async (changed) => {
      if (READ_AT_START.some((name) => changed.affectsConfiguration(name))) {
        await server.restart();
      } else if (changed.affectsConfiguration("minicopilot")) {
        await server.tellSettings();
      }
    }),
  );
  void server.restart();
}
