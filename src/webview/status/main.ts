import "@vscode/codicons/dist/codicon.css";
import "../shared/shared.css";
import "./status.css";
import { StatusPage } from "./statusPage";

document.body.append(new StatusPage().element);
