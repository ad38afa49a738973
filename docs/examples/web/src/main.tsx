import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/views.css";

import { createRoot } from "react-dom/client";

import { App } from "./app";
import { link, follow } from "./live/connection";
import { say } from "./notices";

let before = link.get();
link.subscribe(() => {
  if (before === "lost" && link.get() === "live") say("Connected again.");
  before = link.get();
});

follow();
createRoot(document.getElementById("root")!).render(<App />);
