/**
 * The panel "Why these answers?": the five answers at the cursor, what they are made of, and what they are made from.
 *
 * It asks the server for the likeliest next tokens as the cursor moves; a question that is overtaken is cancelled. What is
 * drawn is drawn by media/why.js.
 */

import { randomBytes } from "node:crypto";
import {
  CancellationTokenSource,
  Uri,
  ViewColumn,
  window,
  workspace,
  type Disposable,
  type TextEditor,
  type WebviewPanel,
} from "vscode";
import type { Server } from "./server";
import { pythonEditor } from "./status";

/** The answer of `minicopilot/nextTokens`. */
interface NextTokens {
  tokens: { token: string; probability: number; network: number; source: Record<string, number> }[];
  /** What of the next token is typed already. The tokens are those before it was. */
  prefix: string;
}

/** The answer of `minicopilot/project`. */
interface Project {
  files: number;
  tokens: number;
}

/** Where parts of an answer may be from. */
type Part = "network" | "file" | "project" | "declared";

interface Answer {
  token: string;
  probability: number;
  /** What the network alone would have said, if no word has been begun. */
  network: number | undefined;
  /** Shares of the probability. */
  parts: Record<Part, number>;
  /** The same by what exactly they are from, the largest first. */
  origins: [string, number][];
}

/** Where what an expert says is from, and what it is, for people; `source` of `minicopilot/nextTokens` names the experts. */
const EXPERTS: Record<string, [Part, string]> = {
  network: ["network", "the network"],
  "unknown names": ["file", "names of this file"],
  "n-grams": ["file", "same words before"],
  "longest match": ["file", "same passage"],
  neighbours: ["file", "similar places"],
  "unknown neighbours": ["file", "similar places"],
  "recent names": ["file", "names used lately"],
  "project names": ["project", "names of the project"],
  "project n-grams": ["project", "same words in the project"],
  "project match": ["project", "same passage in the project"],
  members: ["declared", "declared members"],
};

const SHOWN = 5;
/** How many tokens are asked for behind a word begun, of which those that go on with it are shown. */
const SEARCHED = 1000;
/** Milliseconds without a change before the server is asked. */
const PAUSE = 80;
const LINES_SHOWN = 4;

export class Why implements Disposable {
  private panel: WebviewPanel | undefined;
  private editor: TextEditor | undefined;
  private timer: NodeJS.Timeout | undefined;
  private question: CancellationTokenSource | undefined;
  private readonly subscriptions: Disposable[];

  constructor(
    private readonly extension: Uri,
    private readonly server: Server,
  ) {
    const soon = () => this.soon();
    this.subscriptions = [
      window.onDidChangeTextEditorSelection(soon),
      window.onDidChangeActiveTextEditor(soon),
      workspace.onDidChangeTextDocument(soon),
      server.onDidChange(soon),
    ];
  }

  show(): void {
    if (this.panel === undefined) {
      this.panel = this.open();
      this.panel.onDidDispose(() => (this.panel = undefined));
      this.panel.webview.onDidReceiveMessage(() => this.soon());
    } else {
      this.panel.reveal(undefined, true);
      this.soon();
    }
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => subscription.dispose());
    this.question?.dispose();
    clearTimeout(this.timer);
    this.panel?.dispose();
  }

  private open(): WebviewPanel {
    const media = Uri.joinPath(this.extension, "media");
    const panel = window.createWebviewPanel(
      "minicopilot.why",
      "Why These Answers?",
      { viewColumn: ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, localResourceRoots: [media] },
    );
    panel.iconPath = Uri.joinPath(this.extension, "images", "icon.png");
    const address = (file: string) => panel.webview.asWebviewUri(Uri.joinPath(media, file)).toString();
    const nonce = randomBytes(16).toString("base64");
    panel.webview.html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${panel.webview.cspSource}; script-src 'nonce-${nonce}'">
<link rel="stylesheet" href="${address("why.css")}">
<title>Why these answers?</title>
</head>
<body>
<main id="why"></main>
<script nonce="${nonce}" src="${address("why.js")}"></script>
</body>
</html>`;
    return panel;
  }

  private soon(): void {
    // While the panel itself has the focus there is no active editor: the last one counts.
    this.editor = pythonEditor() ?? this.editor;
    if (this.panel === undefined) {
      return;
    }
    this.question?.cancel();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.update(), PAUSE);
  }

  private async update(): Promise<void> {
    const client = this.server.running();
    if (client === undefined) {
      return this.say(this.server.note);
    }
    const editor = this.editor;
    if (editor === undefined || editor.document.isClosed) {
      return this.say("Put the cursor into a Python file.");
    }
    this.question?.dispose();
    const question = new CancellationTokenSource();
    this.question = question;
    const { document } = editor;
    const position = editor.selection.active;
    const isWordBegun = /[\p{L}\p{N}_]$/u.test(document.lineAt(position.line).text.slice(0, position.character));
    const params = {
      ...client.code2ProtocolConverter.asTextDocumentPositionParams(document, position),
      k: isWordBegun ? SEARCHED : SHOWN,
    };
    try {
      const found = await client.sendRequest<NextTokens>("minicopilot/nextTokens", params, question.token);
      if (question.token.isCancellationRequested) {
        return;
      }
      const first = Math.max(0, position.line + 1 - LINES_SHOWN);
      await this.post({
        answers: answers(found),
        prefix: found.prefix,
        before: document.getText().split(/\r?\n/).slice(first, position.line + 1).map((line, index, lines) =>
          index === lines.length - 1 ? line.slice(0, position.character) : line,
        ),
        firstLine: first + 1,
        linesAbove: position.line + 1,
        linesBelow: document.lineCount - position.line - 1,
        usesBelow: workspace.getConfiguration("minicopilot").get("textBelow", true),
      });
      await this.tellProject(question);
    } catch (error) {
      if (!question.token.isCancellationRequested) {
        await this.say((error as Error).message);
      }
    }
  }

  private async tellProject(question: CancellationTokenSource): Promise<void> {
    const project = await this.server.running()?.sendRequest<Project>("minicopilot/project", question.token);
    const isUsed = workspace.getConfiguration("minicopilot").get("project", true);
    if (project !== undefined && !question.token.isCancellationRequested) {
      await this.post({ project: { files: project.files, tokens: project.tokens, isUsed } });
    }
  }

  private async say(sentence: string): Promise<void> {
    await this.post({ sentence });
  }

  private async post(message: object): Promise<void> {
    await this.panel?.webview.postMessage(message);
  }
}

/** The first answers: of those that go on with a word begun, their shares of what these have together, as in the list. */
function answers(found: NextTokens): Answer[] {
  const isWordBegun = found.prefix !== "";
  const fitting = found.tokens.filter(({ token }) => token.startsWith(found.prefix));
  const all = isWordBegun ? fitting.reduce((sum, { probability }) => sum + probability, 0) : 1;
  return fitting.slice(0, SHOWN).map(({ token, probability, network, source }) => {
    const parts = { network: 0, file: 0, project: 0, declared: 0 };
    const origins = new Map<string, number>();
    for (const [expert, share] of Object.entries(source)) {
      const [part, origin] = EXPERTS[expert] ?? ["file", expert];
      parts[part] += share;
      origins.set(origin, (origins.get(origin) ?? 0) + share);
    }
    return {
      token,
      probability: probability / all,
      network: isWordBegun ? undefined : network,
      parts,
      origins: [...origins].sort(([, left], [, right]) => right - left),
    };
  });
}
