// Pyright in VS Code, as its own extension starts it; in folders with a pyrightconfig.json.

const { LanguageClient, TransportKind } = require("vscode-languageclient/node");
const { window } = require("vscode");

exports.activate = async (context) => {
  const module = process.env.PYRIGHT;
  const client = new LanguageClient(
    "pyright",
    "Pyright",
    { module, transport: TransportKind.ipc },
    { documentSelector: [{ scheme: "file", language: "python" }] },
  );
  context.subscriptions.push(client);
  await client.start();
  const item = window.createStatusBarItem();
  item.text = "pyright is ready";
  item.show();
};
