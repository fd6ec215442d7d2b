// @ts-check
// Draws the panel "Why these answers?" from the messages of src/why.ts. Text from a file is never set as HTML.

(function () {
  // @ts-ignore VS Code defines this in a panel's page
  const editor = acquireVsCodeApi();
  const page = /** @type {HTMLElement} */ (document.getElementById("why"));

  /** The scopes of `minicopilot/nextTokens`, in the order in which a bar shows them. */
  const SCOPES = [
    { name: "network", label: "the network", hint: "what it learned in training" },
    { name: "buffer", label: "this file", hint: "names and passages before and after the cursor" },
    { name: "project", label: "the project", hint: "names and passages in other files of the workspace" },
    { name: "declarations", label: "declarations", hint: "members of classes and modules in this file, the project and imported packages" },
  ];
  /** Descriptions of tokens that have no text of their own. */
  const SPECIAL = new Map([["<EOL>", "end of the line"], ["</s>", "end of the file"], ["<NUM_LIT>", "a number"]]);

  /**
   * A token as it is written in a file. The model's vocabulary has frequent literals as `"<STR_LIT:utf-8>"` and `<NUM_LIT:1>`,
   * and one token for all others.
   * @param {string} token
   */
  function written(token) {
    return token
      .replace("<STR_LIT>", "…")
      .replace(/<(?:STR|NUM)_LIT:(.*)>/s, (_, content) => content.replaceAll("U+0020", " ").replaceAll("U+002C", ","));
  }

  /**
   * @param {string} tag @param {string} name the class
   * @param {(Node | string)[]} children
   */
  function element(tag, name, ...children) {
    const made = document.createElement(tag);
    made.className = name;
    made.append(...children);
    return made;
  }

  /** @param {number} probability */
  function percent(probability) {
    const rounded = Math.round(probability * 100);
    return rounded === 0 ? "<1\u00a0%" : `${rounded}\u00a0%`;
  }

  /** @param {any} answer */
  function row(answer) {
    const special = SPECIAL.get(answer.token);
    const bar = element("div", "bar");
    for (const { name, label } of SCOPES) {
      const share = answer.scope[name] ?? 0;
      if (share > 0.005) {
        const part = element("div", `part ${name}`);
        part.style.width = `${answer.probability * share * 100}%`;
        part.title = `${label}: ${percent(share)} of this answer`;
        bar.append(part);
      }
    }
    if (answer.network !== undefined) {
      const mark = element("div", "alone");
      mark.style.left = `${answer.network * 100}%`;
      mark.title = `the network alone: ${percent(answer.network)}`;
      bar.append(mark);
    }
    const from = answer.origins.filter((/** @type {[string, number]} */ [, share]) => share > 0.005);
    const origins = from.map((/** @type {[string, number]} */ [origin, share]) => `${percent(share)} ${origin}`).join(", ");
    const line = element("div", "origins", origins);
    line.title = origins;
    return element(
      "section",
      "answer",
      element("code", special ? "token special" : "token", special ?? written(answer.token)),
      element("span", "percent", percent(answer.probability)),
      bar,
      line,
    );
  }

  function legend() {
    const entries = SCOPES.map(({ name, label, hint }) => {
      const entry = element("li", "", element("span", `dot ${name}`), label);
      entry.title = hint;
      return entry;
    });
    entries.push(element("li", "", element("span", "dot alone"), "the network alone"));
    return element("ul", "legend", ...entries);
  }

  /** @param {any} message */
  function context(message) {
    const code = element("pre", "code");
    message.before.forEach((/** @type {string} */ line, /** @type {number} */ index) => {
      code.append(element("span", "number", String(message.firstLine + index)));
      const isLast = index === message.before.length - 1;
      if (isLast && message.prefix !== "" && line.endsWith(message.prefix)) {
        code.append(line.slice(0, line.length - message.prefix.length), element("mark", "", message.prefix));
      } else {
        code.append(line);
      }
      code.append(isLast ? element("span", "cursor") : "\n");
    });
    const lines = (/** @type {number} */ count) => `${count} ${count === 1 ? "line" : "lines"}`;
    const below = !message.usesBelow
      ? "no text after the cursor (setting useSuffixContext)"
      : `${lines(message.linesBelow)} below${message.linesBelow === 0 ? "" : ", searched"}`;
    const project = element("li", "");
    project.id = "project";
    project.textContent = known ?? "the project is being indexed";
    return element(
      "div",
      "context",
      element("h2", "", "Context used"),
      code,
      element(
        "ul",
        "",
        element("li", "", `${lines(message.linesAbove)} up to the cursor, read by the network and searched`),
        element("li", "", below),
        project,
      ),
    );
  }

  /** @type {string | undefined} */
  let known;

  window.addEventListener("message", ({ data }) => {
    if (data.sentence !== undefined) {
      page.replaceChildren(element("p", "sentence", data.sentence));
      return;
    }
    if (data.project !== undefined) {
      const { files, tokens, isUsed } = data.project;
      known = isUsed
        ? `${files.toLocaleString()} ${files === 1 ? "file" : "files"} of the project, ${tokens.toLocaleString()} tokens, searched`
        : "the project is not used (setting workspaceContext)";
      const line = document.getElementById("project");
      if (line) {
        line.textContent = known;
      }
      return;
    }
    const prefix = data.prefix === "" ? "" : ` that start with “${data.prefix}”`;
    page.replaceChildren(
      element("h1", "", data.answers.length === 0 ? `No known tokens${prefix}` : `Top next tokens${prefix}`),
      ...data.answers.map(row),
      legend(),
      context(data),
    );
    // Scroll a long line to the cursor.
    const code = page.querySelector(".code");
    const cursor = page.querySelector(".cursor");
    if (code && cursor instanceof HTMLElement) {
      code.scrollLeft = cursor.offsetLeft - code.clientWidth + 24;
    }
  });
  editor.postMessage("ready");
})();
