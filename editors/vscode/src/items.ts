/**
 * Where our items appear in VS Code's list, beside those of other extensions.
 *
 * VS Code merges the lists of all extensions, and sorts items that match the typed text equally well by `sortText`. It does not
 * remove duplicates, and one extension cannot change another's items. While a word is typed the first row is selected, and Enter
 * accepts it. package.json's `configurationDefaults` make Enter insert a new line where accepting would change nothing, or where
 * punctuation opened the list.
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

/** With the order "probability", items of at least this probability come before those of other extensions. */
const LIKELY = 0.05;
/**
 * If the first item has at least this probability, VS Code filters the list itself as the word goes on. A list that is requested
 * again with each letter stays unchanged until the answer arrives: Enter after the last letter would accept an item that a slow
 * answer has not replaced yet.
 */
const SURE = 0.9;
/** These sort before and after everything that starts with a letter, a digit or a dot, as other servers' `sortText` does. */
const BEFORE = "!";
const AFTER = "~";

type Items = CompletionItem[] | CompletionList | null | undefined;

/** Requests completions from the server, and places its items among those of other extensions. */
export class Arranger {
  /** Places for which other extensions are being queried: there we return nothing ourselves. */
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
    // The server compares its first item with the minimum. If that was filtered out here, the first one shown must reach it too.
    const isAfterSpace = context.triggerCharacter === " ";
    if (isAfterSpace && shown[0] !== undefined && probabilityOf(shown[0]) < settings.spaceMinProbability()) {
      return { items: [], isIncomplete: true };
    }
    arrange(shown, settings.order(), typedWord(document, position));
    // Another letter changes the probabilities and the matching items.
    const isSure = shown[0] !== undefined && probabilityOf(shown[0]) >= SURE;
    return { items: shown, isIncomplete: !isSure };
  }

  /** What other extensions offer for the word at a place. Queried once per word, since the editor filters their lists. */
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

/** Orders items as the user wants; an item equal to the typed word comes first, so that Enter changes nothing. */
function arrange(items: CompletionItem[], order: Order, typed: string): void {
  for (const [rank, item] of items.entries()) {
    const isFirst = order === "first" || (order === "probability" && probabilityOf(item) >= LIKELY);
    const within = labelOf(item) === typed ? "" : String(rank).padStart(3, "0");
    item.sortText = (isFirst ? BEFORE : AFTER) + within;
  }
}

/** Whether an item is more than punctuation or a number, which are typed as quickly as they are selected. */
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
