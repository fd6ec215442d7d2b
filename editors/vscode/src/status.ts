/** The status bar item and its menu. */

import {
  QuickPickItemKind,
  StatusBarAlignment,
  ThemeColor,
  commands,
  window,
  type Disposable,
  type QuickPickItem,
  type TextDocument,
  type TextEditor,
} from "vscode";
import type { Server } from "./server";
import { settings } from "./settings";
import type { Switch } from "./switch";

interface Entry extends QuickPickItem {
  command?: string;
}

const ICONS = { error: "error", off: "circle-slash", loading: "loading~spin", ready: "check" };

/** The active editor, if it shows a Python file. */
export function pythonEditor(): TextEditor | undefined {
  const editor = window.activeTextEditor;
  return editor?.document.languageId === "python" ? editor : undefined;
}

export class Status implements Disposable {
  private readonly item = window.createStatusBarItem("minicopilot", StatusBarAlignment.Right, 100);
  private readonly subscriptions: Disposable[];

  constructor(
    private readonly server: Server,
    private readonly files: Switch,
  ) {
    this.item.name = "minicopilot";
    this.item.command = "minicopilot.menu";
    const update = () => this.update();
    this.subscriptions = [server.onDidChange(update), files.onDidChange(update), window.onDidChangeActiveTextEditor(update)];
    this.update();
  }

  async menu(): Promise<void> {
    const chosen = await window.showQuickPick(this.entries(), { title: "minicopilot", placeHolder: this.sentence() });
    if (chosen?.command !== undefined) {
      await commands.executeCommand(chosen.command);
    }
  }

  dispose(): void {
    this.item.dispose();
    this.subscriptions.forEach((subscription) => subscription.dispose());
  }

  private entries(): Entry[] {
    const document = pythonEditor()?.document;
    const separator = (label: string): Entry => ({ label, kind: QuickPickItemKind.Separator });
    const entries: Entry[] = [];
    if (document !== undefined) {
      const file = nameOf(document);
      entries.push(
        { label: "$(question) Why These Answers?", description: "the panel follows what you type", command: "minicopilot.why" },
        separator("on and off"),
        this.files.isOn(document)
          ? { label: `$(circle-slash) Turn Off for ${file}`, command: "minicopilot.toggleFile" }
          : { label: `$(check) Turn On for ${file}`, command: "minicopilot.toggleFile" },
      );
    }
    entries.push(
      settings.enabled()
        ? { label: "$(circle-slash) Turn Off in This Workspace", command: "minicopilot.toggleWorkspace" }
        : { label: "$(check) Turn On in This Workspace", command: "minicopilot.toggleWorkspace" },
      {
        label: settings.ghostText() ? "$(eye-closed) Turn Ghost Text Off" : "$(eye) Turn Ghost Text On",
        description: "the rest of the line; Tab accepts it",
        command: "minicopilot.toggleGhostText",
      },
      separator("the server"),
      { label: "$(info) Model Information", command: "minicopilot.model" },
      { label: "$(output) Show the Log", command: "minicopilot.showLog" },
      { label: "$(debug-restart) Restart the Server", command: "minicopilot.restart" },
      { label: "$(book) Open the Walkthrough", command: "minicopilot.walkthrough" },
    );
    return entries;
  }

  private update(): void {
    const document = pythonEditor()?.document;
    const isError = this.server.state === "failed";
    const isOff = this.server.state === "off" || (document !== undefined && !this.files.isOn(document));
    const word = isError ? "error" : isOff ? "off" : this.server.state === "starting" ? "loading" : "ready";
    this.item.text = `$(${ICONS[word]}) minicopilot`;
    this.item.accessibilityInformation = { label: `minicopilot: ${word}`, role: "button" };
    this.item.tooltip = `minicopilot: ${this.sentence()}`;
    this.item.backgroundColor = isError ? new ThemeColor("statusBarItem.errorBackground") : undefined;
    if (document !== undefined || isError) {
      this.item.show();
    } else {
      this.item.hide();
    }
  }

  private sentence(): string {
    const document = pythonEditor()?.document;
    const isOff = this.server.state === "ready" && document !== undefined && !this.files.isOn(document);
    return isOff ? `off for ${nameOf(document)}` : this.server.note;
  }
}

function nameOf(document: TextDocument): string {
  return document.uri.path.split("/").pop() ?? document.uri.path;
}
