/**
 * The server's process and the client that talks to it: start, stop, and start again after a crash.
 *
 * Every start creates a new client, so that the client uses the current settings. A failure shows one message with a button
 * that helps; everything else goes to the log.
 */

import {
  EventEmitter,
  LogLevel,
  commands,
  window,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
} from "vscode";
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  LanguageClient,
  type Middleware,
  type ServerCapabilities,
} from "vscode-languageclient/node";
import { findProgram } from "./program";
import { serverSettings, settings } from "./settings";

export type State = "off" | "starting" | "ready" | "failed";

/** Seconds before each restart after a crash; after the last one the user has to restart the server. */
const DELAYS = [1, 2, 4, 8, 16];
/** A server that ran for this many milliseconds resets the count of crashes. */
const HEALTHY = 60_000;

const SHOW_LOG = "Show Log";
const OPEN_SETTING = "Open Setting";
const RESTART = "Restart";

export class Server implements Disposable {
  private readonly changed = new EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  state: State = "off";
  /** The state in a sentence for users. */
  note = "";
  private client: Client | undefined;
  /** The queue of starts and stops, which run one after the other. */
  private work = Promise.resolve();
  private retry: NodeJS.Timeout | undefined;
  private startedAt = 0;
  private crashes = 0;
  private hasTold = false;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  /** Restarts the server, or stops it if it is turned off. */
  restart(): Promise<void> {
    this.crashes = 0;
    return this.then(async () => {
      await this.stop();
      if (settings.enabled()) {
        await this.start();
      } else {
        this.become("off", "Turned off in this workspace");
      }
    });
  }

  /** Sends the current settings to the server. */
  async tellSettings(): Promise<void> {
    const all = { settings: { minicopilot: serverSettings() } };
    await this.running()?.sendNotification(DidChangeConfigurationNotification.type, all);
  }

  /** The client, if the server is ready. */
  running(): LanguageClient | undefined {
    return this.state === "ready" ? this.client : undefined;
  }

  dispose(): Promise<void> {
    return this.then(() => this.stop());
  }

  private async start(): Promise<void> {
    this.become("starting", "The server is starting");
    let program: string;
    try {
      program = await findProgram(this.context);
    } catch (error) {
      return this.fail((error as Error).message, OPEN_SETTING);
    }
    const client = new Client("minicopilot", "minicopilot", { command: program, args: ["serve"] }, {
      documentSelector: ["file", "untitled", "vscode-notebook-cell"].map((scheme) => ({ scheme, language: "python" })),
      initializationOptions: serverSettings(),
      outputChannel: this.log,
      traceOutputChannel: settings.isTraced() ? alwaysTracing(this.log) : this.log,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          // start() reports a server that exits before it is ready.
          if (this.client === client && this.state === "ready") {
            this.crashed();
          }
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
      middleware: this.middleware,
    });
    if (!settings.ghostText()) {
      client.registerFeature(withoutGhostText);
    }
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.log.error(String(error));
      if (this.crashes > 0) {
        return this.crashed();
      }
      return this.fail(`${program} does not respond as a language server. See the log for details.`, OPEN_SETTING, SHOW_LOG);
    }
    this.startedAt = Date.now();
    const version = client.initializeResult?.serverInfo?.version ?? "of an unknown version";
    this.log.info(`the server ${version} is ready: ${program}`);
    this.become("ready", `ready, server ${version}`);
    if (this.crashes > 0 && !this.hasTold) {
      this.hasTold = true;
      void this.tell(window.showWarningMessage, "minicopilot's server stopped unexpectedly and was restarted.", SHOW_LOG);
    }
  }

  private async stop(): Promise<void> {
    clearTimeout(this.retry);
    const client = this.client;
    this.client = undefined;
    if (client?.isRunning()) {
      await client.stop().catch((error: unknown) => this.log.error(String(error)));
    }
  }

  private crashed(): void {
    if (Date.now() - this.startedAt > HEALTHY) {
      this.crashes = 0;
    }
    const delay = DELAYS[this.crashes];
    this.crashes += 1;
    if (delay === undefined) {
      this.fail(`minicopilot's server stopped unexpectedly ${this.crashes} times and will not be restarted.`, RESTART, SHOW_LOG);
      return;
    }
    this.log.error(`the server stopped unexpectedly; restarting in ${delay} s`);
    this.become("starting", `The server stopped unexpectedly; restarting in ${delay} s`);
    this.retry = setTimeout(() => void this.then(() => this.start()), delay * 1000);
  }

  private fail(message: string, ...buttons: string[]): void {
    this.become("failed", message);
    this.log.error(message);
    void this.tell(window.showErrorMessage, message, ...buttons);
  }

  private async tell(show: typeof window.showErrorMessage, message: string, ...buttons: string[]): Promise<void> {
    const chosen = await show(message, ...buttons);
    if (chosen === SHOW_LOG) {
      this.log.show();
    } else if (chosen === OPEN_SETTING) {
      await commands.executeCommand("workbench.action.openSettings", "minicopilot.server.path");
    } else if (chosen === RESTART) {
      await this.restart();
    }
  }

  private become(state: State, note: string): void {
    this.state = state;
    this.note = note;
    this.changed.fire();
  }

  private then(step: () => Promise<void>): Promise<void> {
    this.work = this.work.then(step).catch((error: unknown) => this.log.error(String(error)));
    return this.work;
  }
}

/** The library's client, without its pop-up messages: it only logs, and `Server` tells users what they need to know. */
class Client extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/**
 * VS Code hides the as-you-type list where any ghost text provider is registered, and the client registers one as soon as the
 * server offers it. If ghost text is off, this feature removes the offer from the server's capabilities.
 */
const withoutGhostText = {
  preInitialize: (capabilities: ServerCapabilities) => {
    delete capabilities.inlineCompletionProvider;
  },
  fillClientCapabilities: () => undefined,
  initialize: () => undefined,
  getState: () => ({ kind: "static" }) as const,
  clear: () => undefined,
};

/** The client traces only if the log's level is "trace", which is set elsewhere. This makes our own setting sufficient. */
function alwaysTracing(log: LogOutputChannel): LogOutputChannel {
  return Object.create(log, {
    logLevel: { value: LogLevel.Trace },
    trace: { value: (message: string) => log.info(message) },
  }) as LogOutputChannel;
}
