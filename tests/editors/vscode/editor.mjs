// VS Code for a test: code-server, a browser, and what a user does and sees there. Everything is waited for, with a deadline.

import { chromium } from "playwright-core";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";

const PATIENCE = 20_000; // ms; a debug build on a busy machine

/** A user's settings that keep everything else quiet. */
const QUIET = {
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.colorTheme": "Default Dark Modern",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "update.mode": "none",
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "git.enabled": false,
  "window.commandCenter": false,
  "editor.minimap.enabled": false,
  "editor.cursorBlinking": "solid",
  "editor.accessibilitySupport": "off",
  // What is typed is all that is to stand in the file.
  "editor.autoIndent": "none",
  "editor.autoClosingBrackets": "never",
  "editor.autoClosingQuotes": "never",
  "editor.trimAutoWhitespace": false,
};

/** Waits until `condition` gives something true, and returns it; throws with `what` and the last problem otherwise. */
export async function until(what, condition, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    let problem;
    try {
      const result = await condition();
      if (result) return result;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${patience} ms${problem ? `: ${problem.message}` : ""}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export class Editor {
  static async start(folder, out) {
    const editor = new Editor();
    editor.folder = folder;
    editor.out = out;
    editor.configure({});
    fs.writeFileSync(path.join(folder, "config.yaml"), "auth: none\ncert: false\n");
    const base = [process.env.CODE_SERVER, "--config", path.join(folder, "config.yaml"), "--user-data-dir", path.join(folder, "data"), "--extensions-dir", path.join(folder, "extensions")];
    const env = { ...process.env, LANG: "C.UTF-8" };
    for (const name of ["DATA", "CONFIG", "CACHE"]) env[`XDG_${name}_HOME`] = path.join(folder, name.toLowerCase());
    delete env.PORT;
    const extensions = process.env.EXTENSIONS.split(":").flatMap((file) => ["--install-extension", file]);
    const installed = spawnSync(process.execPath, [...base, ...extensions], { env, encoding: "utf8" });
    if (installed.status !== 0) throw new Error(`the extensions cannot be installed:\n${installed.stdout}${installed.stderr}`);
    const port = await freePort();
    editor.address = `127.0.0.1:${port}`;
    const log = fs.openSync(path.join(out, "code-server.log"), "w");
    const quiet = ["telemetry", "update-check", "workspace-trust", "getting-started-override", "proxy"].map((part) => `--disable-${part}`);
    editor.server = spawn(process.execPath, [...base, "--bind-addr", editor.address, ...quiet, "--ignore-last-opened"], { env, stdio: ["ignore", log, log], detached: true });
    await until("code-server answers", async () => (await fetch(`http://${editor.address}/healthz`)).ok);
    editor.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
    });
    return editor;
  }

  async stop() {
    await this.browser?.close();
    try {
      process.kill(-this.server.pid, "SIGTERM");
    } catch {
      // It has ended already.
    }
  }

  /** The user's settings from the next open() on; those of the machine are kept apart from those that a user has everywhere. */
  configure(settings, ofMachine = {}) {
    for (const [place, all] of [["User", { ...QUIET, ...settings }], ["Machine", ofMachine]]) {
      const file = path.join(this.folder, "data", place, "settings.json");
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, JSON.stringify(all));
    }
  }

  /** Opens a window with a folder and one of its files; the window before it is closed. */
  async open(project, file, size = { width: 1100, height: 680 }) {
    await this.context?.close();
    this.context = await this.browser.newContext({ viewport: size, deviceScaleFactor: Number(process.env.SCALE ?? 1) });
    this.page = await this.context.newPage();
    this.project = project;
    this.file = path.join(project, file);
    const payload = JSON.stringify([["openFile", `vscode-remote://${this.address}${this.file}`]]);
    await this.page.goto(`http://${this.address}/?folder=${project}&payload=${encodeURIComponent(payload)}`);
    await this.page.locator(".editor-instance .view-line").first().waitFor({ timeout: 60_000 });
    this.rows = this.page.locator(".suggest-widget.visible .monaco-list-row");
    await this.page.locator(".editor-instance .monaco-editor").first().click({ position: { x: 400, y: 100 } });
    await this.page.mouse.move(5, 300); // where it is over nothing that would show it
    await this.press("Control+End");
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** As a person types: one key after another. */
  async type(text) {
    await this.page.keyboard.type(text, { delay: 40 });
  }

  /** Empties the file. */
  async clear() {
    await this.press("Escape", "Escape", "Control+A", "Delete");
  }

  /** The list, if it is open: label, what stands beside it, icon. */
  async list() {
    return this.rows.evaluateAll((rows) =>
      rows.map((row) => ({
        label: row.querySelector(".label-name")?.textContent ?? "",
        beside: (row.querySelector(".details-label")?.textContent ?? "").trim(),
        icon: row.querySelector(".suggest-icon")?.className.replace(/.*codicon-/, "") ?? "",
        top: parseFloat(row.style.top),
      })).sort((a, b) => a.top - b.top));
  }

  /**
   * Waits until the list, if there is one, belongs to the typed word. VS Code keeps an incomplete list until the next answer arrives,
   * and Enter would accept an old item: what a person sees on the screen before pressing it, a test must wait for.
   */
  async settles(word) {
    await until(`the list for ${word}`, () =>
      this.page.locator(".suggest-widget").evaluateAll((widgets, word) => {
        const rows = widgets.flatMap((widget) => [...widget.querySelectorAll(".monaco-list-row")]);
        const first = rows.find((row) => parseFloat(row.style.top) === 0);
        const matched = [...(first?.querySelectorAll(".label-name .highlight") ?? [])].map((part) => part.textContent).join("");
        return first === undefined || matched.toLowerCase() === word.toLowerCase();
      }, word));
  }

  /** Ours among a list's rows: those with a probability beside them. */
  async ours() {
    return (await this.list()).filter(({ beside }) => /^<?\d+ %$/.test(beside));
  }

  async ghostText() {
    return (await this.page.locator(".editor-instance .view-line [class*='ghost-text']").allTextContents()).join("").replaceAll("\u00a0", " ");
  }

  /** Saves, and waits until what stands in the file is right; says what does, if it never is. */
  async holds(expected) {
    await this.press("Control+S");
    const isRight = typeof expected === "string" ? (text) => text === expected : expected;
    let text;
    await until("the saved file", () => isRight((text = fs.readFileSync(this.file, "utf8"))), 5000).catch((error) => {
      throw new Error(`${error.message}; it contains ${JSON.stringify(text)} instead of ${JSON.stringify(String(expected))}`);
    });
    return text;
  }

  async command(name) {
    await this.press("F1");
    const input = this.page.locator(".quick-input-widget input.input").first();
    await until("the palette opens", async () => (await input.inputValue()) === ">");
    await this.page.keyboard.insertText(name);
    const first = this.page.locator(".quick-input-list .monaco-list-row").first();
    await until(`the command ${name}`, async () => (await first.textContent())?.includes(name));
    await this.press("Enter");
  }

  /** The status bar item: its words for a screen reader. */
  async status() {
    return (await this.page.locator(".statusbar-item[id='minicopilot.minicopilot.minicopilot']").first().locator("a").getAttribute("aria-label", { timeout: 100 })) ?? "";
  }

  /** The messages on the screen. */
  async messages() {
    return this.page.locator(".notification-toast.notification-fade-in-done .notification-list-item-message").allTextContents();
  }

  /** Saves what is on the screen, or the part of it that holds what is named. */
  async picture(name, ...parts) {
    const file = path.join(this.out, `${name}.png`);
    const margin = 3;
    const boxes = await Promise.all(parts.map((part) => (typeof part === "string" ? this.page.locator(part).first().boundingBox() : part)));
    if (boxes.length === 0) {
      await this.page.screenshot({ path: file });
      return;
    }
    const x = Math.max(0, Math.min(...boxes.map((box) => box.x)) - margin);
    const y = Math.max(0, Math.min(...boxes.map((box) => box.y)) - margin);
    const width = Math.max(...boxes.map((box) => box.x + box.width)) + margin - x;
    const height = Math.max(...boxes.map((box) => box.y + box.height)) + margin - y;
    await this.page.screenshot({ path: file, clip: { x, y, width, height } });
  }

  /** The processes of our server. */
  servers() {
    const below = (id) => {
      try {
        const children = fs.readFileSync(`/proc/${id}/task/${id}/children`, "utf8").split(" ").filter(Boolean);
        return [id, ...children.flatMap(below)];
      } catch {
        return [];
      }
    };
    return below(this.server.pid).filter((id) => {
      try {
        return fs.readFileSync(`/proc/${id}/cmdline`, "utf8").includes("minicopilot\0serve");
      } catch {
        return false;
      }
    });
  }
}

async function freePort() {
  const listener = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
