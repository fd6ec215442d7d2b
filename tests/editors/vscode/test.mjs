// What a user of the extension does and sees, in a real VS Code. Started by run.sh.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Editor, until } from "./editor.mjs";
import { keyTimes, watchTheList } from "./latency.mjs";

const out = process.env.OUT;
fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "minicopilot-vscode-"));

const EXAMPLE = `import os


class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("amount must be positive")
        self.balance += amount
        return self.balance

`;

/** A folder with files, of which the test writes into one. */
function project(name, files = { "a.py": "" }) {
  const made = path.join(folder, name);
  fs.mkdirSync(made);
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(made, file), text);
  return made;
}

let passed = 0;
const started = Date.now();
async function check(name, test) {
  const result = await test();
  passed += 1;
  console.log(`ok   ${name}`);
  return result;
}
function equal(found, expected) {
  const [left, right] = [found, expected].map((value) => JSON.stringify(value));
  if (left !== right) throw new Error(`${left} instead of ${right}`);
}

const ready = (editor) => until("the status bar says ready", async () => (await editor.status()).endsWith("ready"));
const noMessage = async (editor) => equal(await editor.messages(), []);

async function theList(editor) {
  await editor.open(project("first"), "a.py");
  await check("the server is ready", () => ready(editor));
  await editor.type("import os\n\nos.");
  await check("a list after a dot: five items, a probability and an icon each", () =>
    until("the list", async () => {
      const list = await editor.list();
      return list.length === 5 && list.every(({ beside, icon }) => /^<?\d+ %$/.test(beside) && icon !== "");
    }));
  await editor.picture("dot");
  await editor.type("pa");
  await check("it follows the typed text, and Enter accepts the first item", async () => {
    await editor.settles("pa");
    const [first] = await editor.list();
    await editor.press("Enter");
    await editor.holds(`import os\n\nos.${first.label}`);
  });
  await editor.clear();
  await editor.type("x = 1");
  await editor.press("Enter");
  await check("x = 1 and Enter: nothing is inserted", () => editor.holds("x = 1\n"));
  await editor.type("print(");
  await until("the list", async () => (await editor.ours()).length > 0);
  await editor.press("Enter");
  await check("Enter after an open bracket starts a new line, although a list is open", () => editor.holds("x = 1\nprint(\n"));
}

async function onAndOff(editor) {
  await editor.clear();
  const opens = async () => {
    await editor.clear();
    await editor.type("import o");
    return until("the list", async () => (await editor.ours()).length > 0);
  };
  const staysClosed = async () => {
    await editor.clear();
    await editor.type("import o");
    // An answer would have come by the time that VS Code says it found nothing.
    await editor.press("Control+Space");
    await until("no suggestions", async () => (await editor.page.locator(".suggest-widget.visible .message").textContent())?.includes("No suggestions"));
  };
  for (const where of ["for This File", "in This Workspace"]) {
    await check(`off ${where}: no list, and on again`, async () => {
      await editor.command(`minicopilot: Turn On or Off ${where}`);
      await until("the status bar says off", async () => (await editor.status()).endsWith("off"));
      await staysClosed();
      await editor.command(`minicopilot: Turn On or Off ${where}`);
      await ready(editor);
      await opens();
    });
  }
  await editor.clear();
}

async function restarts(editor) {
  const [server] = await until("one server", () => editor.servers().length === 1 && editor.servers());
  process.kill(Number(server), "SIGKILL");
  await check("kill -9: the status bar says loading, then the server is back, with one message", async () => {
    await until("loading", async () => (await editor.status()).endsWith("loading"));
    await ready(editor);
    await until("the message", async () => (await editor.messages()).join().includes("was restarted"));
    equal((await editor.messages()).length, 1);
  });
  await editor.picture("crash");
  await editor.command("Notifications: Clear All Notifications");
  await editor.type("import o");
  await check("lists appear again", () => until("the list", async () => (await editor.ours()).length > 0));
  process.kill(Number(editor.servers()[0]), "SIGKILL");
  await check("a second crash causes no message", async () => {
    await until("loading", async () => (await editor.status()).endsWith("loading"));
    await ready(editor);
    await noMessage(editor);
  });
  await editor.clear();
}

async function why(editor) {
  await editor.open(project("why", { "account.py": EXAMPLE }), "account.py", { width: 1300, height: 820 });
  await ready(editor);
  await editor.type("    def withdraw(self, amount):\n        self.");
  await until("the list", async () => (await editor.ours()).length === 5);
  await editor.picture("list", ".suggest-widget", await above(editor, 9));
  await editor.press("Escape");
  await editor.command("minicopilot: Why These Answers?");
  const panel = () =>
    until("the panel", async () => {
      for (const frame of editor.page.frames()) {
        if (await frame.locator("#why .answer").count().catch(() => 0)) return frame;
      }
    });
  const tokens = async () => (await panel()).locator("#why .answer .token").allTextContents();
  await check("the panel shows five answers with bars", async () => {
    const frame = await panel();
    await until("five", async () => (await tokens()).length === 5);
    const bars = await frame.locator("#why .bar").evaluateAll((bars) => bars.map((bar) => bar.querySelectorAll(".part").length));
    equal(bars.every((parts) => parts > 0), true);
    await until("the project", async () => /files? of the project/.test(await frame.locator("#project").textContent()));
  });
  await editor.picture("why", ".part.editor");
  await check("it follows the typed text", async () => {
    await editor.page.locator(".editor-instance .monaco-editor").first().click({ position: { x: 300, y: 100 } });
    await editor.press("Control+End");
    await editor.type("ba");
    await until("names with ba", async () => {
      const found = await tokens();
      return found.length > 0 && found.every((token) => token.startsWith("ba"));
    });
  });
  await editor.picture("why-typed");
  await editor.press("Control+Z");
}

/** The panel has a label for each expert of the model. */
async function experts() {
  const { gate } = JSON.parse(execFileSync(process.env.MINICOPILOT, ["info", "--json"], { encoding: "utf8" }));
  const source = fs.readFileSync(process.env.PANEL, "utf8");
  await check("the panel knows every expert", async () => {
    const unknown = gate.experts.filter((expert) => !source.includes(`  "${expert}": "`) && !source.includes(`  ${expert}: "`));
    equal(unknown, []);
  });
}

async function typing(editor) {
  const file = fs.readFileSync(process.env.TYPED, "utf8");
  const code = file.slice(file.indexOf("import "));
  const text = code.slice(0, Number(process.env.KEYS ?? 600));
  await editor.open(project("typing"), "a.py");
  await ready(editor);
  // The first list of a window comes late: nothing is compiled yet.
  await editor.type("im");
  await until("a first list", async () => (await editor.ours()).length > 0);
  await editor.clear();
  await watchTheList(editor.page);
  const begin = performance.now();
  for (const [index, key] of [...text].entries()) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, begin + index * 100 - performance.now())));
    if (key === "\n") await editor.settles(/\w*$/.exec(text.slice(0, index))[0]);
    await editor.page.keyboard.press(key === "\n" ? "Enter" : key);
  }
  const seconds = (performance.now() - begin) / 1000;
  const times = await keyTimes(editor.page);
  await check(`${text.length} keys in ${seconds.toFixed(0)} s: none is dropped, no message`, async () => {
    await editor.holds(text);
    await noMessage(editor);
  });
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))]?.toFixed(0);
  console.log(`     a key to its list on the screen: ${times.length} lists, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, slowest ${at(1)} ms`);
}

async function ghostText(editor) {
  await editor.open(project("ghost", { "account.py": EXAMPLE }), "account.py", { width: 1300, height: 820 });
  await ready(editor);
  await editor.command("minicopilot: Turn Ghost Text On or Off");
  await ready(editor);
  await editor.type("    def withdraw(self, amount):\n        if am");
  await check("the list opens as before", () => until("the list", async () => (await editor.ours()).length > 0));
  await editor.type("ount <= 0:\n            ");
  await editor.press("Escape");
  const line = await check("ghost text for the rest of the line", () =>
    until("two words", async () => {
      const shown = await editor.ghostText();
      return shown.split(" ").length === 2 && shown;
    }));
  await editor.picture("ghost", await above(editor, 9));
  const ends = (words) => editor.holds((text) => text.trimEnd().endsWith(`if amount <= 0:\n            ${words}`));
  await editor.press("Control+ArrowRight");
  await check("Ctrl+Right accepts a word of it", () => ends(line.split(" ")[0]));
  await until("the rest", () => editor.ghostText());
  await editor.press("Tab");
  await check("Tab accepts the rest", () => ends(line));
}

/** The last lines of the editor, with their numbers. */
async function above(editor, lines) {
  const box = await editor.page.locator(".editor-instance .cursors-layer .cursor").first().boundingBox();
  const pane = await editor.page.locator(".editor-instance").first().boundingBox();
  const height = lines * box.height;
  return { x: pane.x + 12, y: box.y + box.height - height + 3, width: Math.min(600, pane.width - 12), height };
}

async function theMenu(editor) {
  await editor.page.locator(".statusbar-item", { hasText: "minicopilot" }).click();
  await check("the status bar item opens the menu", () =>
    until("the menu", async () => (await editor.page.locator(".quick-input-list .monaco-list-row").count()) >= 8));
  await until("the menu has faded in", () => editor.page.locator(".quick-input-widget").evaluate((widget) => getComputedStyle(widget).opacity === "1"));
  await editor.picture("menu", ".quick-input-widget");
  await editor.press("Escape");
}

async function theModel(editor) {
  await editor.command("minicopilot: Model Information");
  await check("the page describes the model", () =>
    until("the page", async () => {
      for (const frame of editor.page.frames()) {
        if (((await frame.locator("table").first().textContent({ timeout: 100 }).catch(() => "")) ?? "").includes("residual_lstm")) return true;
      }
    }));
  await editor.picture("model");
}

async function walkthrough(editor) {
  await editor.press("Control+B"); // without the side bar there is room for the picture
  await editor.command("minicopilot: Open the Walkthrough");
  await check("the walkthrough opens", () =>
    until("the walkthrough", async () => (await editor.page.locator(".getting-started-step.expanded").count()) > 0));
  await check("and its picture", () =>
    until("the picture", () => editor.page.locator(".getting-started-media img").evaluate((image) => image.complete && image.naturalWidth > 0)));
  await editor.picture("walkthrough", ".part.editor");
}

async function besidePyright(editor) {
  const beside = project("beside", { "a.py": "", "pyrightconfig.json": "{}" });
  const open = async () => {
    await editor.open(beside, "a.py");
    await editor.page.locator(".statusbar-item:has-text('pyright is ready')").waitFor({ timeout: 30_000 });
    await ready(editor);
    await editor.clear();
    await editor.type("import os\n\nos.");
  };
  const isOurs = ({ beside }) => beside.endsWith("%");
  editor.configure({});
  await open();
  await check("with pyright: our items first, then all of its items", async () => {
    const list = await until("both", async () => {
      const rows = await editor.list();
      return rows.length > 5 && rows.some(isOurs) && rows;
    });
    equal(list.map(isOurs), list.map((_, index) => index < 5));
    const theirs = list.filter((row) => !isOurs(row)).map(({ label }) => label);
    equal(theirs, [...theirs].sort());
  });
  await editor.picture("beside", ".suggest-widget", await above(editor, 4));
  await editor.type("pat");
  const narrow = (condition) => until("os.pat", async () => {
    const rows = await editor.list();
    return rows[0]?.label.startsWith("pat") && condition(rows) && rows;
  });
  const both = await check("an item of both appears twice: ours at the top, the other in its own place", () =>
    narrow((rows) => isOurs(rows[0]) && rows.some((row) => !isOurs(row) && row.label === rows[0].label)));
  editor.configure({ "minicopilot.hideDuplicates": true });
  await open();
  await editor.type("pat");
  await check("hideDuplicates removes duplicates", async () => {
    const isOnce = (rows) => new Set(rows.map(({ label }) => label)).size === rows.length;
    equal(isOnce(both), false);
    await narrow((rows) => isOnce(rows) && rows.some((row) => !isOurs(row)));
  });
  editor.configure({});
}

async function wrongPath(editor) {
  editor.configure({}, { "minicopilot.server.path": "/nowhere/minicopilot" });
  await editor.open(project("wrong"), "a.py");
  await check("a wrong path: one message with a button", async () => {
    await until("the message", async () => (await editor.messages()).join().includes("/nowhere/minicopilot, which does not exist"));
    equal((await editor.messages()).length, 1);
    await until("error in the status bar", async () => (await editor.status()).endsWith("error"));
  });
  await editor.picture("wrong-path");
  await check("the button opens the setting", async () => {
    await editor.page.locator(".notification-toast .monaco-button", { hasText: "Open Setting" }).click();
    await until("the settings editor", async () => (await editor.page.locator(".settings-editor").count()) > 0);
  });
}

const all = { theList, onAndOff, restarts, why, experts, typing, ghostText, theMenu, theModel, walkthrough, besidePyright, wrongPath };
const tests = process.env.ONLY ? process.env.ONLY.split(",").map((name) => all[name]) : Object.values(all);

const editor = await Editor.start(folder, out);
let failure;
try {
  for (const test of tests) await test(editor);
} catch (error) {
  failure = error;
  console.log(`FAIL ${error.stack}`);
  await editor.picture("failed").catch(() => undefined);
} finally {
  await editor.stop();
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
console.log(`${Math.round((Date.now() - started) / 1000)} s; screenshots in ${out}`);
console.log(`${passed} passed, ${failure ? 1 : 0} failed`);
process.exit(failure ? 1 : 0);
