/** Locates the server's program: inside the extension, or where a setting says. */

import { access, constants, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { ExtensionContext } from "vscode";
import { settings } from "./settings";

/** The program's path; throws an error with a message for the user. */
export async function findProgram(context: ExtensionContext): Promise<string> {
  const chosen = settings.serverPath();
  if (chosen === "") {
    const name = process.platform === "win32" ? "minicopilot.exe" : "minicopilot";
    const inside = context.asAbsolutePath(join("bin", name));
    const problem = await whyNotExecutable(inside);
    if (problem !== undefined) {
      throw new Error(
        `This package of the extension has no server for ${process.platform} on ${process.arch}: ${inside} ${problem}. Set minicopilot.server.path to one.`,
      );
    }
    return inside;
  }
  const path = chosen.startsWith("~/") ? join(homedir(), chosen.slice(2)) : chosen;
  const problem = isAbsolute(path) ? await whyNotExecutable(path) : "is not an absolute path";
  if (problem !== undefined) {
    throw new Error(`The setting minicopilot.server.path names ${chosen}, which ${problem}.`);
  }
  return path;
}

async function whyNotExecutable(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) {
      return "is not a file";
    }
  } catch {
    return "does not exist";
  }
  try {
    await access(path, constants.X_OK);
  } catch {
    return "is not executable";
  }
  return undefined;
}
