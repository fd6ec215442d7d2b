/**
 * The panel "Why these answers?": the top five tokens at the cursor, where their probabilities come from, and the context used.
 *
 * It requests the top tokens from the server as the cursor moves, and cancels a request that a later one supersedes.
 * media/why.js draws the panel.
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
import { settings } from "./settings";
import { pythonEditor } from "./status";

/** The answer of `minicopilot/nextTokens`. */
interface NextTokens {
  tokens: { token: string; probability: number; network: number; source: Record<string, number>; scope: Scopes }[];
  /** The typed prefix of the next token. The tokens are not filtered by it. */
  prefix: string;
}

/** The answer of `minicopilot/project`. */
interface Project {
  files: number;
  tokens: number;
}

/** Shares of a probability by where the evidence comes from. */
type Scopes = Partial<Record<"network" | "buffer" | "project" | "declarations", number>>;

interface Answer {
  token: string;
  probability: number;
  /** The probability by the network alone, if there is no typed prefix. */
  network: number | undefined;
  scope: Scopes;
  /** Shares of the probability by kind of evidence, the largest first. */
  origins: [string, number][];
}

/** Labels for the experts that `source` of `minicopilot/nextTokens` names. */
const LABELS: Record<string, string> = {
  network: "the network",
  "unknown names": "names of this file",
  "n-grams": "same words before",
  "longest match": "same passage",
  neighbours: "similar places",
  "unknown neighbours": "similar places",
  "recent names": "recently used names",
  "project names": "names of the project",
  "project n-grams": "same words in the project",
  "project match": "same passage in the project",
  members: "declared members",
};

const SHOWN = 5;
/** How many tokens to request if there is a typed prefix; the panel shows those that start with it. */
const SEARCHED = 1000;
/** Milliseconds without a change before a request is sent. */
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
    // There is no active editor while the panel has the focus: keep the last one.
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
      return this.say("Open a Python file.");
    }
    this.question?.dispose();
    const question = new CancellationTokenSource();
    this.question = question;
    const { document } = editor;
    const position = editor.selection.active;
    const hasPrefix = /[\p{L}\p{N}_]$/u.test(document.lineAt(position.line).text.slice(0, position.character));
    const params = {
      ...client.code2ProtocolConverter.asTextDocumentPositionParams(document, position),
      k: hasPrefix ? SEARCHED : SHOWN,
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
        usesBelow: settings.usesSuffixContext(),
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
    if (project !== undefined && !question.token.isCancellationRequested) {
      await this.post({ project: { files: project.files, tokens: project.tokens, isUsed: settings.usesWorkspaceContext() } });
    }
  }

  private async say(sentence: string): Promise<void> {
    await this.post({ sentence });
  }

  private async post(message: object): Promise<void> {
    await this.panel?.webview.postMessage(message);
  }
}

/** The top answers. With a typed prefix, only those that start with it, scaled to a sum of 1, as in the list. */
function answers(found: NextTokens): Answer[] {
  const hasPrefix = found.prefix !== "";
  const fitting = found.tokens.filter(({ token }) => token.startsWith(found.prefix));
  const all = hasPrefix ? fitting.reduce((sum, { probability }) => sum + probability, 0) : 1;
  return fitting.slice(0, SHOWN).map(({ token, probability, network, source, scope }) => {
    const origins = new Map<string, number>();
    for (const [expert, share] of Object.entries(source)) {
      const origin = LABELS[expert] ?? expert;
      origins.set(origin, (origins.get(origin) ?? 0) + share);
    }
    return {
      token,
      probability: probability / all,
      network: hasPrefix ? undefined : network,
      scope,
      origins: [...origins].sort(([, left], [, right]) => right - left),
    };
  });
}
