/** What model answers, as a page: the facts that `minicopilot info --json` prints, the plain ones first. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Uri, commands, workspace, type Disposable, type ExtensionContext } from "vscode";
import { findProgram } from "./program";

const PAGE = Uri.parse("minicopilot:/Model.md");

/** Lets the editor open the page. */
export function provideModel(context: ExtensionContext): Disposable {
  return workspace.registerTextDocumentContentProvider(PAGE.scheme, {
    provideTextDocumentContent: async () => {
      const program = await findProgram(context);
      const { stdout } = await promisify(execFile)(program, ["info", "--json"]);
      return page(program, stdout);
    },
  });
}

export async function showModel(): Promise<void> {
  await commands.executeCommand("markdown.showPreview", PAGE);
}

function page(program: string, info: string): string {
  const { model } = JSON.parse(info) as { model: Record<string, string | number> };
  const rows = Object.entries(model).map(([name, value]) => `| ${name.replaceAll("_", " ")} | ${value.toLocaleString()} |`);
  return ["# The model", "", "| | |", "|---|---|", `| inside | ${program} |`, ...rows, "", "## All that is known of it", "", "```json", info.trimEnd(), "```", ""].join("\n");
}
