/** Which files are completed. A file that was turned off stays off in this workspace until it is turned on again. */

import { EventEmitter, type Memento, type TextDocument } from "vscode";
import { changeHere, settings } from "./settings";

const KEY = "filesOff";

export class Switch {
  private readonly changed = new EventEmitter<void>();
  readonly onDidChange = this.changed.event;

  constructor(private readonly memory: Memento) {}

  isOn(document: TextDocument): boolean {
    return settings.enabled() && !this.filesOff().includes(document.uri.toString());
  }

  async toggleFile(document: TextDocument): Promise<void> {
    const file = document.uri.toString();
    const others = this.filesOff().filter((off) => off !== file);
    const isOff = others.length < this.filesOff().length;
    await this.memory.update(KEY, isOff ? others : [...others, file]);
    // Turning a file on has no effect while the workspace is off.
    if (isOff && !settings.enabled()) {
      await changeHere("enabled", true);
    }
    this.changed.fire();
  }

  async toggleWorkspace(): Promise<void> {
    await changeHere("enabled", !settings.enabled());
  }

  private filesOff(): string[] {
    return this.memory.get<string[]>(KEY, []);
  }
}
