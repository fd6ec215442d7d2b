/**
 * The user's settings: the extension's own, typed, and the server's, as it wants to be told them.
 *
 * package.json's section "Answers" holds the server's; the server's own tests write it.
 */

import { workspace, type ExtensionContext } from "vscode";

const SECTION = "minicopilot";

export type Order = "probability" | "first" | "last";

interface Section {
  title: string;
  properties: Record<string, unknown>;
}

/** What the settings named say now. */
export const settings = {
  enabled: () => read("enabled", true),
  order: () => read<Order>("order", "probability"),
  hideDuplicates: () => read("hideDuplicates", false),
  ghostText: () => read("ghostText", false),
  serverPath: () => read("server.path", "").trim(),
  maxItems: () => read("maxItems", 5),
  minProbability: () => read("minProbability", 0.1),
  isTraced: () => read("trace.server", "off") !== "off",
};

/** What only a new server or a new client takes note of. */
export const READ_AT_START = ["enabled", "ghostText", "server.path", "trace.server", "triggerCharacters"].map(qualified);

/** How many items more the server is asked for, in place of those that VS Code's list leaves out: see items.ts. */
const SPARE = 5;
const MOST = 50;

/** Everything that the server may be told, defaults too, so that what a user removes is its default again. */
export function serverSettings(context: ExtensionContext): Record<string, unknown> {
  const sections = (context.extension.packageJSON as { contributes: { configuration: Section[] } }).contributes.configuration;
  const answers = sections.find((section) => section.title === "Answers");
  const names = Object.keys(answers?.properties ?? {}).map((name) => name.slice(SECTION.length + 1));
  const values = Object.fromEntries(names.map((name) => [name, workspace.getConfiguration(SECTION).get<unknown>(name)]));
  const most = values["maxItems"];
  // What is wrong is sent as it is: the server says so.
  return typeof most === "number" && most >= 1 && most <= MOST ? { ...values, maxItems: Math.min(most + SPARE, MOST) } : values;
}

/** Changes a setting for this workspace; for the user where no folder is open. */
export async function changeHere(name: string, value: unknown): Promise<void> {
  const said = inspect(name);
  const isPlain = value === (said?.globalValue ?? said?.defaultValue);
  if (workspace.workspaceFolders === undefined) {
    await workspace.getConfiguration(SECTION).update(name, value, true);
  } else {
    // What holds without it need not stand in the workspace's file.
    await workspace.getConfiguration(SECTION).update(name, isPlain ? undefined : value, false);
  }
}

/** Changes a setting for the user; for this workspace where it has its own. */
export async function change(name: string, value: unknown): Promise<void> {
  await workspace.getConfiguration(SECTION).update(name, value, inspect(name)?.workspaceValue === undefined);
}

function inspect(name: string) {
  return workspace.getConfiguration(SECTION).inspect(name);
}

/** A setting; the fallback where a user's file says something of another type. */
function read<T>(name: string, fallback: T): T {
  const value = workspace.getConfiguration(SECTION).get<T>(name, fallback);
  return typeof value === typeof fallback ? value : fallback;
}

function qualified(name: string): string {
  return `${SECTION}.${name}`;
}
