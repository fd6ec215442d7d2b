/** A page about the model: the output of `minicopilot info --json`, with the most important facts in a table. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Uri, commands, workspace, type Disposable, type ExtensionContext } from "vscode";
import { findProgram } from "./program";

const PAGE = Uri.parse("minicopilot:/Model.md");

/** Registers the page with the editor. */
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
  return ["# The model", "", "| | |", "|---|---|", `| program | ${program} |`, ...rows, "", "## Details", "", "```json", info.trimEnd(), "```", ""].join("\n");
}
