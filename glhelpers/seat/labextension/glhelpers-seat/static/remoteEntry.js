/*
 * JupyterLab around a runbook. Plain JavaScript on purpose: nothing has to be built, and it can be read where it is
 * installed. A runbook works without it, too (Run All); with it nobody has to touch a cell:
 *
 *   - the form is there as soon as a runbook opens, if its setup cells are exactly those that glhelpers wrote;
 *   - the profile stands above everything, production in red;
 *   - what is typed into the form is written to the parameters cell, which papermill would inject into;
 *   - a button of the form runs the steps that it names;
 *   - while the connection to the kernel is lost, no gate can be pressed.
 */
(() => {
  "use strict";
  const NAME = "glhelpers-seat";
  const TARGET = "glhelpers.seat";
  const SETUP = /^from glhelpers\.runbook import open_runbook\s+run = open_runbook\("[a-z0-9_]+", globals\(\)\)\s+run\s*$/;
  const TEXT = `(?:"(?:[^"\\\\\\n]|\\\\.)*"|'(?:[^'\\\\\\n]|\\\\.)*')`;
  const LITERAL = new RegExp(`^\\s*(?:#.*|[a-z_][a-z0-9_]* = (?:${TEXT}|-?[0-9]+|None|\\()|${TEXT}|\\))?\\s*$`);
  let shared = null;

  /** A module that JupyterLab itself uses, so that its tokens and classes are the same ones. */
  async function jupyter(name) {
    const versions = shared[name];
    const factory = await versions[Object.keys(versions)[0]].get();
    return factory();
  }

  const tagsOf = cell => cell.model.getMetadata("tags") || [];
  const tagged = (panel, tag) => panel.content.widgets.find(cell => tagsOf(cell).includes(tag));
  const sourceOf = cell => cell.model.sharedModel.getSource();
  const outputsOf = cell => (cell.model.outputs ? cell.model.outputs.length : 0);
  const isStep = cell => tagsOf(cell).some(tag => tag.startsWith("step:"));

  /** A notebook that glhelpers wrote: only such a one is run without being asked, and only as far as its form. */
  function isRunbook(panel) {
    const parameters = tagged(panel, "parameters");
    const setup = tagged(panel, "setup");
    return Boolean(
      parameters && setup && SETUP.test(sourceOf(setup)) &&
      sourceOf(parameters).split("\n").every(line => LITERAL.test(line))
    );
  }

  /** What the extension does for one open notebook. */
  class Seat {
    constructor(panel, actions, bar) {
      this.panel = panel;
      this.actions = actions;
      this.bar = bar;
      this.comm = null;
      this.greeted = null;
      panel.sessionContext.kernelChanged.connect(() => this.join());
      panel.sessionContext.statusChanged.connect((_, status) => this.onStatus(status));
      panel.sessionContext.connectionStatusChanged.connect((_, status) => this.onConnection(status));
    }

    kernel() {
      const session = this.panel.sessionContext.session;
      return session ? session.kernel : null;
    }

    /** Greet the kernel. One that knows a run answers; a fresh one does not, and gets the form. */
    async join({ fresh = true } = {}) {
      const kernel = this.kernel();
      if (!kernel || !isRunbook(this.panel)) {
        return;
      }
      this.panel.node.classList.add("glh-runbook");
      this.listen();
      if (fresh && this.greeted === kernel.id) {
        return; // opening a notebook and getting a kernel are told apart, and may come in any order
      }
      this.greeted = kernel.id;
      await kernel.info;
      const comm = kernel.createComm(TARGET);
      let answered = false;
      comm.onMsg = message => {
        const first = !answered;
        answered = true;
        this.comm = comm;
        if (first && fresh && !outputsOf(tagged(this.panel, "setup"))) {
          this.begin(); // the kernel has a run, but this page shows nothing of it
        }
        this.told(message.content.data);
      };
      comm.onClose = () => {
        if (this.comm === comm) {
          this.comm = null;
        }
        if (!answered && fresh && !this.panel.isDisposed) {
          this.begin();
        }
      };
      comm.open({});
    }

    /** Lines that change are made anew each time; a screen reader speaks them if the place that they change in stays. */
    listen() {
      if (this.watch) {
        return;
      }
      const found = ".glh-spoken:not([aria-live])";
      this.watch = new MutationObserver(() => this.panel.node.querySelectorAll(found).forEach(place => {
        place.setAttribute("aria-live", "polite");
        place.setAttribute("aria-atomic", "true");
      }));
      this.watch.observe(this.panel.node, { childList: true, subtree: true });
      this.panel.disposed.connect(() => this.watch.disconnect());
    }

    /** Run the cells as far as the form; a notebook that shows an earlier run is left as it is until somebody asks. */
    async begin() {
      if (this.panel.content.widgets.some(cell => isStep(cell) && outputsOf(cell))) {
        this.bar.earlier(this.panel, () => {
          this.panel.content.widgets.filter(cell => cell.model.type === "code").forEach(cell => cell.model.clearExecution());
          this.panel.content.widgets.filter(cell => cell.outputArea).forEach(cell => cell.outputArea.model.clear());
          this.setUp();
        });
        return;
      }
      await this.setUp();
    }

    async setUp() {
      const cells = [tagged(this.panel, "parameters"), tagged(this.panel, "setup")];
      await this.actions.runCells(this.panel.content, cells, this.panel.sessionContext);
      await this.join({ fresh: false });
    }

    /** What the kernel tells: which profile the run uses, what stands in the form, what is to be done here. */
    told(data) {
      if (data.profile) {
        this.bar.show(this.panel, data);
      }
      if (data.parameters) {
        this.write(data.parameters);
      }
      if (data.run) {
        this.run(data.run[0], data.run[1], data.show);
      }
      if (data.save) {
        this.panel.context.save().then(
          () => this.comm.send({ saved: data.save }),
          () => this.comm.send({ not_saved: data.save })
        );
      }
    }

    /** The parameters cell as papermill and the hand-over write it: one name, one literal. */
    write(values) {
      const cell = tagged(this.panel, "parameters");
      const source = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join("\n");
      if (cell && sourceOf(cell) !== source) {
        cell.model.sharedModel.setSource(source);
      }
    }

    /**
     * Run the steps from one to the other, as if a person had pressed Shift-Enter on each, and show one of them.
     *
     * JupyterLab brings the active cell into view when cells are run, so the one that is to be read is made that.
     */
    async run(first, last, shown) {
      const content = this.panel.content;
      const place = step => content.widgets.findIndex(cell => tagsOf(cell).includes(`step:${step}`));
      const [from, to, read] = [place(first), place(last), place(shown)];
      if (from < 0 || to < from) {
        return;
      }
      const steps = content.widgets.slice(from, to + 1).filter(cell => cell.model.type === "code");
      steps.forEach(cell => cell.outputArea && cell.outputArea.model.clear());
      // Never waited for: JupyterLab rejects a scroll as soon as it scrolls elsewhere itself, as when a field gets the focus.
      const show = () => {
        if (read >= 0 && !this.isTyping()) {
          content.activeCellIndex = read;
          content.scrollToItem(read, "start").catch(() => {});
        }
      };
      show();
      const went = await this.actions.runCells(content, steps, this.panel.sessionContext);
      // Outputs that came have moved what was shown.
      show();
      if (this.comm) {
        this.comm.send(went ? { ran: last } : { halted: last });
      }
    }

    /** Whether the person is in a field of this notebook: what they look at is not taken from them. */
    isTyping() {
      const here = document.activeElement;
      return this.panel.node.contains(here) && /^(INPUT|TEXTAREA|SELECT)$/.test(here.tagName);
    }

    onStatus(status) {
      if (status === "restarting" || status === "autorestarting" || status === "dead" || status === "terminating") {
        this.comm = null;
        this.panel.node.classList.add("glh-kernel-gone");
        this.gates().forEach(gate => { gate.dataset.ended = "yes"; });
        this.still(true);
        this.bar.gone(this.panel);
        this.greeted = null;
      } else if (status === "idle" && this.panel.node.classList.contains("glh-kernel-gone")) {
        // The kernel is back and knows nothing: what the old one asked stays dead, and a new run can be begun.
        this.panel.node.classList.remove("glh-kernel-gone");
        this.join();
      }
    }

    /** Neither mouse nor keyboard reaches a gate, or a form of an admin page, that nobody would hear. */
    still(unheard) {
      this.gates().forEach(gate => { gate.inert = unheard || gate.dataset.ended === "yes"; });
    }

    gates() {
      return this.panel.node.querySelectorAll(".glh-gate, .glh-desk");
    }

    /** Without a connection a press would be kept and sent later, when nobody expects it any more. */
    onConnection(status) {
      const lost = status !== "connected";
      this.panel.node.classList.toggle("glh-no-connection", lost);
      this.still(lost);
      this.bar.connection(this.panel, lost);
      if (!lost && this.comm && !this.comm.isDisposed) {
        this.comm.send({ connected_again: true });
      }
    }
  }

  /** The line above everything, and the one above each notebook. */
  class Bars {
    constructor(Widget, server) {
      this.Widget = Widget;
      this.server = server;
      this.lines = new Map();
      this.told = new Map();
      this.top = null;
      this.front = null;
    }

    /** The line above everything speaks of the notebook in front; of what the server was opened for where none is. */
    inFront(panel) {
      this.front = panel;
      const { profile, production } = (panel && this.told.get(panel.id)) || this.server;
      document.body.classList.toggle("glh-production", Boolean(production));
      if (this.top) {
        say(this.top, production, profile, "");
      }
    }

    line(panel, kind) {
      const key = `${panel.id}:${kind}`;
      if (!this.lines.has(key)) {
        const widget = new this.Widget();
        widget.addClass("glh-line");
        widget.node.setAttribute("role", "status");
        panel.contentHeader.addWidget(widget);
        this.lines.set(key, widget);
        panel.disposed.connect(() => this.lines.delete(key));
      }
      return this.lines.get(key);
    }

    /** Above a notebook only what differs from the line above everything. */
    show(panel, { profile, production }) {
      this.told.set(panel.id, { profile, production });
      if (this.front === panel) {
        this.inFront(panel);
      }
      const widget = this.line(panel, "profile");
      const same = profile === this.server.profile && Boolean(production) === this.server.production;
      widget.setHidden(same);
      say(widget.node, production, profile, "This notebook runs on ");
    }

    connection(panel, lost) {
      const widget = this.line(panel, "connection");
      widget.setHidden(!lost);
      widget.toggleClass("glh-line-warn", true);
      widget.node.textContent = lost
        ? "⚡ The connection to the kernel is lost. Nothing can be approved or sent until it is back."
        : "";
    }

    gone(panel) {
      this.connection(panel, false);
    }

    earlier(panel, begin) {
      const widget = this.line(panel, "earlier");
      widget.setHidden(false);
      widget.node.textContent = "This notebook shows an earlier run; its gate is dead. ";
      const button = document.createElement("button");
      button.className = "jupyter-button";
      button.textContent = "Start a new run";
      button.addEventListener("click", () => { widget.setHidden(true); begin(); });
      widget.node.append(button);
    }
  }

  function say(node, production, profile, before) {
    node.classList.toggle("glh-line-production", Boolean(production));
    node.textContent = production
      ? `⚠ ${before}PRODUCTION — real customers (profile ${profile})`
      : `◇ ${before}profile ${profile} — ${profile === "sandbox" ? "made-up customers; nothing real can be changed" : "not production"}`;
  }

  const CSS = `
    .glh-line { flex: 0 0 auto; padding: 0 12px; min-height: 26px; line-height: 26px; font-size: 13px; font-weight: 600;
      box-sizing: border-box; overflow: hidden; white-space: nowrap;
      background: var(--jp-layout-color2); color: var(--jp-ui-font-color1); border-bottom: 1px solid var(--jp-border-color2); }
    .glh-line-production { background: #b3140b; color: #fff; border: 0; font-size: 15px; letter-spacing: .02em; }
    .glh-line-warn { background: #6b4a00; color: #fff; }
    .glh-line button { font: inherit; height: auto; padding: 1px 10px; }
    body.glh-production #jp-main-dock-panel { outline: 4px solid #b3140b; outline-offset: -4px; }
    /* The way by keyboard leads from step to step, not past buttons that move or delete a cell; the menus have them. */
    .glh-runbook .jp-cell-toolbar { display: none; }
    /* ipywidgets draws the arrow of a list in black, whatever the theme. */
    [data-jp-theme-light="false"] .glh-seat select, [data-jp-theme-light="false"] .glh-desk select,
    [data-jp-theme-light="false"] .glh-lookups select {
      background-image: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath fill='none' stroke='%23fff' stroke-width='2' d='M4 6l5 5 5-5'/%3E%3C/svg%3E"); }
    .glh-no-connection .glh-gate > *, .glh-kernel-gone .glh-gate > *,
    .glh-no-connection .glh-desk, .glh-kernel-gone .glh-desk { opacity: .55; pointer-events: none; }
    .glh-no-connection .glh-gate .glh-gate-message, .glh-kernel-gone .glh-gate .glh-gate-message { display: none; }
    .glh-no-connection .glh-gate::before, .glh-kernel-gone .glh-gate::before {
      content: "◌ STALE ⚡ Not connected: this gate is dead, whatever was typed."; font-weight: 700; display: block; padding: 4px 0; }
  `;

  async function plugin() {
    const { INotebookTracker, NotebookActions } = await jupyter("@jupyterlab/notebook");
    const { PageConfig } = await jupyter("@jupyterlab/coreutils");
    const { Widget } = await jupyter("@lumino/widgets");
    return {
      id: `${NAME}:plugin`,
      description: "JupyterLab around a runbook",
      autoStart: true,
      requires: [INotebookTracker],
      activate: (app, tracker) => {
        const style = document.createElement("style");
        style.textContent = CSS;
        document.head.append(style);
        const server = {
          profile: PageConfig.getOption("glhelpersProfile"),
          production: PageConfig.getOption("glhelpersProduction") === "yes"
        };
        const bars = new Bars(Widget, server);
        if (server.profile) {
          const line = new Widget();
          line.id = "glh-profile";
          line.addClass("glh-line");
          line.node.setAttribute("role", "note");
          line.node.setAttribute("aria-label", "Profile");
          bars.top = line.node;
          bars.inFront(null);
          app.shell.add(line, "header", { rank: 0 });
        }
        tracker.currentChanged.connect((_, panel) => bars.inFront(panel));
        tracker.widgetAdded.connect(async (_, panel) => {
          const seat = new Seat(panel, NotebookActions, bars);
          await panel.context.ready;
          await panel.sessionContext.ready;
          await panel.revealed;
          await seat.join();
        });
      }
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: scope => { shared = scope; },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    }
  };
})();
