import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/views.css";

import { createRoot } from "react-dom/client";

import { farewell } from "./api/session";
import { App } from "./app";
import { link, follow } from "./live/connection";
import { say } from "./notices";

let before = link.get();
link.subscribe(() => {
  if (before === "lost" && link.get() === "live") say("Connected again.");
  before = link.get();
});

farewell.subscribe(() => {
  const why = farewell.get();
  if (why) say(why, { isBad: true });
});

follow();
createRoot(document.getElementById("root")!).render(<App />);
