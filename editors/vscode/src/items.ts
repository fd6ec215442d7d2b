/**
 * How our items stand in VS Code's list, beside those of other extensions.
 *
 * VS Code joins the lists of all extensions, and sorts them by `sortText` where they fit what is typed equally well. It neither
 * removes what occurs twice nor lets one extension change another's items. While a word is typed the first row is chosen, and
 * Enter accepts it; that Enter gives a new line where nothing would change, or where only punctuation has opened the list, is seen
 * to by package.json's `configurationDefaults`.
 */

import {
  CompletionTriggerKind,
  commands,
  type CancellationToken,
  type CompletionContext,
  type CompletionItem,
  type CompletionList,
  type Position,
  type TextDocument,
} from "vscode";
import type { ProvideCompletionItemsSignature } from "vscode-languageclient/node";
import { settings, type Order } from "./settings";

/** How likely an item must be to stand before others where the order is by probability. */
const LIKELY = 0.05;
/**
 * How likely the first item must be for the list to be filtered by VS Code itself while the word is typed on. A list that is asked
 * for anew with each letter stands as it was until the answer is there: Enter behind the last letter would be taken for an
 * item that a slow answer has not yet replaced.
 */
const SURE = 0.9;
/** Sorts before and behind everything that starts with a letter, a digit or a dot, as other servers' `sortText` does. */
const BEFORE = "!";
const BEHIND = "~";

type Items = CompletionItem[] | CompletionList | null | undefined;

/** Asks the server, and fits its items in among the others. */
export class Arranger {
  /** Places for which other extensions are being asked: our own answer there is none. */
  private readonly asking = new Set<string>();
  private others: { place: string; words: Set<string> } | undefined;

  async provide(
    document: TextDocument,
    position: Position,
    context: CompletionContext,
    token: CancellationToken,
    next: ProvideCompletionItemsSignature,
  ): Promise<Items> {
    if (this.asking.has(placeOf(document, position))) {
      return undefined;
    }
    const [found, others] = await Promise.all([
      next(document, position, context, token),
      settings.hideDuplicates() ? this.wordsOfOthers(document, position, context) : undefined,
    ]);
    const items = (Array.isArray(found) ? found : (found?.items ?? [])).filter(isWord);
    const shown = items.filter((item) => !others?.has(labelOf(item))).slice(0, settings.maxItems());
    // The server has looked at the first item, which may have been punctuation.
    if (context.triggerCharacter === " " && shown[0] !== undefined && probabilityOf(shown[0]) < settings.minProbability()) {
      return { items: [], isIncomplete: true };
    }
    arrange(shown, settings.order(), typedWord(document, position));
    // A further letter changes the probabilities, and what fits.
    const isSure = shown[0] !== undefined && probabilityOf(shown[0]) >= SURE;
    return { items: shown, isIncomplete: !isSure };
  }

  /** What other extensions offer for the word at a place; asked once a word, since their lists are filtered by the editor. */
  private async wordsOfOthers(document: TextDocument, position: Position, context: CompletionContext): Promise<Set<string>> {
    const begin = position.translate(0, -typedWord(document, position).length);
    const word = `${document.uri.toString()}#${begin.line}:${begin.character}`;
    const goesOn = context.triggerKind === CompletionTriggerKind.TriggerForIncompleteCompletions;
    if (goesOn && this.others?.place === word) {
      return this.others.words;
    }
    const place = placeOf(document, position);
    this.asking.add(place);
    try {
      const list = await commands.executeCommand<CompletionList | undefined>(
        "vscode.executeCompletionItemProvider",
        document.uri,
        position,
        context.triggerCharacter,
      );
      this.others = { place: word, words: new Set(list?.items.map(labelOf)) };
      return this.others.words;
    } finally {
      this.asking.delete(place);
    }
  }
}

/** Puts items where the user wants them; what is typed already stands first, so that Enter changes nothing. */
function arrange(items: CompletionItem[], order: Order, typed: string): void {
  for (const [rank, item] of items.entries()) {
    const isFirst = order === "first" || (order === "probability" && probabilityOf(item) >= LIKELY);
    const within = labelOf(item) === typed ? "" : String(rank).padStart(3, "0");
    item.sortText = (isFirst ? BEFORE : BEHIND) + within;
  }
}

/** Whether an item is more than punctuation or a number: these are typed as quickly as they are chosen. */
function isWord(item: CompletionItem): boolean {
  return /[\p{L}_]/u.test(labelOf(item));
}

function typedWord(document: TextDocument, position: Position): string {
  const before = document.lineAt(position.line).text.slice(0, position.character);
  return /[\p{L}\p{N}_]*$/u.exec(before)?.[0] ?? "";
}

function placeOf(document: TextDocument, position: Position): string {
  return `${document.uri.toString()}#${position.line}:${position.character}`;
}

function labelOf(item: CompletionItem): string {
  return typeof item.label === "string" ? item.label : item.label.label;
}

function probabilityOf(item: CompletionItem): number {
  return (item as { data?: { probability?: number } }).data?.probability ?? 0;
}
