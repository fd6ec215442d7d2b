/**
 * The user's settings: the extension's own, typed, and the server's, as it wants to be told them.
 *
 * package.json's section "Answers" holds the server's; the server's own tests write it.
 */

import { workspace, type ExtensionContext } from "vscode";

const SECTION = "minicopilot";

export type Order = "first" | "probability" | "last";

interface Section {
  title: string;
  properties: Record<string, unknown>;
}

/** What the settings named say now. */
export const settings = {
  enabled: () => read("enabled", true),
  order: () => read<Order>("order", "first"),
  hideDuplicates: () => read("hideDuplicates", false),
  ghostText: () => read("ghostText", false),
  serverPath: () => read("server.path", "").trim(),
  isTraced: () => read("trace.server", "off") !== "off",
};

/** What only a new server or a new client takes note of. */
export const READ_AT_START = ["enabled", "ghostText", "server.path", "trace.server", "triggerCharacters"].map(qualified);

/** Everything that the server may be told, defaults too, so that what a user removes is its default again. */
export function serverSettings(context: ExtensionContext): Record<string, unknown> {
  const sections = (context.extension.packageJSON as { contributes: { configuration: Section[] } }).contributes.configuration;
  const answers = sections.find((section) => section.title === "Answers");
  const names = Object.keys(answers?.properties ?? {}).map((name) => name.slice(SECTION.length + 1));
  return Object.fromEntries(names.map((name) => [name, workspace.getConfiguration(SECTION).get(name)]));
}

/** Changes a setting for the workspace, or for the user where no folder is open. */
export async function change(name: string, value: unknown): Promise<void> {
  await workspace.getConfiguration(SECTION).update(name, value, workspace.workspaceFolders === undefined);
}

function read<T>(name: string, fallback: T): T {
  return workspace.getConfiguration(SECTION).get(name, fallback);
}

function qualified(name: string): string {
  return `${SECTION}.${name}`;
}
